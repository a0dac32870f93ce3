"""The spread between the runs of a baseline: what moves a whole run, as a warm GPU or another server build does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from pytest_swarm.gate.draws import JobDraws
from pytest_swarm.statistics.intervals import t_quantile


def run_error(jobs: Sequence[JobDraws], *, level: float) -> float:
    """Return how far the spread between runs can move a difference; 0 for one run, or where none is seen.

    The variance component is what the means of the runs vary by, less what repeats within runs explain (the estimator
    of one-way analysis of variance; Searle, Casella and McCulloch, Variance Components, 1992, 3.2). It counts once for
    the run that is judged and 1/K for the mean of K runs; the quantile is that of t with K - 1 degrees of freedom.

    Args:
        jobs: the draws of each job.
        level: one-sided level.
    """
    if len({draw.run for job in jobs for draw in job.before}) < 2:
        return 0.0
    by_run: dict[str, list[tuple[float, float]]] = {}
    for job in jobs:
        for case in job.cases:
            means = job.run_means(case)
            middle = fmean(mean for mean, _ in means.values())
            for run, (mean, error) in means.items():
                by_run.setdefault(run, []).append((mean - middle, error))
    runs = len(by_run)
    between = variance(fmean(mean for mean, _ in rows) for rows in by_run.values())
    within = fmean(math.fsum(error for _, error in rows) / len(rows) ** 2 for rows in by_run.values())
    component = max(0.0, between - within)
    return t_quantile(runs - 1, 1 - 2 * level) * math.sqrt(component * (1 + 1 / runs))


def widened(mean: float, bounds: tuple[float, float], error: float) -> tuple[float, float]:
    """Return the bounds of a mean with a further, independent error.

    Args:
        mean: The mean.
        bounds: Its bounds without the further error.
        error: Half the width of the interval of the further error.
    """
    low, high = bounds
    return mean - math.hypot(mean - low, error), mean + math.hypot(high - mean, error)
