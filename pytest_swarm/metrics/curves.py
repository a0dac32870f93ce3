"""Look-ahead curves: what a deeper horizon buys, per mode and budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.statistics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One mode at one horizon and budget: means per job, and the sum of violated steps."""

    mode: str
    horizon_depth: HorizonDepth
    vram_budget_gb: float
    jobs: int
    score: Interval | None
    utility: float | None
    switches: float | None
    load_s: float | None
    violations: int
    violation_rate: float | None


def look_ahead(aggregates: Sequence[Aggregate]) -> tuple[CurvePoint, ...]:
    """The curve points of the aggregates that are of one setting, in their order (mode, budget, horizon)."""
    return tuple(
        CurvePoint(
            mode=each.mode,
            horizon_depth=each.horizon_depth,
            vram_budget_gb=each.vram_budget_gb,
            jobs=each.jobs,
            score=each.score,
            utility=each.utility,
            switches=each.switches,
            load_s=each.load_s,
            violations=each.violations,
            violation_rate=each.violation_rate,
        )
        for each in aggregates
        if each.horizon_depth is not None and each.vram_budget_gb is not None
    )
