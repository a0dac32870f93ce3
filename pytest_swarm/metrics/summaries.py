"""Ways to sum a metric up over the jobs of a mode.

Each leaves out the jobs that did not measure the metric. The first line of its docstring says, in the docs and in the
schema, what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized
from statistics import fmean, median

from pytest_swarm.metrics.facts import mean_of_known, sum_of_known
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
    if column.cases is None:
        return mean_of_known(column.values)
    known = [(case, value) for case, value in zip(column.cases, column.values, strict=True) if value is not None]
    weights = weights_by_case(case for case, _ in known)
    return sum(w * value for w, (_, value) in zip(weights, known, strict=True)) / sum(weights) if known else None


def mean_with_interval(column: Column[float | None]) -> Interval | None:
    """Mean over jobs, with its interval."""
    known = [n for n, value in enumerate(column.values) if value is not None]
    rows = ((column.families[n], value) for n in known if (value := column.values[n]) is not None)
    weights = None if column.cases is None else weights_by_case(column.cases[n] for n in known)
    return clustered_mean(rows, low=0.0, high=1.0, weights=weights, unit=column.unit)


def quantile(values: Iterable[float], share: float) -> float | None:
    """Return a quantile, linear between the values (Hyndman and Fan's type 7); None without values.

    Args:
        values: In any order.
        share: From 0 to 1.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


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
    return mean_of_known(column.values)


def number_of_jobs(column: Column[bool | None]) -> int:
    """Number of jobs."""
    return sum(value is True for value in column.values)


def number_of_measured_jobs(column: Column[bool | None]) -> int | None:
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
    known = _over_steps(column)
    return fmean(known) if known else None


def median_over_steps(column: Column[Sequence[float | None]]) -> float | None:
    """Median over the steps of all jobs."""
    known = _over_steps(column)
    return median(known) if known else None


def _over_steps(column: Column[Sequence[float | None]]) -> list[float]:
    return [value for values in column.values for value in values if value is not None]


def add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of several tallies, keys in alphabetical order."""
    found: Counter[str] = Counter()
    for each in counts:
        if each:  # most are empty, and updating with nothing takes as long as with something
            found.update(each)
    return dict(sorted(found.items()))
