"""Paired inference: exact sign flips, typical-value intervals, detectable effects. docs/statistics.md says why.

A pair is a value before and a value after. The unit that chance acts on is one repeat of one cluster: its pairs share
their random numbers, so their differences move together and are summed before anything is tested. The clusters
themselves are fixed (the question is whether *these* got worse). The interval over clusters like these is
`bootstrap.bca_over_clusters`. numpy is imported when a function needs it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pytest_swarm.statistics.intervals import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

POWER: Final = 0.8
"""Chance with which an effect of the minimum detectable size is found."""
EXACT_UNITS: Final = 14  # up to here all 2**n sign vectors are listed
SAMPLED_UNITS: Final = 1_000  # up to here sign vectors are drawn; beyond it the normal limit is exact to 1e-3
DRAWS: Final = 4_095
_TAIL_DRAWS: Final = 10  # with fewer draws expected beyond a quantile, the normal limit is the better guess
SEED: Final = 20_231_123  # resampling is part of the method: the same data give the same verdict


class Pair(NamedTuple):
    """One complete pair. Every `stratum` weighs alike in the mean; `difference` is after minus before."""

    cluster: Hashable
    stratum: Hashable
    repeat: int
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The mean paired difference: every stratum counts alike, and within a stratum every pair.

    `p_down` and `p_up` are one-sided: the chance of a difference this low (high) where nothing changed. [low, high]
    leaves out `level` on each side; None where so few units cannot exclude anything. `error` is the standard error,
    None for one unit. `units` are the repeats of clusters, `clusters` the clusters among them.
    """

    mean: float
    low: float | None
    high: float | None
    p_down: float
    p_up: float
    level: float
    error: float | None
    units: int
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """Contributions of the units to the mean, and their weights (which add up to 1); parallel to `clusters`.

    `plain` are the units' own mean differences, in which no weight depends on how many repeats came later.
    """

    contributions: tuple[float, ...]
    weights: tuple[float, ...]
    plain: tuple[float, ...]
    clusters: tuple[Hashable, ...]

    @property
    def mean(self) -> float:
        """Return the mean difference."""
        return math.fsum(self.contributions)


def units_of(pairs: Iterable[Pair]) -> Units:
    """Sum the pairs into units. With C strata, each stratum weighs 1/C and each of its R pairs 1/(C R)."""
    rows = list(pairs)
    per_stratum: dict[Hashable, int] = {}
    for row in rows:
        per_stratum[row.stratum] = per_stratum.get(row.stratum, 0) + 1
    found: dict[tuple[Hashable, int], list[float]] = {}
    for cluster, stratum, repeat, difference in rows:
        weight = 1.0 / (len(per_stratum) * per_stratum[stratum])
        unit = found.setdefault((cluster, repeat), [0.0, 0.0, 0.0, 0.0])
        unit[0] += weight * difference
        unit[1] += weight
        unit[2] += difference
        unit[3] += 1.0
    return Units(
        contributions=tuple(each[0] for each in found.values()),
        weights=tuple(each[1] for each in found.values()),
        plain=tuple(each[2] / each[3] for each in found.values()),
        clusters=tuple(cluster for cluster, _ in found),
    )


def paired_effect(units: Units, *, level: float) -> Effect:
    """Return mean, exact sign-flip p-values and typical-value interval of the units.

    Where nothing changed, before and after of a unit could as well be swapped, so each of the 2^n sign vectors s gives
    an equally likely T(s) = sum s_u c_u; p_down is the share with T(s) <= T (Fisher 1935). The interval is the set of
    shifts that this test does not reject: the `level` quantiles of the means of all non-empty subsets of the units
    (Hartigan, JASA 64 (1969) 1303).

    Args:
        units: Contributions of the units to the mean difference.
        level: One-sided level of the interval.

    Raises:
        ValueError: There are no units.
    """
    if not units.contributions:
        raise ValueError("no units to compare")
    n = len(units.contributions)
    clusters = len(set(units.clusters))
    error = standard_error(units)
    bounds: tuple[float | None, float | None]
    if not any(units.contributions):
        bounds, p_down, p_up = (0.0, 0.0) if 0.5**n <= level else (None, None), 1.0, 1.0
    elif n <= EXACT_UNITS or (n <= SAMPLED_UNITS and level * DRAWS >= _TAIL_DRAWS):
        bounds, p_down, p_up = _by_flips(units, level)
    else:
        bounds, p_down, p_up = _by_normal_limit(units, level)
    return Effect(
        mean=units.mean,
        low=bounds[0],
        high=bounds[1],
        p_down=p_down,
        p_up=p_up,
        level=level,
        error=error,
        units=n,
        clusters=clusters,
    )


