"""Bootstrap intervals over clusters like these: BCa (Efron, JASA 82 (1987) 171), and percentile ones of medians."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_swarm.statistics.sign_flips import SEED, Units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

MIN_DRAWN_CLUSTERS: Final = 5  # below this a bootstrap over clusters draws too few different samples to mean anything
MIN_MEDIAN_CLUSTERS: Final = 7
"""Below this the interval of a ratio of medians is too narrow: its low end, which may be wrong in 2.5 %, is so in up to
5.6 % with 5 clusters, 4.2 % with 6, and 2.0 % with 7 (benchmarks/validity/time_ratio_coverage.py)."""
RESAMPLES: Final = 1_999
_LEVEL: Final = 0.025  # left out on each side of a 95 % interval
_MOST_DRAWS: Final = 0.95  # with fewer draws of a value, the interval would be one of the draws that have one
_MAX_CELLS: Final = 4_000_000  # resamples x clusters that are held at once; beyond it the normal limit serves

Bounds: TypeAlias = tuple[float, float] | None


def bca_over_clusters(units: Units, *, level: float) -> Bounds:
    """Return the interval of the mean difference over clusters like these, drawn with all their pairs.

    Args:
        units: Contributions of the units, with their clusters.
        level: Probability that is left out on each side.

    Returns:
        Both ends; None for fewer than MIN_DRAWN_CLUSTERS clusters, or where all of them gave the same.
    """
    import numpy as np

    sums: dict[Hashable, list[float]] = {}
    for key, contribution, weight in zip(units.clusters, units.contributions, units.weights, strict=True):
        cluster = sums.setdefault(key, [0.0, 0.0])
        cluster[0] += contribution
        cluster[1] += weight
    c, w = (np.array([each[k] for each in sums.values()]) for k in (0, 1))
    n = len(c)
    mean = float(c.sum() / w.sum())
    residuals = c - w * mean
    if n < MIN_DRAWN_CLUSTERS or float(np.abs(residuals).max()) < 1e-15:
        return None
    if n * RESAMPLES > _MAX_CELLS:
        half = NormalDist().inv_cdf(1 - level) * math.sqrt(n / (n - 1) * float(residuals @ residuals))
        return mean - half, mean + half
    weights = cluster_weights(n)
    return interval_over_rows((weights @ c) / (weights @ w), clusters=n, level=level)


def interval_of_median_ratio(
    before: Sequence[float], now: Sequence[float], clusters: Sequence[Hashable], *, level: float
) -> Bounds:
    """Return the percentile interval of median(now) / median(before); its estimate is `ratio_of_medians`.

    It is the percentile method (Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 10). BCa
    is no choice here: its acceleration is a jackknife's, which fails for medians (Efron, Ann. Stat. 7 (1979) 1), and of
    few clusters it is too narrow (docs/statistics.md).

    Args:
        before: Values before, above 0.
        now: Values after, above 0; parallel to `before`.
        clusters: The cluster of each pair; clusters are drawn with all their pairs.
        level: Probability that is left out on each side.

    Returns:
        Both ends; None where there are fewer than MIN_MEDIAN_CLUSTERS clusters.
    """
    import numpy as np

    numbers: dict[Hashable, int] = {}
    cluster_of = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    if len(numbers) < MIN_MEDIAN_CLUSTERS:
        return None
    then, later = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    ratios = [_medians(later, times) / _medians(then, times) for times in _drawn_times(cluster_of, len(numbers))]
    low, high = np.quantile(np.concatenate(ratios), [level, 1 - level])
    return float(low), float(high)


def ratio_of_medians(before: Sequence[float], now: Sequence[float]) -> float | None:
    """Return median(now) / median(before); None where a median is not above 0.

    Args:
        before: Values of one side, in any unit.
        now: Values of the other side, in the same unit.
    """
    then, later = median(before), median(now)
    return later / then if then > 0 and later > 0 else None


def _drawn_times(cluster_of: NDArray[np.intp], clusters: int) -> Iterator[NDArray[np.intp]]:
    """Yield, in blocks of draws, how often each value is in a draw of clusters; fewer draws where a sample is large."""
    import numpy as np

    size = len(cluster_of)
    draws = _draws_of(size)
    block = max(1, _MAX_CELLS // size)
    rng = np.random.default_rng([SEED, clusters, size])
    for begin in range(0, draws, block):
        rows = min(block, draws - begin)
        drawn = rng.integers(0, clusters, (rows, clusters)) + clusters * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters)
        yield times[:, cluster_of]


def _medians(values: Floats, times: NDArray[np.intp]) -> Floats:
    """Return the median of each row, in which each value stands so many times."""
    order = values.argsort(kind="stable")
    ends = times[:, order].cumsum(axis=1)
    count = ends[:, -1:]
    low, high = (values[order][(ends <= place).sum(axis=1)] for place in ((count - 1) // 2, count // 2))
    middle: Floats = (low + high) / 2
    return middle


def _bca(drawn: Floats, left_out: Floats, estimate: float, level: float) -> Bounds:
    """The bias-corrected and accelerated quantiles of the drawn statistics (Efron 1987, eq. 2.3, and 6.6 for a)."""
    import numpy as np

    normal = NormalDist()
    share = (float((drawn < estimate).sum()) + 0.5 * float((drawn == estimate).sum())) / len(drawn)
    if not 0 < share < 1:
        return None
    bias = normal.inv_cdf(share)
    deviation = left_out.mean() - left_out
    spread = float((deviation**2).sum()) ** 1.5
    acceleration = float((deviation**3).sum()) / (6 * spread) if spread > 0 else 0.0

    def quantile(probability: float) -> float:
        z = bias + normal.inv_cdf(probability)
        return normal.cdf(bias + z / (1 - acceleration * z))

    low, high = np.quantile(drawn, [quantile(level), quantile(1 - level)])
    return float(low), float(high)


def cluster_weights(clusters: int) -> Floats:
    """Return how often each cluster counts: once in the first row, then in each draw, then without each in turn.

    A statistic of weighted clusters, computed for every row, goes to `interval_over_rows`.

    Args:
        clusters: The number of clusters, at least 1.

    Returns:
        Shape (1 + draws + clusters left out, clusters); without draws for fewer than MIN_DRAWN_CLUSTERS clusters.
    """
    import numpy as np

    whole = np.ones((1, clusters))
    if clusters < MIN_DRAWN_CLUSTERS:
        return whole
    drawn = np.random.default_rng([SEED, clusters]).multinomial(
        clusters, np.full(clusters, 1 / clusters), size=_draws_of(clusters)
    )
    return np.concatenate([whole, drawn.astype(np.float64), _left_out(clusters)])


def interval_over_rows(values: Iterable[float | None], *, clusters: int, level: float = _LEVEL) -> Bounds:
    """Return the BCa interval of a statistic over clusters like these.

    Args:
        values: The statistic for every row of `cluster_weights`; None where it has no value.
        clusters: The number of clusters.
        level: Probability that is left out on each side.

    Returns:
        Both ends; None for fewer than MIN_DRAWN_CLUSTERS clusters, or where the statistic has no value in more than one
        draw of twenty.
    """
    import numpy as np

    (estimate, *others), draws = values, _draws_of(clusters)
    drawn, left_out = ([value for value in part if value is not None] for part in (others[:draws], others[draws:]))
    if estimate is None or clusters < MIN_DRAWN_CLUSTERS or len(drawn) < _MOST_DRAWS * draws or not left_out:
        return None
    return _bca(np.array(drawn), np.array(left_out), estimate, level)


def _draws_of(values: int) -> int:
    """Return how often clusters of so many values are drawn: as many cells as fit into memory."""
    return max(199, min(RESAMPLES, _MAX_CELLS // values))


def _left_out(clusters: int) -> Floats:
    """Weights of 1 but for one cluster, which is another in each row; at most 200 rows, evenly chosen."""
    import numpy as np

    chosen = np.arange(0, clusters, max(1, clusters // 200))
    weights = np.ones((len(chosen), clusters))
    weights[np.arange(len(chosen)), chosen] = 0.0
    return weights
