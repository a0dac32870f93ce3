"""Coverage of the intervals of a report: the mean score over workflows, and the difference of two modes over them.

The truth is that of all workflows like these: each has chances of its own, drawn anew for each simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from world_table import Experiment

from pytest_swarm.statistics.intervals import Interval, clustered_mean

_DRAWS_OF_TRUTH = 200_000


def _ordinary(rng: np.random.Generator, jobs: int) -> NDArray[np.float64]:
    return rng.beta(1.2, 0.6, size=jobs)


def _near_one(rng: np.random.Generator, jobs: int) -> NDArray[np.float64]:
    return rng.beta(60.0, 1.0, size=jobs)


def _sparse(rng: np.random.Generator, jobs: int) -> NDArray[np.float64]:
    """One workflow in ten differs between two modes, by up to a whole score."""
    return np.where(rng.random(jobs) < 0.1, rng.uniform(-1.0, 0.5, size=jobs), 0.0)


_TRUTH = {
    make: float(make(np.random.default_rng(0), _DRAWS_OF_TRUTH).mean()) for make in (_ordinary, _near_one, _sparse)
}


def _covered(
    rng: np.random.Generator, *, make: Callable[..., NDArray[np.float64]], jobs: int, repeats: int
) -> dict[str, bool]:
    means = make(rng, jobs)
    if make is _sparse:  # a workflow that differs does so in each repeat, or not
        values = np.where(rng.random((jobs, repeats)) < np.abs(means)[:, None], np.sign(means)[:, None], 0.0)
        found = clustered_mean(_rows(values), low=-1.0, high=1.0)
    else:
        values = rng.binomial(3, means[:, None], size=(jobs, repeats)) / 3
        found = clustered_mean(_rows(values), low=0.0, high=1.0)
    assert found is not None
    return {"covered, or no interval": _holds(found, _TRUTH[make])}


def _rows(values: NDArray[np.float64]) -> list[tuple[int, float]]:
    return [(job, float(value)) for job, row in enumerate(values) for value in row]


def _holds(found: Interval, truth: float) -> bool:
    return found.low is None or found.high is None or found.low <= truth <= found.high


COVERAGE: tuple[Experiment, ...] = tuple(
    Experiment(
        world=f"coverage-{name}-{jobs}x{repeats}",
        n=1_500,
        play=partial(_covered, make=make, jobs=jobs, repeats=repeats),
        bounds={"covered, or no interval": {"least": 0.93}},
    )
    for name, make in (("scores", _ordinary), ("near-1", _near_one), ("sparse-differences", _sparse))
    for jobs in (3, 9, 30)
    for repeats in (1, 5, 20)
)
