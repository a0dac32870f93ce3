"""Intervals of means of clustered values, of shares, and of ratios of means.

The 95 % interval of clustered values speaks of other clusters like these. Values of one cluster (the repeats of one
workflow) are not independent of each other. Each cluster is one value: its mean, with the weight of its values. The
interval is that of bounded values (`mean_bounds`), so that it holds also for few clusters, for scores near 1 and where
nearly all clusters agree; there it is a rule of three.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from statistics import fmean
from typing import Final

from pytest_swarm.statistics.mean_bounds import WeightedValues, mean_bounds
from pytest_swarm.units import plural

CONFIDENCE: Final = 0.95
MIN_CLUSTERS: Final = 6  # fewer say nothing of others: six that agree leave out less than half of the range


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and its 95 % interval: which way it is decided, and whether it is, is told here for whoever asks.

    `low` is None where nothing bounds the mean from below, `high` where nothing does from above; where there is no
    interval at all, `note` says why. `unit` is what each of the `clusters` is called.
    """

    mean: float
    low: float | None
    high: float | None
    samples: int
    clusters: int
    note: str | None = None
    unit: str = "workflow"

    @property
    def is_above_zero(self) -> bool:
        """Whether the data support a mean above zero."""
        return self.low is not None and self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the data support a mean below zero."""
        return self.high is not None and self.high < 0

    @property
    def excludes_zero(self) -> bool:
        """Whether the data support a difference from zero."""
        return self.is_above_zero or self.is_below_zero

    def may_exceed(self, limit: float) -> bool:
        """Return whether the data leave room for a mean above a limit."""
        return self.high is None or self.high > limit

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Both ends; None where one is missing."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def negated(self) -> Interval:
        """Return the interval of the negated values."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return replace(self, mean=-self.mean, low=low, high=high)

    @property
    def reach(self) -> float | None:
        """Return the largest distance from zero within the interval; None where there is no interval."""
        return None if self.bounds is None else max(map(abs, self.bounds))


def clustered_mean(
    values: Iterable[tuple[Hashable, float]],
    *,
    low: float,
    high: float,
    weights: Sequence[float] | None = None,
    unit: str = "workflow",
) -> Interval | None:
    """Return mean and interval of (cluster, value) pairs; None where there are no values.

    Args:
        values: Pairs of a cluster and a value.
        low: The smallest value that there can be.
        high: The largest value that there can be.
        weights: The weight of each value, above 0; None where all weigh alike.
        unit: What a cluster is called.
    """
    rows = list(values)
    if not rows:
        return None
    mean = fmean([value for _, value in rows], weights)  # a list is summed up in C
    sums: dict[Hashable, list[tuple[float, float]]] = {}
    for (cluster, value), weight in zip(rows, weights or repeat(1.0), strict=False):
        sums.setdefault(cluster, []).append((value, weight))
    clusters = len(sums)
    if clusters < MIN_CLUSTERS:
        note = f"{plural(clusters, unit)}; an interval needs {MIN_CLUSTERS}"
        return Interval(mean=mean, low=None, high=None, samples=len(rows), clusters=clusters, note=note, unit=unit)
    data = WeightedValues(
        values=[fmean([v for v, _ in each], [w for _, w in each]) for each in sums.values()],
        weights=[sum(weight for _, weight in each) for each in sums.values()],
        low=low,
        high=high,
    )
    bounds = mean_bounds(data, level=(1 - CONFIDENCE) / 2)
    return Interval(mean=mean, low=bounds[0], high=bounds[1], samples=len(rows), clusters=clusters, unit=unit)


@lru_cache(maxsize=256)
def t_quantile(freedom: float, confidence: float) -> float:
    """Return the t for which a Student variable lies within +-t with a given probability.

    Args:
        freedom: Degrees of freedom.
        confidence: The probability, two-sided, in (0, 1).
    """
    from scipy.special import stdtrit  # what scipy.stats.t.ppf calls, at a third of the import time

    return float(stdtrit(freedom, (1 + confidence) / 2))


def exact_interval(events: int, trials: int, *, level: float) -> tuple[float, float]:
    """Return the interval of a share of Clopper and Pearson (Biometrika 26 (1934) 404).

    Each end is wrong with a chance of at most `level`. Without an event the upper end is 1 - level^(1/trials), about
    3 / trials at 5 %: the rule of three.

    Args:
        events: How many of the trials had the event.
        trials: How many there were, at least 1.
        level: One-sided level, in (0, 1).
    """
    from scipy.special import betaincinv

    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, level))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - level))
    return low, high


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of mean(above) / mean(below); None where the data allow any ratio from some size on.

    A ratio r is in it where the mean of above - r below is within t standard errors of 0 (Fieller, *JRSS B* 16 (1954)
    175). That is a r^2 - 2 b r + c <= 0 with a = m_b^2 - t^2 s_bb / n, b = m_a m_b - t^2 s_ab / n and
    c = m_a^2 - t^2 s_aa / n; the set is an interval where a > 0, which is where mean(below) differs from 0.

    Args:
        above: One value per unit.
        below: One value per unit, in the same order.
    """
    units = len(above)
    if units < 2:
        return None
    t = t_quantile(units - 1, CONFIDENCE)
    mean_above, mean_below = math.fsum(above) / units, math.fsum(below) / units
    pairs = [(a - mean_above, b - mean_below) for a, b in zip(above, below, strict=True)]
    share = t**2 / (units * (units - 1))
    a = mean_below**2 - share * math.fsum(y * y for _, y in pairs)
    b = mean_above * mean_below - share * math.fsum(x * y for x, y in pairs)
    c = mean_above**2 - share * math.fsum(x * x for x, _ in pairs)
    if a <= 0:
        return None
    root = math.sqrt(max(0.0, b * b - a * c))
    return (b - root) / a, (b + root) / a
