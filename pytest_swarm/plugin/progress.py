"""Progress of a long run in pytest's own style: how long is left, with -v at each benchmark, else now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Final

import pytest

from pytest_swarm.units import format_duration

_RAN: Final = ("passed", "failed")
_FIRST_S: Final = 60.0  # a shorter run needs no word
_FEWEST: Final = 3  # cases that tell how long the others take


@dataclass(slots=True)
class Progress:
    """Which cases have ended, and since when they run.

    Attributes:
        cases: The node IDs of all of them; none where they are not known (xdist).
        resumed: Node IDs of those that an earlier run has finished: they end at once, and tell nothing of the others.
        clock: Returns the present time in seconds.
    """

    cases: Set[str]
    resumed: Set[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
    _ended: set[str] = field(default_factory=set)  # a report may come twice: the summary of -v asks for words again
    _began_s: float = 0.0
    _next_s: float = _FIRST_S

    def word(self, report: pytest.TestReport) -> str:
        """`PASSED 89 % (3/60, 40 s left)`: the verbose word of a benchmark that has just ended, with its mean score."""
        self.count(report)
        scores = [value for name, value in report.user_properties if name == "swarm.score" and isinstance(value, float)]
        shown = f" {sum(scores) / len(scores):.0%}".replace("%", " %") if scores else ""
        left_s = self._left_s()
        left = "" if left_s is None else f" ({len(self._ended)}/{len(self.cases)}, {format_duration(left_s)} left)"
        return f"{report.outcome.upper()}{shown}{left}"

    def sentence(self, report: pytest.TestReport) -> str | None:
        """Return what is said after one, two, four, eight ... minutes, as a benchmark ends; None for nothing."""
        self.count(report)
        if not is_benchmark_call(report):
            return None
        took_s, left_s = self.clock() - self._began_s, self._left_s()
        if took_s < self._next_s or left_s is None or len(self._ended - self.resumed) < _FEWEST:
            return None
        while self._next_s <= took_s:
            self._next_s *= 2
        ended, left = f"{len(self._ended):,} of {len(self.cases):,}", format_duration(left_s)
        return f"{ended} cases have ended; at their pace the others take about {left}"

    def count(self, report: pytest.TestReport) -> None:
        """Count a case that has ended, be it that it was skipped: a repeat that was not needed takes no more time."""
        ends = report.when == "call" or (report.when == "setup" and not report.passed)
        again = report.outcome not in (*_RAN, "skipped")  # such as `rerun`, of pytest-rerunfailures
        if ends and not again and not is_of_subtest(report) and report.nodeid in self.cases:
            if not self._ended:
                self._began_s = self.clock() - report.duration
            self._ended.add(report.nodeid)

    def _left_s(self) -> float | None:
        """Return the seconds that the others take at the pace of those that ended in this run; None without such."""
        ran = len(self._ended - self.resumed)
        others = len(self.cases - self.resumed) - ran
        if not ran or not others:
            return None
        took_s = self.clock() - self._began_s  # not the sum of their durations: workers of xdist run several at a time
        return took_s / ran * others


def is_benchmark_call(report: pytest.TestReport) -> bool:
    """Whether a report is the end of a benchmark's own phase."""
    ended = report.when == "call" and report.outcome in _RAN and not is_of_subtest(report)
    return ended and ran_job(report)


def ran_job(report: pytest.TestReport) -> bool:
    """Whether a test has run a job to its end, or has that of an earlier run."""
    return any(name == "swarm.job" for name, _ in report.user_properties)


def is_of_subtest(report: pytest.TestReport) -> bool:
    """Whether a report is of a part of a test, which is reported on its own, by pytest 9 or by pytest-subtests."""
    return "context" in report.__dict__
