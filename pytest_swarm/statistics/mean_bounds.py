"""Bounds of the mean of bounded, independent values that hold for every true mean, not only for "no change".

The lower bound is the quantile of sum_u D_u x_u, where the x_u are the values and *one more value at the lowest end of
the range*, and D is drawn from the flat Dirichlet distribution (Gaffke, Mathematical Methods of Statistics 14 (2005);
Learned-Miller and Thomas, A New Confidence Interval for the Mean of a Bounded Random Variable, 2019). For values of
only two kinds it is the bound of Clopper and Pearson (Biometrika 26 (1934) 404); for many values it tends to the normal
bound. Values of different distributions make it more careful, not less (Hoeffding, Ann. Math. Stat. 27 (1956) 713).

With exponential variables E_u in place of D_u, the bound exceeds m where P(sum_u E_u w_u (x_u - m) <= 0) is below the
level. That chance is computed by the saddlepoint formula of Lugannani and Rice (Adv. Appl. Prob. 12 (1980) 475).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, TypeAlias

_Cumulants: TypeAlias = Callable[[float], tuple[float, float, float, float]]
"""The cumulant generating function K(s) = -sum_g k_g ln(1 - s v_g), and its first three derivatives."""
_NORMAL: Final = NormalDist()
_STEPS: Final = 200  # Newton steps, guarded by bisection: about ten are needed
_EXACT: Final = 1e-9  # share of the range to which a bound is computed
_PATIENCE: Final = 4  # steps after which an end that stays is left by bisection
_TINY: Final = 1e-16  # chances nearer to 0 or 1 have no use
_FEW: Final = 40  # groups up to which numpy costs more than it saves
_FLAT: Final = 1e-3  # saddlepoints this near 0, in standard deviations, take the limit of the formula


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedValues:
    """Independent values with positive weights; `low` and `high` are the ends of the range that a value can be in."""

    values: Sequence[float]
    weights: Sequence[float]
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Return the weighted mean."""
        total = math.fsum(value * weight for value, weight in zip(self.values, self.weights, strict=True))
        return total / math.fsum(self.weights)

    @property
    def mirrored(self) -> WeightedValues:
        """Return the values with the opposite sign."""
        return WeightedValues(
            values=[-value for value in self.values], weights=self.weights, low=-self.high, high=-self.low
        )


def p_mean_at_most(data: WeightedValues, mean: float, *, times: float = 1.0) -> float:
    """Return the p-value of the hypothesis that the true mean is at most `mean`.

    Args:
        data: The values.
        mean: The largest mean of the hypothesis.
        times: How often each value counts; other than 1 where a larger sample is planned.
    """
    if not data.values:
        return 1.0
    return 0.0 if mean < data.low else _share_below(_grouped(data, times), mean)


def mean_bounds(data: WeightedValues, *, level: float) -> tuple[float, float]:
    """Return lower and upper bound of the true mean; each is wrong with a chance of at most `level`.

    Args:
        data: Values with their weights and their range.
        level: One-sided level, in (0, 1).
    """
    low = _lower_bound(data, level)
    return low, -_lower_bound(data.mirrored, level)


def _lower_bound(data: WeightedValues, level: float) -> float:
    if not data.values:
        return data.low
    groups, wanted = _grouped(data, 1.0), _NORMAL.inv_cdf(level)

    def excess(mean: float) -> float:
        """How far the p-value is above the level, in standard deviations: nearly a straight line."""
        return _NORMAL.inv_cdf(min(max(_share_below(groups, mean), _TINY), 1 - _TINY)) - wanted

    return _root(excess, data.low, min(data.mean, data.high))


def _grouped(data: WeightedValues, times: float) -> list[tuple[float, float, float]]:
    """(value, weight, how often), equal ones together, with one more value at the lowest end of the range."""
    counts = Counter(zip(data.values, data.weights, strict=True))
    groups = {pair: times * count for pair, count in counts.items()}
    lowest = data.low, max(data.weights)
    groups[lowest] = groups.get(lowest, 0.0) + 1
    return [(value, weight, count) for (value, weight), count in groups.items()]


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """The largest argument found at which a rising function is at most 0; one of `low` and `high` is returned at worst.

    The Illinois method (Dowell and Jarratt, BIT 11 (1971) 168), with a bisection where an end stays for long.
    """
    enough = max(_EXACT * (high - low), 4 * math.ulp(max(abs(low), abs(high))))  # no step is smaller than rounding
    f_low, f_high = excess(low), excess(high)
    if f_high <= 0:
        return high
    kept = 0  # how often the same end has stayed: above 0 the upper one, below 0 the lower one
    while high - low > enough:
        chord = (low * f_high - high * f_low) / (f_high - f_low)
        middle = (low + high) / 2 if abs(kept) > _PATIENCE else min(max(chord, low + enough / 2), high - enough / 2)
        value = excess(middle)
        if value <= 0:
            kept = max(1, kept + 1)
            low, f_low, f_high = middle, value, f_high / 2 if kept > 1 else f_high
        else:
            kept = min(-1, kept - 1)
            high, f_high, f_low = middle, value, f_low / 2 if kept < -1 else f_low
    return low


def _share_below(grouped: Sequence[tuple[float, float, float]], mean: float) -> float:
    return _share_below_zero([(weight * (value - mean), count) for value, weight, count in grouped])


def _share_below_zero(groups: Sequence[tuple[float, float]]) -> float:
    """P(sum_g v_g Gamma(k_g) <= 0) for groups (v, k)."""
    low, high = min(groups)[0], max(groups)[0]
    if high <= 0:
        return 1.0
    if low >= 0:
        return 0.0
    sums = _few_sums(groups) if len(groups) <= _FEW else _many_sums(groups)
    s = _saddlepoint(sums, 1 / low, 1 / high)
    exponent, _, curvature, third = sums(s)
    spread = math.sqrt(curvature)
    w = math.copysign(math.sqrt(max(0.0, -2 * exponent)), s)
    if min(abs(w), abs(s) * spread) < _FLAT:
        return 0.5 - third / (6 * math.sqrt(2 * math.pi) * spread**3)
    share = _NORMAL.cdf(w) + _NORMAL.pdf(w) * (1 / w - 1 / (s * spread))
    return min(1.0, max(0.0, share))


def _few_sums(groups: Sequence[tuple[float, float]]) -> _Cumulants:
    def sums(s: float) -> tuple[float, float, float, float]:
        value = first = second = third = 0.0
        for v, k in groups:
            rest = 1 - s * v
            term = v / rest
            value -= k * math.log(rest)
            first += k * term
            second += k * term * term
            third += 2 * k * term**3
        return value, first, second, third

    return sums


def _many_sums(groups: Sequence[tuple[float, float]]) -> _Cumulants:
    import numpy as np

    v, k = (np.array([group[n] for group in groups]) for n in (0, 1))

    def sums(s: float) -> tuple[float, float, float, float]:
        rest = 1 - s * v
        terms = v / rest
        squares = terms * terms
        return -float(k @ np.log(rest)), float(k @ terms), float(k @ squares), 2 * float(k @ (squares * terms))

    return sums


def _saddlepoint(sums: _Cumulants, low: float, high: float) -> float:
    """The s between the poles `low` and `high` at which the slope of the cumulant generating function is 0."""
    s = 0.0
    for _ in range(_STEPS):
        _, slope, curvature, _ = sums(s)
        low, high = (s, high) if slope < 0 else (low, s)
        step = s - slope / curvature
        step = step if low < step < high else (low + high) / 2
        if abs(step - s) <= 1e-9 * max(abs(step), 1e-9):
            return step
        s = step
    return s