def standard_error(units: Units) -> float | None:
    """Return sqrt(n/(n-1) sum_u (c_u - w_u m)^2); None for one unit."""
    n = len(units.contributions)
    if n < 2:
        return None
    mean = units.mean
    spread = math.fsum((c - w * mean) ** 2 for c, w in zip(units.contributions, units.weights, strict=True))
    return math.sqrt(n / (n - 1) * spread)


def minimum_detectable(error: float, units: int, *, level: float) -> float:
    """Return the smallest true effect that a test at `level` finds with POWER.

    It is (t(1-level) + t(POWER)) * error, with n-1 degrees of freedom. Infinite where so few units cannot
    reject anything (2^-n > level). Source: Cohen, Statistical Power Analysis, 1988.

    Args:
        error: Standard error of the mean difference.
        units: Number of units.
        level: One-sided level of the test.
    """
    if units < 2 or 0.5**units > level:
        return math.inf
    return (t_quantile(units - 1, 1 - 2 * level) + t_quantile(units - 1, 2 * POWER - 1)) * error


def _by_flips(units: Units, level: float) -> tuple[tuple[float | None, float | None], float, float]:
    """All subsets of the units, or DRAWS random ones; flipping a subset's signs is the same as choosing it."""
    import numpy as np

    c, w = np.asarray(units.contributions), np.asarray(units.weights)
    n = len(c)
    subsets = _subsets(n)
    sums, weights = subsets @ c, subsets @ w
    exact = n <= EXACT_UNITS
    p_down, p_up = _tail_shares(sums, exact=exact)
    chosen = weights > 0
    means = np.sort(sums[chosen] / weights[chosen])
    k = math.floor(level * (len(means) + 1) + 1e-9)
    bounds = (float(means[k - 1]), float(means[len(means) - k])) if k >= 1 else (None, None)
    return bounds, p_down, p_up


def _tail_shares(sums: Floats, *, exact: bool) -> tuple[float, float]:
    """Shares with T(s) <= T and T(s) >= T, the data themselves included; T(s) = T - 2 (sum of the flipped units)."""
    import numpy as np

    slack = 1e-12 * max(1.0, float(np.abs(sums).max()))
    below, above = int((sums >= -slack).sum()), int((sums <= slack).sum())
    extra = 0 if exact else 1  # a drawn sample counts the data themselves as one more draw
    return (below + extra) / (len(sums) + extra), (above + extra) / (len(sums) + extra)


@lru_cache(maxsize=4)
def _subsets(n: int) -> Floats:
    """Membership of units in subsets, shape (subsets, n), entries 0 and 1; all 2^n of them up to EXACT_UNITS."""
    import numpy as np

    if n <= EXACT_UNITS:
        return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.float64)
    return np.random.default_rng([SEED, n]).integers(0, 2, size=(DRAWS, n)).astype(np.float64)


def _by_normal_limit(units: Units, level: float) -> tuple[tuple[float | None, float | None], float, float]:
    """Many units: T(s) is normal with variance sum c_u^2, and the interval is mean +- z * error."""
    from statistics import NormalDist

    spread = math.sqrt(math.fsum(c * c for c in units.contributions))
    z = units.mean / spread
    error = standard_error(units)
    assert error is not None, "more than one unit"
    half = NormalDist().inv_cdf(1 - level) * error
    return (units.mean - half, units.mean + half), _normal_tail(-z), _normal_tail(z)


def _normal_tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))
