"""How often the gate's interval of a ratio of medians holds the true ratio, and which slowdowns it finds.

    python -m benchmarks.validity.time_ratio_coverage [--series 1000] [--jobs 7 9 17 30]

Jobs have 1 to 8 repeats, whose times are correlated within the job. Both sides have the same distribution, so the true
ratio is 1. The interval scales with the times now, so one series gives the power at every slowdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from pytest_swarm.statistics.bootstrap import interval_of_median_ratio

World: TypeAlias = Callable[[np.random.Generator], float]

NOISE: Final = 0.14  # standard deviation of a logarithm: once for each side of a job, once for each repeat
LEVEL: Final = 0.025
WORLDS: Final[dict[str, World]] = {
    "lognormal 0.3": lambda rng: float(np.exp(rng.normal(0, 0.3))),
    "lognormal 1": lambda rng: float(np.exp(rng.normal(0, 1))),
    "two modes": lambda rng: float(np.exp(rng.normal(0, 0.2)) * (1 if rng.random() < 0.6 else 4)),
    "ties": lambda rng: float(rng.choice(4, p=[0.2, 0.4, 0.3, 0.1]) + 1),
    "alike": lambda _: 1.0,
}


def interval(world: str, jobs: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the interval of one simulated series.

    Args:
        world: A key of WORLDS. In "ties" a side of a job draws its time anew with a chance of 0.3, without noise.
        jobs: Number of jobs.
        rng: Source of the draws.
    """
    sides: tuple[list[float], list[float]] = ([], [])
    clusters: list[int] = []
    for job in range(jobs):
        base, repeats = WORLDS[world](rng), int(rng.integers(1, 9))
        clusters += [job] * repeats
        for side in sides:
            if world == "ties":
                side += [WORLDS[world](rng) if rng.random() < 0.3 else base] * repeats
            else:
                side += (base * np.exp(rng.normal(0, NOISE) + rng.normal(0, NOISE, repeats))).tolist()
    bounds = interval_of_median_ratio(*sides, clusters, level=LEVEL)
    assert bounds is not None, "enough jobs"
    return bounds


def main() -> None:
    """Print coverage, false alarms, width and power of each world and number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--jobs", type=int, nargs="+", default=[7, 9, 17, 30])
    options = parser.parse_args()
    for jobs in options.jobs:
        for number, world in enumerate(WORLDS):
            rng = np.random.default_rng([2026, jobs, number])
            low, high = np.array([interval(world, jobs, rng) for _ in range(options.series)]).T
            figures = {
                "covered": (low <= 1 + 1e-9) & (high >= 1 - 1e-9),
                "false alarm": low > 1 + 1e-9,
                "+10 % found": low * 1.1 > 1,
                "+20 % found": low * 1.2 > 1,
            }
            shares = ", ".join(f"{name} {100 * hits.mean():.1f} %" for name, hits in figures.items())
            print(f"{jobs} jobs, {world}: {shares}, width {np.log(high / low).mean():.3f} (log)", flush=True)


if __name__ == "__main__":
    main()
