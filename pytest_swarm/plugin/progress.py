"""Progress of a long run in pytest's own style: with -v each benchmark's line says its score, and how long is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from pytest_swarm.units import format_duration

_WORDS = {"passed": "PASSED", "failed": "FAILED"}


@dataclass(slots=True)
class Progress:
    """How many of `total` benchmarks have ended, and how long they took; a total of 0 is not known (xdist)."""

    total: int
    _took_s: list[float] = field(default_factory=list)

    def word(self, report: pytest.TestReport) -> str:
        """`PASSED 89 % (3/60, 40 s left)`: the verbose word of a benchmark that has just ended."""
        self._took_s.append(report.duration)
        score = _properties(report).get("swarm.score")
        shown = f" {score:.0%}".replace("%", " %") if isinstance(score, float) else ""
        return f"{_WORDS[report.outcome]}{shown}{self._left()}"

    def _left(self) -> str:
        done = len(self._took_s)
        if done >= self.total:
            return ""
        left_s = sum(self._took_s) / done * (self.total - done)
        return f" ({done}/{self.total}, {format_duration(left_s)} left)"


def is_benchmark_call(report: pytest.TestReport) -> bool:
    """Whether a report is the end of a benchmark's own phase."""
    return report.when == "call" and report.outcome in _WORDS and "swarm.job" in _properties(report)


def _properties(report: pytest.TestReport) -> Mapping[str, object]:
    return dict(report.user_properties)
