"""Progress of a long run in pytest's own style: how long is left, with -v at each benchmark, else now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from pytest_swarm.units import format_duration

_WORDS = {"passed": "PASSED", "failed": "FAILED"}
_FIRST_S: Final = 60.0  # a shorter run needs no word
_FEWEST: Final = 3  # cases that tell how long the others take


@dataclass(slots=True)
class Progress:
    """How many benchmarks have ended, and since when they run.

    Attributes:
        total: All benchmarks; 0 is not known (xdist).
        resumed: How many of them an earlier run has finished: they end at once, and tell nothing of the others.
        clock: Returns the present time in seconds.
    """

    total: int
    resumed: int = 0
    clock: Callable[[], float] = time.monotonic
    _ended: int = 0
    _began_s: float = 0.0
    _next_s: float = _FIRST_S

    def word(self, report: pytest.TestReport) -> str:
        """`PASSED 89 % (3/60, 40 s left)`: the verbose word of a benchmark that has just ended."""
        self._count(report)
        score = _properties(report).get("swarm.score")
        shown = f" {score:.0%}".replace("%", " %") if isinstance(score, float) else ""
        left_s = self._left_s()
        left = "" if left_s is None else f" ({self._ended}/{self.total}, {format_duration(left_s)} left)"
        return f"{_WORDS[report.outcome]}{shown}{left}"

    def sentence(self, report: pytest.TestReport) -> str | None:
        """Return what is said after one, two, four, eight ... minutes, as a benchmark ends; None for nothing."""
        if not is_benchmark_call(report):
            return None
        self._count(report)
        took_s, left_s = self.clock() - self._began_s, self._left_s()
        if took_s < self._next_s or left_s is None or self._ended - self.resumed < _FEWEST:
            return None
        while self._next_s <= took_s:
            self._next_s *= 2
        left = format_duration(left_s)
        return f"{self._ended:,} of {self.total:,} cases have ended; at their pace the others take about {left}"

    def _count(self, report: pytest.TestReport) -> None:
        if not self._ended:
            self._began_s = self.clock() - report.duration
        self._ended += 1

    def _left_s(self) -> float | None:
        """Return the seconds that the others take at the pace of those that were run; None where there are none."""
        if self._ended >= self.total:
            return None
        took_s = self.clock() - self._began_s  # not the sum of their durations: workers of xdist run several at a time
        return took_s / max(1, self._ended - self.resumed) * (self.total - self._ended)


def is_benchmark_call(report: pytest.TestReport) -> bool:
    """Whether a report is the end of a benchmark's own phase."""
    return report.when == "call" and report.outcome in _WORDS and "swarm.job" in _properties(report)


def _properties(report: pytest.TestReport) -> Mapping[str, object]:
    return dict(report.user_properties)
