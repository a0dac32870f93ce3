"""Times over several processes of two states of a project: the ratio of each pair of processes, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from pytest_swarm.domain.record import Run
from pytest_swarm.gate.run_context import run_context_of, virtual_clock
from pytest_swarm.gate.time_verdicts import is_wall_time
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.statistics.sign_flips import Pair, paired_effect, units_of

LEVEL: Final = 0.025
FEWEST: Final = 6
"""Pairs of processes below which sign flips exclude nothing at 95 %: 2^-5 is above 0.025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRatio:
    """Now divided by then, of one time under one mode; `then` and `now` are means over processes of a run's median.

    [low, high] holds 95 % over other processes of these jobs on this machine. All three are None, with the reason in
    `note`, where a time is 0.
    """

    mode: str
    metric: str
    then: float
    now: float
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    note: str | None = None


def time_ratios(then: Sequence[Run], now: Sequence[Run]) -> list[TimeRatio]:
    """Return the ratio of each wall time and mode that all runs measured.

    The processes are interleaved, so the n-th of either side ran under the same conditions. The mean of the logarithms
    of their ratios has the interval of the sign-flip test (Hartigan, JASA 64 (1969) 1303).

    Args:
        then: runs of one state, in the order in which they ran.
        now: runs of the other, parallel to `then`.
    """
    before, after = [_medians(run) for run in then], [_medians(run) for run in now]
    common = set.intersection(*map(set, (*before, *after)))
    return [_ratio(key, [each[key] for each in before], [each[key] for each in after]) for key in sorted(common)]


def _ratio(key: tuple[str, str], then: Sequence[float], now: Sequence[float]) -> TimeRatio:
    mode, metric = key
    if min(*then, *now) <= 0:
        note = "a time of 0 has no ratio"
        return TimeRatio(mode=mode, metric=metric, then=fmean(then), now=fmean(now), note=note)
    logs = [math.log(b / a) for a, b in zip(then, now, strict=True)]
    effect = paired_effect(units_of(Pair(n, "all", n, each) for n, each in enumerate(logs)), level=LEVEL)
    return TimeRatio(
        mode=mode,
        metric=metric,
        then=fmean(then),
        now=fmean(now),
        ratio=math.exp(effect.mean),
        low=None if effect.low is None else math.exp(effect.low),
        high=None if effect.high is None else math.exp(effect.high),
    )


def _medians(run: Run) -> dict[tuple[str, str], float]:
    """The median over jobs of each wall time, by mode and metric."""
    context = run_context_of(run.info)
    virtual = virtual_clock(context, context)
    times = [row for row in GATE_METRICS.values() if is_wall_time(row, virtual=virtual)]
    found: dict[tuple[str, str], list[float]] = {}
    for job in measure(run.jobs):
        for row in times:
            value = job.comparable(row)
            if isinstance(value, int | float):
                found.setdefault((job.key.mode, row.name), []).append(float(value))
    return {key: median(values) for key, values in found.items()}
