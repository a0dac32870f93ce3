"""How many units make a bound pass a limit with a chance of 80 %, from the spread that a first sample shows.

The sample's spread is itself uncertain. It is taken at the upper end of its own 80 % interval (Browne, Statistics in
Medicine 14 (1995) 1933), and one more value at each side, of the size of the smallest step, stands for what a short
sample has not yet seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Final

from pytest_swarm.statistics.mean_bounds import WeightedValues, p_mean_at_most

_ASSURANCE: Final = 0.8
"""Chance with which the spread is no larger than planned for."""
_POWER: Final = 0.85
"""Planned chance of a verdict: somewhat above the 80 % that is promised, because other jobs spread otherwise."""
MOST_UNITS: Final = 1 << 30
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What is known of single units before more of them are drawn.

    `values` are those of a first sample, `step` the smallest difference that a unit can show, [low, high] its range.
    `uneven` is a further variance, of a loss that the sample does not hold: it strikes some units and spares others.
    """

    values: tuple[float, ...]
    step: float
    low: float
    high: float
    uneven: float = 0.0


def units_to_exceed(spread: Spread, *, true_mean: float, limit: float, level: float) -> int | None:
    """Return how many units let the lower bound of the mean exceed `limit` with a chance of 80 %.

    Args:
        spread: A first sample.
        true_mean: The mean that is assumed to be true.
        limit: What the lower bound is to exceed.
        level: Chance with which the bound may be wrong.

    Returns:
        Units; None where no number of them does (the mean is not above the limit).
    """
    if true_mean <= limit:
        return None
    shape, deviation = _planned(spread)

    def passes(units: int) -> bool:
        mean = true_mean - _NORMAL.inv_cdf(_POWER) * deviation / math.sqrt(units)
        if mean <= limit:
            return False
        weight = units / len(shape)
        data = WeightedValues(
            values=[each + mean for each in shape], weights=[1.0] * len(shape), low=spread.low, high=spread.high
        )
        return p_mean_at_most(data, limit, times=weight) <= level

    return _first(passes)


def _planned(spread: Spread) -> tuple[list[float], float]:
    """Deviations from the mean whose spread is that of the sample's upper limit, and their standard deviation."""
    values = [*spread.values, fmean(spread.values) + spread.step, fmean(spread.values) - spread.step]
    middle = fmean(values)
    factor = _spread_factor(max(1, len(spread.values) - 1))
    seen = fmean((each - middle) ** 2 for each in values)
    if not seen:
        return [0.0] * len(values), 0.0
    deviation = math.sqrt(factor**2 * seen + spread.uneven)
    return [deviation / math.sqrt(seen) * (each - middle) for each in values], deviation


def planned_spread(values: Sequence[float]) -> float:
    """Return the upper limit of the standard deviation that a sample supports with a chance of 80 %.

    Args:
        values: The sample, at least two values.
    """
    return stdev(values) * _spread_factor(len(values) - 1)


def _spread_factor(freedom: int) -> float:
    """Return sqrt(f / q) with q the 20 % quantile of chi squared with f degrees of freedom (Browne)."""
    from scipy.special import chdtri

    return math.sqrt(freedom / float(chdtri(freedom, _ASSURANCE)))


def _first(holds: Callable[[int], bool]) -> int | None:
    """The smallest number from 2 for which `holds`, which is false at first and then true."""
    high = 2
    while not holds(high):
        high *= 2
        if high > MOST_UNITS:
            return None
    low = high // 2
    while high - low > max(1, low // 500):
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
