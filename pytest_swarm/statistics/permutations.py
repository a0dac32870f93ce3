"""Permutation tests of two groups of independent values within strata, such as the repeats of each job then and now.

Where nothing changed, the values of a stratum could as well have been dealt to the two sides otherwise, so each way of
dealing them is equally likely (Fisher, The Design of Experiments, 1935; Pesarin, Multivariate Permutation Tests, 2001).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, Final

from pytest_swarm.statistics.sign_flips import DRAWS, SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LISTED: Final = 20_000  # up to here every way of dealing is listed
_MAX_CELLS: Final = 6_000_000  # values x draws; beyond it the normal limit serves
_SLACK: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """The values of one stratum on both sides, and what the difference of their means weighs in the statistic."""

    before: tuple[float, ...]
    now: tuple[float, ...]
    weight: float

    @property
    def difference(self) -> float:
        """Return the weighted difference of the means, now minus before."""
        return self.weight * (math.fsum(self.now) / len(self.now) - math.fsum(self.before) / len(self.before))

    @property
    def ways(self) -> int:
        """Return in how many ways the values can be dealt to the two sides."""
        return math.comb(len(self.before) + len(self.now), len(self.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSided:
    """One-sided p-values: of a statistic this high (`up`), and this low (`down`), where nothing changed."""

    up: float
    down: float


def permutation_p_values(strata: Sequence[Stratum]) -> TwoSided:
    """Return the p-values of sum_s weight_s (mean now - mean before) under all ways of dealing within strata."""
    import numpy as np

    live = [each for each in strata if len(set(each.before + each.now)) > 1]
    if not live:
        return TwoSided(up=1.0, down=1.0)
    seen = math.fsum(each.difference for each in live)
    ways = math.prod(each.ways for each in live) if len(live) <= 16 else _LISTED + 1
    if ways <= _LISTED:
        sums = reduce(lambda one, other: np.add.outer(one, other).ravel(), map(_listed, live))
        return _shares(sums, seen, extra=0)
    if sum(len(each.before) + len(each.now) for each in live) * DRAWS > _MAX_CELLS:
        return _normal_limit(live, seen)
    return _shares(_drawn(live), seen, extra=1)


def _listed(stratum: Stratum) -> NDArray[np.float64]:
    """The weighted difference for every way of dealing one stratum."""
    import numpy as np

    values = np.array(stratum.before + stratum.now)
    chosen = np.array(list(combinations(range(len(values)), len(stratum.now))), dtype=np.intp)
    return _differences(values[chosen].sum(axis=1), stratum)


def _drawn(strata: Sequence[Stratum]) -> NDArray[np.float64]:
    import numpy as np

    rng = np.random.default_rng([SEED, len(strata)])
    found = np.zeros(DRAWS)
    for stratum in strata:
        values = np.array(stratum.before + stratum.now)
        keys = rng.random((DRAWS, len(values)), dtype=np.float32)  # half the time of float64, and as random an order
        order = keys.argpartition(len(stratum.now), axis=1)[:, : len(stratum.now)]
        found += _differences(values[order].sum(axis=1), stratum)
    return found


def _differences(sums_now: NDArray[np.float64], stratum: Stratum) -> NDArray[np.float64]:
    total = math.fsum(stratum.before) + math.fsum(stratum.now)
    return stratum.weight * (sums_now / len(stratum.now) - (total - sums_now) / len(stratum.before))


def _shares(sums: NDArray[np.float64], seen: float, *, extra: int) -> TwoSided:
    """A drawn sample counts the data themselves as one more draw (Phipson and Smyth, SAGMB 9 (2010) 39)."""
    slack = _SLACK * max(1.0, abs(seen))
    up, down = int((sums >= seen - slack).sum()), int((sums <= seen + slack).sum())
    return TwoSided(up=(up + extra) / (len(sums) + extra), down=(down + extra) / (len(sums) + extra))


def _normal_limit(strata: Sequence[Stratum], seen: float) -> TwoSided:
    """The statistic has mean 0 and variance sum_s w_s^2 S_s^2 (1/n + 1/m), S^2 the variance of the pooled values."""
    from statistics import NormalDist, variance

    spread = math.fsum(
        each.weight**2 * variance(each.before + each.now) * (1 / len(each.before) + 1 / len(each.now))
        for each in strata
    )
    z = seen / math.sqrt(spread)
    return TwoSided(up=NormalDist().cdf(-z), down=NormalDist().cdf(z))
