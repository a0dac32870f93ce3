"""Ways to sum a metric up over the jobs of a mode.

Each leaves out the jobs that did not measure the metric. The first line of its docstring says, in the docs and in the
schema, what it is. Where `Column.cases` are given, each case weighs alike in means, shares, ratios and quantiles,
however many repeats it had. Sums and numbers count what happened, every repeat.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized
from itertools import accumulate, pairwise
from statistics import fmean
from typing import Final

from pytest_swarm.metrics.facts import sum_of_known
from pytest_swarm.metrics.spec import Column
from pytest_swarm.statistics.intervals import Interval, clustered_mean


def weights_by_case(cases: Iterable[Hashable]) -> list[float]:
    """Return weights under which each case weighs 1, however many values it has."""
    listed = list(cases)
    counts = Counter(listed)
    return [1 / counts[case] for case in listed]


def not_summed_up(column: Column[object]) -> None:
    """Not summed up over jobs."""


def mean(column: Column[float | None]) -> float | None:
    """Mean over jobs."""
    return mean_of_jobs(column, column.values)


def mean_of_jobs(column: Column[object], values: Sequence[float | None]) -> float | None:
    """Return the mean of figures of the column's jobs; None where no job has one.

    Args:
        column: The jobs, with their cases where these weigh alike.
        values: One figure for each job; None where it has none.
    """
    return mean_of_entries(column, [() if value is None else (value,) for value in values])


def mean_of_entries(column: Column[object], entries: Sequence[Sequence[float]]) -> float | None:
    """Return the mean over the entries of all jobs, such as their calls; None without entries.

    Args:
        column: The jobs, with their cases where these weigh alike.
        entries: The entries of each job.
    """
    values, weights = _weighted(column, entries)
    return fmean(values, weights) if values else None


def quantile_of_entries(column: Column[object], entries: Sequence[Sequence[float]], share: float) -> float | None:
    """Return a quantile of the entries of all jobs; None without entries.

    Args:
        column: The jobs, with their cases where these weigh alike.
        entries: The entries of each job.
        share: From 0 to 1.
    """
    values, weights = _weighted(column, entries)
    return quantile(values, share, weights)


def ratio_of_means(
    column: Column[object], above: Sequence[float | None], below: Sequence[float | None]
) -> float | None:
    """Return the mean of one figure over that of another, of the jobs that have both; None where that one is 0.

    Args:
        column: The jobs, with their cases where these weigh alike.
        above: One figure for each job; None where it has none.
        below: Another one.
    """
    both = [one is not None and other is not None for one, other in zip(above, below, strict=True)]
    upper, lower = (
        mean_of_jobs(column, [value if known else None for value, known in zip(values, both, strict=True)])
        for values in (above, below)
    )
    return upper / lower if upper is not None and lower else None


def _weighted(column: Column[object], entries: Sequence[Sequence[float]]) -> tuple[list[float], list[float] | None]:
    """Return the entries of all jobs, with their weights where cases weigh alike: 1 / repeats that have any."""
    values = [value for own in entries for value in own]
    if column.cases is None:
        return values, None
    rows = [(case, own) for case, own in zip(column.cases, entries, strict=True) if own]
    weights = weights_by_case(case for case, _ in rows)
    return values, [weight for weight, (_, own) in zip(weights, rows, strict=True) for _ in own]


def mean_with_interval(column: Column[float | None]) -> Interval | None:
    """Mean over jobs, with its interval."""
    known = [n for n, value in enumerate(column.values) if value is not None]
    rows = ((column.families[n], value) for n in known if (value := column.values[n]) is not None)
    weights = None if column.cases is None else weights_by_case(column.cases[n] for n in known)
    return clustered_mean(rows, low=0.0, high=1.0, weights=weights, unit=column.unit)


def quantile(values: Iterable[float], share: float, weights: Sequence[float] | None = None) -> float | None:
    """Return a quantile, linear between the values (Hyndman and Fan's type 7); None without values.

    With weights it is the weighted type 7 of Akinshin (Weighted quantile estimators, arXiv:2304.07265, 2023). Of
    n = (sum w)^2 / sum w^2 values (Kish), it is their mean under the part of each value's share of the weights that
    lies in [k, k + 1] / n, k = share (n - 1). Equal weights give type 7.

    Args:
        values: In any order.
        share: From 0 to 1.
        weights: One for each value, above 0; None where all are alike.
    """
    if weights is not None:
        return _weighted_quantile(list(values), share, weights)
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _weighted_quantile(values: Sequence[float], share: float, weights: Sequence[float]) -> float | None:
    if not values:
        return None
    rows = sorted(zip(values, weights, strict=True))
    total = math.fsum(weights)
    effective = total**2 / math.fsum(each * each for each in weights)
    ends = (each / total for each in accumulate((weight for _, weight in rows), initial=0.0))
    inside = [min(1.0, max(0.0, end * effective - share * (effective - 1))) for end in ends]
    parts = [high - low for low, high in pairwise(inside)]
    return fmean((value for value, _ in rows), parts)


def highest(column: Column[float | None]) -> float | None:
    """Highest of any job."""
    return max((value for value in column.values if value is not None), default=None)


def total(column: Column[int]) -> int:
    """Sum over jobs."""
    return sum(column.values)


def total_of_measured(column: Column[int | None]) -> int | None:
    """Sum over the jobs that measured it."""
    return sum_of_known(column.values)


def share(column: Column[bool | None]) -> float | None:
    """Share of jobs."""
    return mean_of_jobs(column, column.values)


def number_of_jobs(column: Column[bool | None]) -> int | None:
    """Number of jobs among those that measured it."""
    return sum_of_known(column.values)


def number_of_entries(column: Column[Sized]) -> int:
    """Number over all jobs."""
    return sum(map(len, column.values))


def tally(column: Column[Mapping[str, int]]) -> dict[str, int]:
    """Sum over jobs by key."""
    return add_counts(column.values)


def mean_over_steps(column: Column[Sequence[float | None]]) -> float | None:
    """Mean over the steps of all jobs."""
    return mean_of_entries(column, _known_steps(column))


def median_over_steps(column: Column[Sequence[float | None]]) -> float | None:
    """Median over the steps of all jobs."""
    return quantile_of_entries(column, _known_steps(column), 0.5)


def _known_steps(column: Column[Sequence[float | None]]) -> list[list[float]]:
    return [[value for value in values if value is not None] for values in column.values]


def add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of several tallies, keys in alphabetical order."""
    found: Counter[str] = Counter()
    for each in counts:
        if each:  # most are empty, and updating with nothing takes as long as with something
            found.update(each)
    return dict(sorted(found.items()))


OF_EVERY_JOB: Final[frozenset[object]] = frozenset(
    {highest, number_of_entries, number_of_jobs, share, tally, total, total_of_measured}
)
"""Those that count what happened, also in jobs that an error cut short; the others are of completed jobs alone."""
