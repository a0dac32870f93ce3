"""Means of clustered values with a 95 % interval that speaks of other clusters like these.

Values of one cluster (the repeats of one workflow) are not independent of each other. Each cluster is one value:
its mean, with the weight of its values. The interval is that of bounded values (`mean_bounds`), so that it holds
also for few clusters, for scores near 1 and where nearly all clusters agree; there it is a rule of three.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from statistics import fmean
from typing import Final

from pytest_swarm.statistics.mean_bounds import WeightedValues, mean_bounds

CONFIDENCE: Final = 0.95
MIN_CLUSTERS: Final = 6  # fewer say nothing of others: six that agree leave out less than half of the range


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and its 95 % interval. Where there is none, `low` and `high` are None and `note` says why."""

    mean: float
    low: float | None
    high: float | None
    samples: int
    clusters: int
    note: str | None = None

    @property
    def excludes_zero(self) -> bool:
        """Return whether the data support a difference from zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    @property
    def negated(self) -> Interval:
        """Return the interval of the negated values."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return replace(self, mean=-self.mean, low=low, high=high)

    @property
    def reach(self) -> float | None:
        """Return the largest distance from zero within the interval; None where there is no interval."""
        return None if self.low is None or self.high is None else max(abs(self.low), abs(self.high))


def clustered_mean(
    values: Iterable[tuple[Hashable, float]], *, low: float, high: float, weights: Sequence[float] | None = None
) -> Interval | None:
    """Return mean and interval of (cluster, value) pairs; None where there are no values.

    Args:
        values: Pairs of a cluster and a value.
        low: The smallest value that there can be.
        high: The largest value that there can be.
        weights: The weight of each value, above 0; None where all weigh alike.
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
        name = "workflow" if clusters == 1 else "workflows"
        note = f"{clusters} {name}; an interval needs {MIN_CLUSTERS}"
        return Interval(mean=mean, low=None, high=None, samples=len(rows), clusters=clusters, note=note)
    data = WeightedValues(
        values=[fmean([v for v, _ in each], [w for _, w in each]) for each in sums.values()],
        weights=[sum(weight for _, weight in each) for each in sums.values()],
        low=low,
        high=high,
    )
    bounds = mean_bounds(data, level=(1 - CONFIDENCE) / 2)
    return Interval(mean=mean, low=bounds[0], high=bounds[1], samples=len(rows), clusters=clusters)


@lru_cache(maxsize=256)
def t_quantile(freedom: int, confidence: float) -> float:
    """Return the t for which a Student variable lies within +-t with a given probability.

    Args:
        freedom: Degrees of freedom.
        confidence: The probability, two-sided, in (0, 1).
    """
    from scipy.special import stdtrit  # what scipy.stats.t.ppf calls, at a third of the import time

    return float(stdtrit(freedom, (1 + confidence) / 2))
