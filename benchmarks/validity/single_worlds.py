"""One run against one run, nothing changed: the whole default gate, 2 modes x 3 horizons x 2 budgets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from world_table import FALSE_ALARM, Experiment, equal_runs
from worlds import World, heterogeneous


def _heterogeneous(rng: np.random.Generator, *, jobs: int, repeats: int, **more: object) -> World:
    return World(chances=heterogeneous(jobs, rng), repeats=repeats, **more)  # type: ignore[arg-type]


def _binary(rng: np.random.Generator, *, jobs: int, repeats: int) -> World:
    """Jobs of one task: a score is 0 or 1."""
    return World(chances=rng.uniform(0.2, 0.95, size=(jobs, 1)), repeats=repeats)


def _tied(rng: np.random.Generator, *, jobs: int, repeats: int) -> World:
    """Nearly every task right: nearly every difference is 0."""
    return World(chances=rng.uniform(0.97, 1.0, size=(jobs, 3)), repeats=repeats)


def _experiment(
    name: str, n: int, make: Callable[..., World], *, real: bool = False, **arguments: object
) -> Experiment:
    return Experiment(world=name, n=n, play=equal_runs(partial(make, **arguments), real=real), bounds=FALSE_ALARM)


_SIZES = {(jobs, repeats): 120 for jobs in (3, 17, 50) for repeats in (1, 5, 20)} | {(50, 20): 80}

SINGLE: tuple[Experiment, ...] = (
    *(
        _experiment(f"plain-{jobs}x{repeats}", n, _heterogeneous, jobs=jobs, repeats=repeats)
        for (jobs, repeats), n in _SIZES.items()
    ),
    *(
        _experiment(f"plain-{kind}-{jobs}x{repeats}", 120, make, jobs=jobs, repeats=repeats)
        for kind, make in (("binary", _binary), ("tied", _tied))
        for jobs, repeats in ((3, 5), (17, 5))
    ),
    *(
        _experiment(
            f"identical-{jobs}x{repeats}", 120, _heterogeneous, real=True, jobs=jobs, repeats=repeats, identical=True
        )
        for jobs, repeats in ((3, 20), (17, 5), (17, 20))
    ),
    *(
        _experiment(f"violation-{100 * rate:g}%-17x5", n, _heterogeneous, jobs=17, repeats=5, violations=rate)
        for rate, n in ((0.003, 120), (0.01, 120), (0.05, 200), (0.2, 400))
    ),
    *(
        _experiment(f"missing-20%-{jobs}x{repeats}", 120, _heterogeneous, jobs=jobs, repeats=repeats, missing=0.2)
        for jobs, repeats in ((3, 5), (17, 5))
    ),
    *(
        _experiment(f"unshared-17x{then}v{now}", 120, _heterogeneous, real=True, jobs=17, repeats=then, repeats_now=now)
        for then, now in ((5, 5), (20, 5), (5, 20))
    ),
)
