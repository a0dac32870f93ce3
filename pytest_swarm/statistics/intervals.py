"""Means with a 95 % interval clustered by job; standard library only.

Repeats, horizons and budgets of one job are not independent of each other, so jobs are the clusters. The interval is
the cluster-robust t interval: m +- t(G-1) * sqrt(G/(G-1) * sum_g (sum_j (x_gj - m))^2) / n, with G clusters and n
values (Cameron and Miller, A Practitioner's Guide to Cluster-Robust Inference, 2015, section II and VI.A).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Final

CONFIDENCE: Final = 0.95
MIN_CLUSTERS: Final = 2  # one job says nothing of other jobs
_SERIES_LIMIT: Final = 200  # above this many degrees of freedom the expansion is exact to 1e-6
_BISECTIONS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and its 95 % interval; `low` and `high` are None, and `note` says why, where none can be given."""

    mean: float
    low: float | None
    high: float | None
    samples: int
    clusters: int
    note: str | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the data support a difference from zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def clustered_mean(values: Iterable[tuple[Hashable, float]]) -> Interval | None:
    """Mean and interval of (cluster, value) pairs; None where there are no values."""
    rows = list(values)
    if not rows:
        return None
    mean = fmean(value for _, value in rows)
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


def t_quantile(freedom: int, confidence: float) -> float:
    """The t for which a Student variable of `freedom` degrees lies within +-t with probability `confidence`."""
    if freedom > _SERIES_LIMIT:
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central_probability(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _central_probability(angle: float, freedom: int) -> float:
    """P(|T| < sqrt(freedom) tan(angle)): Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _without(mean: float, samples: int, clusters: int, note: str) -> Interval:
    return Interval(mean=mean, low=None, high=None, samples=samples, clusters=clusters, note=note)
