"""The noise between runs in which nothing changed: how large a difference chance makes, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, fmean
from typing import Final

from pytest_swarm.gate.baseline import BaselineCase, Setup
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.statistics.sign_flips import POWER

_LEVEL: Final = 0.025
_ROUNDING: Final = 1e-9  # of a mean: clocks that started at other times round seconds otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNoise:
    """The noise of one metric under one mode: its mean, and the standard deviation of one run's mean.

    `floor` is the smallest allowance that runs of this size support: a loss that they tell from none with a chance of
    80 %, in the metric's unit.
    """

    mode: str
    metric: str
    mean: float
    deviation: float
    floor: float


def noise_of(runs: Sequence[RunCases], *, metrics: Iterable[str]) -> list[MetricNoise]:
    """Return the noise of each metric and mode that all runs measured.

    The deviation of one run's mean comes from the differences of all pairs of runs, over the cases that both have:
    E (difference)^2 is twice the variance of one run. The floor is (z(0.975) + z(0.8)) standard errors of a difference
    of two runs, as in Cohen, Statistical Power Analysis, 1988, 2.

    Args:
        runs: two or more runs of the same state.
        metrics: the names of the metrics.
    """
    found: list[MetricNoise] = []
    modes = sorted({case.setup.mode for run in runs for case in run.cases})
    for mode in modes:
        for name in metrics:
            means = [_case_means(run.cases, mode, name) for run in runs]
            common = set.intersection(*map(set, means))
            if not common:
                continue
            of_run = [fmean(each[case] for case in common) for each in means]
            pairs = combinations(of_run, 2)
            squares = [0.0 if math.isclose(a, b, rel_tol=_ROUNDING) else (a - b) ** 2 for a, b in pairs]
            deviation = math.sqrt(fmean(squares) / 2)
            z = NormalDist().inv_cdf
            floor = (z(1 - _LEVEL) + z(POWER)) * math.sqrt(2) * deviation
            found.append(MetricNoise(mode=mode, metric=name, mean=fmean(of_run), deviation=deviation, floor=floor))
    return found


def default_metrics() -> tuple[str, ...]:
    """Return the metrics that noise is shown of: those that a gate judges; wall times of one run are not among them."""
    return tuple(name for name, row in GATE_METRICS.items() if not row.on_wall_clock)


def _case_means(cases: Sequence[BaselineCase], mode: str, name: str) -> dict[tuple[Setup, str], float]:
    found: dict[tuple[Setup, str], float] = {}
    for case in cases:
        values = [value for sample in case.samples if (value := sample.figures.get(name)) is not None]
        if case.setup.mode == mode and values:
            found[case.identity] = fmean(values)
    return found
