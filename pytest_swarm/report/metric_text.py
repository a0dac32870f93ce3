"""How the value of a metric is written for people: by the unit and the digits of its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.metric_table import AnyMetric, shown_in
from pytest_swarm.metrics.spec import Show, Unit
from pytest_swarm.report.wording import (
    NOT_MEASURED,
    gigabytes,
    milliseconds,
    number,
    percent,
    seconds,
    significant,
)
from pytest_swarm.statistics.intervals import Interval


def plain_number(value: object) -> float | None:
    """Return a metric's value as one number: the mean of an interval, the sum of a tally; None where there is none."""
    if isinstance(value, Interval):
        return value.mean
    if isinstance(value, Mapping):
        return sum(value.values())
    assert value is None or isinstance(value, int | float), "lists are not shown as numbers"
    return value


def written(metric: AnyMetric, value: float | None, *, digits: int | None = None) -> str:
    """Return the value as text, `-` where it was not measured.

    Args:
        metric: Gives unit and digits.
        value: In that unit; None where it was not measured.
        digits: Digits after the point in place of those of the metric.
    """
    shown = metric.digits if digits is None else digits
    match metric.unit:
        case Unit.SHARE:
            return percent(value, digits=shown or 0)
        case Unit.GB:
            return gigabytes(value)
        case Unit.SECONDS:
            return seconds(value)
        case Unit.MILLISECONDS:
            return milliseconds(value)
        case Unit.JOULES | Unit.WATTS:
            return NOT_MEASURED if value is None else f"{number(value, shown or 0)} {metric.unit.value}"
        case Unit.COST | Unit.PER_COST:
            return significant(value, 3 if shown is None else shown)
        case Unit.VALUE | Unit.COUNT | Unit.TOKENS | Unit.JOBS:
            return number(value, 0 if isinstance(value, int) else shown or 0)
    assert_never(metric.unit)


def of_aggregate(metric: AnyMetric, aggregate: Aggregate, *, digits: int | None = None) -> str:
    """Return the value of a mode as text; a number of jobs reads `3 of 24`, of those that measured it.

    Args:
        metric: Gives unit, digits and how it was summed up.
        aggregate: The figures of a mode.
        digits: Digits after the point in place of those of the metric.
    """
    value = plain_number(metric.of_mode(aggregate))
    text = written(metric, value, digits=digits)
    if metric.unit is not Unit.JOBS or value is None:
        return text
    return f"{text} of {aggregate.measured_by[metric.name]:,}"


def interval_text(interval: Interval | None, *, between: str) -> str:
    """Return both ends in percent, cut to what a score can be; `-` where there is no interval.

    Args:
        interval: Of a score or a share, from 0 to 1.
        between: What stands between both ends.
    """
    if interval is None or interval.low is None or interval.high is None:
        return NOT_MEASURED
    return f"{100 * max(0.0, interval.low):.0f}{between}{100 * min(1.0, interval.high):.0f}"


def summary_columns(place: Show) -> list[tuple[str, int]]:
    """Return heading and `gives_way` of each column of a table of modes, after the mode's name and its jobs."""
    columns: list[tuple[str, int]] = []
    for metric in shown_in(place):
        columns.append((metric.heading, metric.gives_way))
        if metric.has_interval:
            columns.append(("95 %", metric.gives_way))
    return columns


def summary_row(aggregate: Aggregate, place: Show, *, between: str, name: str) -> list[str]:
    """Return a mode's row of that table: its name, its jobs, and a cell for each column.

    Args:
        aggregate: The mode.
        place: The table.
        between: What stands between the ends of an interval.
        name: The mode as it is written there.
    """
    cells = [name, _jobs(aggregate)]
    for metric in shown_in(place):
        cells.append(of_aggregate(metric, aggregate))
        if metric.has_interval:
            cells.append(interval_text(metric.of_mode(aggregate), between=between))
    return cells


def _jobs(aggregate: Aggregate) -> str:
    """Return the number of jobs; `15 of 18` where only 15 have a score."""
    if aggregate.scored in (0, aggregate.jobs):
        return f"{aggregate.jobs:,}"
    return f"{aggregate.scored:,} of {aggregate.jobs:,}"
