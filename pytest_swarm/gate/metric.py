"""The metrics that a gate can hold: which way is worse, and how chance acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """How a metric is compared."""

    COUNT = "count"  # exact
    MEAN = "mean"  # mean paired difference with interval
    TIME = "time"  # ratio of medians with interval, unless the mean is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of `JobMetrics`. `worse` is +1 where more is worse, -1 where less is.

    `on_wall_clock`: always wall time, also in the simulator, so that another machine is no comparison.
    """

    name: str
    kind: Kind
    worse: int
    on_wall_clock: bool = False


def _metrics() -> dict[str, Metric]:
    down = ("score", "score_per_token_cost", "utility")
    counts = ("violations", "measured_violations")
    more = (
        *("regret", "planned_vram_gb", "peak_vram_gb", "distinct_vram_gb", "measured_peak_vram_gb", "spilled_gb"),
        *("switches", "evictions", "prompt_tokens", "completion_tokens", "token_cost", "tasks_failed"),
        *("tasks_skipped", "tasks_unscored", "fractional_steps"),
    )
    times = ("makespan_s", "total_latency_s", "load_s")
    rows = [
        *(Metric(name=name, kind=Kind.MEAN, worse=-1) for name in down),
        *(Metric(name=name, kind=Kind.COUNT, worse=1) for name in counts),
        *(Metric(name=name, kind=Kind.MEAN, worse=1) for name in more),
        *(Metric(name=name, kind=Kind.TIME, worse=1) for name in times),
        *(Metric(name=name, kind=Kind.TIME, worse=1, on_wall_clock=True) for name in ("decision_ms", "solve_ms")),
    ]
    return {row.name: row for row in rows}


METRICS: Final = MappingProxyType(_metrics())
SCORE: Final = METRICS["score"]
VIOLATIONS: Final = METRICS["violations"]
