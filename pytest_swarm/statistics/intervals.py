"""Means of clustered values with a 95 % interval.

Values of one cluster (such as the repeats of one workflow) are not independent of each other. The interval is the
cluster-robust t interval: m +- t(G-1) * sqrt(G/(G-1) * sum_g (sum_j (x_gj - m))^2) / n, with G clusters and n values
(Cameron and Miller, A Practitioner's Guide to Cluster-Robust Inference, 2015, section II and VI.A).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Final

CONFIDENCE: Final = 0.95
MIN_CLUSTERS: Final = 2  # one cluster says nothing of others


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


def clustered_mean(values: Iterable[tuple[Hashable, float]]) -> Interval | None:
    """Return mean and interval of (cluster, value) pairs; None where there are no values."""
    rows = list(values)
    if not rows:
        return None
    mean = fmean([value for _, value in rows])  # a list is summed up in C
    sums: dict[Hashable, list[float]] = {}
    for cluster, value in rows:
        sums.setdefault(cluster, []).append(value - mean)
    clusters = len(sums)
    if clusters < MIN_CLUSTERS:
        return _without(mean, len(rows), clusters, "one workflow only: no interval over workflows can be given")
    spread = math.fsum(math.fsum(each) ** 2 for each in sums.values())
    if spread <= 1e-18 * len(rows) ** 2:
        return _without(mean, len(rows), clusters, "every workflow gave the same figure: no interval can be given")
    error = math.sqrt(clusters / (clusters - 1) * spread) / len(rows)
    half = t_quantile(clusters - 1, CONFIDENCE) * error
    return Interval(mean=mean, low=mean - half, high=mean + half, samples=len(rows), clusters=clusters)


@lru_cache(maxsize=256)
def t_quantile(freedom: int, confidence: float) -> float:
    """Return the t for which a Student variable lies within +-t with a given probability.

    Args:
        freedom: Degrees of freedom.
        confidence: The probability, two-sided, in (0, 1).
    """
    from scipy.special import stdtrit  # what scipy.stats.t.ppf calls, at a third of the import time

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _without(mean: float, samples: int, clusters: int, note: str) -> Interval:
    return Interval(mean=mean, low=None, high=None, samples=samples, clusters=clusters, note=note)
