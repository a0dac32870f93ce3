"""The cells of the scoreboard: a metric of each mode, and its difference to the reference over the same jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate, counts, summed_up
from pytest_swarm.metrics.comparison import Jobs
from pytest_swarm.metrics.measured_jobs import MeasuredJob, PairKey
from pytest_swarm.metrics.metric_table import AnyMetric
from pytest_swarm.metrics.spec import Difference
from pytest_swarm.report.metric_text import interval_text, of_aggregate, plain_number
from pytest_swarm.report.wording import NOT_MEASURED, signed_points, significant
from pytest_swarm.units import plural, signed_percent

_SAME: Final = 1e-9
_MOST_TIMES: Final = 1000  # beyond that, one of both is next to nothing
_TIMES: Final = 3  # a figure that is three times another, or a third, is written as a multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A metric of a mode: written out, as a number, whether it is the best of its row, and against the reference.

    `over` says over how many jobs, where the modes of the row have it over different ones, or some of them only as a
    bound; `delta` is then over the pairs that both sides have for a comparison.
    """

    text: str
    value: float | None
    best: bool
    delta: str
    note: str = ""
    over: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreboardRow:
    """A row of the board."""

    metric: AnyMetric
    cells: tuple[Cell, ...]


def scoreboard_row(
    metric: AnyMetric, modes: Sequence[Aggregate], jobs: Mapping[str, Jobs], reference: str | None
) -> ScoreboardRow:
    """Return one metric of every mode.

    Args:
        metric: The metric.
        modes: The modes with their metrics.
        jobs: The same jobs, as `jobs_of_modes` groups them.
        reference: The mode that the others are compared with; None for none.
    """
    values = [plain_number(metric.of_mode(each)) for each in modes]
    known = {each.mode: _measured(metric, jobs[each.mode]) for each in modes}
    whole = len(modes) < 2 or all(len(found) == _counted(metric, jobs[mode]) for mode, found in known.items())
    alike = whole and len(set(map(frozenset, known.values()))) == 1
    best = _best(metric, values) if alike else None
    at = next((n for n, each in enumerate(modes) if each.mode == reference), None)
    base = None if at is None else values[at]
    cells: list[Cell] = []
    for n, (value, each) in enumerate(zip(values, modes, strict=True)):
        mine, theirs = value, base
        if not alike and reference is not None and at is not None:
            both = known[each.mode].keys() & known[reference].keys()
            mine, theirs = (_over(metric, known[mode], both) for mode in (each.mode, reference))
        cells.append(
            Cell(
                text=of_aggregate(metric, each),
                value=value,
                best=best is not None and value is not None and abs(value - best) <= _SAME,
                delta="" if n == at else delta(metric.difference, mine, theirs),
                note=_note(metric, each),
                over="" if alike or value is None else f"over {plural(_counted(metric, jobs[each.mode]), 'job')}",
            )
        )
    return ScoreboardRow(metric=metric, cells=tuple(cells))


def _measured(metric: AnyMetric, jobs: Jobs) -> dict[PairKey, MeasuredJob]:
    """Return the jobs that count, and have a value that can be compared."""
    return {key: job for key, job in jobs.items() if job.comparable(metric) is not None and counts(metric, job)}


def _counted(metric: AnyMetric, jobs: Jobs) -> int:
    return sum(metric.of_job(job.metrics) is not None and counts(metric, job) for job in jobs.values())


def _over(metric: AnyMetric, jobs: Jobs, keys: set[PairKey]) -> float | None:
    chosen = [job for key, job in jobs.items() if key in keys]
    return plain_number(summed_up(metric, chosen)) if chosen else None


def _note(metric: AnyMetric, aggregate: Aggregate) -> str:
    """Return `63 to 85 %` for a metric with an interval."""
    if not metric.has_interval:
        return ""
    text = interval_text(metric.of_mode(aggregate), between=" to ")
    return "" if text == NOT_MEASURED else f"{text} %"


def _best(metric: AnyMetric, values: Sequence[float | None]) -> float | None:
    """Return the best value of a row; None where better has no meaning, or all are equal."""
    known = [value for value in values if value is not None]
    if not (metric.mark_best and metric.worse) or len(known) < 2 or max(known) - min(known) <= _SAME:
        return None
    return min(known) if metric.worse > 0 else max(known)


def delta(kind: Difference, value: float | None, base: float | None) -> str:
    """Return a value against the reference's: `+11.1 pts`, `+70 %`, `3.2 x`, `1/500`, `+2`; empty for no difference.

    Args:
        kind: How a difference of this metric is told: in points, in its unit, or in proportion to the reference.
        value: The figure in the unit of its metric; None where it was not measured.
        base: The same figure of the reference.
    """
    if value is None or base is None or abs(value - base) <= _SAME:
        return ""
    if kind is Difference.POINTS:
        return f"{signed_points(value - base)} pts"
    if kind is Difference.ABSOLUTE:
        return f"{value - base:+.3g}"
    if base == 0:
        return ""
    ratio = value / base
    if ratio >= _TIMES:
        return f"{significant(ratio, 2)} x" if ratio <= _MOST_TIMES else f"over {_MOST_TIMES:,} x"
    if 0 < ratio <= 1 / _TIMES:
        return f"1/{significant(1 / ratio, 2)}" if ratio >= 1 / _MOST_TIMES else f"under 1/{_MOST_TIMES:,}"
    change = signed_percent(ratio - 1)
    return "" if change == "+0 %" else change
