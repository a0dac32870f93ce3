"""Two or more runs side by side: the same metrics, and their difference over the cases that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.metrics.comparison import complete_pairs, jobs_of_modes, paired_scores
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.metric_text import of_aggregate
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import NOT_MEASURED, percent, point_range, signed_points
from pytest_swarm.routing.registry import mode_name, mode_order


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTable:
    """A table ready to be written; the first `left` columns are words."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


def run_tables(reports: Sequence[Report]) -> tuple[RunTable, ...]:
    """Return what the runs were, every metric by run and mode, and the paired difference of each run to the first."""
    return _overview(reports), _figures(reports), _differences(reports)


def _overview(reports: Sequence[Report]) -> RunTable:
    rows = tuple(
        (
            each.info.run,
            each.info.backend + (" (simulated)" if each.info.simulated else ""),
            each.info.profile or NOT_MEASURED,
            str(each.info.seed),
            f"{each.info.fleet.name} {each.info.fleet.digest[:8]}",
            ", ".join(mode_name(mode) for mode in each.mode_names),
            f"{len(each.jobs):,}",
            "yes" if each.run.complete else "no",
        )
        for each in reports
    )
    head = ("run", "backend", "profile", "seed", "fleet", "modes", "jobs", "complete")
    return RunTable(caption="The runs", head=head, rows=rows, left=6)


def _figures(reports: Sequence[Report]) -> RunTable:
    columns = [(report, mode) for report in reports for mode in report.modes]
    columns.sort(key=lambda pair: mode_order(pair[1].mode))
    cells = [(row.label, *(of_aggregate(row, mode) for _, mode in columns)) for row in shown_in(Show.SCOREBOARD)]
    rows = tuple(row for row in cells if any(cell != NOT_MEASURED for cell in row[1:]))
    head = ("metric", *(f"{mode_name(mode.mode)}, {report.info.run}" for report, mode in columns))
    return RunTable(caption="Every metric, over all horizons and budgets", head=head, rows=rows)


def _differences(reports: Sequence[Report]) -> RunTable:
    first, *others = reports
    rows = tuple(
        (mode_name(mode), each.info.run, *_difference(first, each, mode))
        for mode in first.mode_names
        for each in others
        if mode in each.mode_names
    )
    head = ("mode", f"run against {first.info.run}", "cases in both", "this score", "first score", "difference", "95 %")
    caption = "Score over the cases (same graph, mode, horizon, budget and repeat) that have a score in both runs"
    return RunTable(caption=caption, head=head, rows=rows, left=2)


def _difference(first: Report, other: Report, mode: str) -> tuple[str, str, str, str, str]:
    both = complete_pairs(*(jobs_of_modes(each.jobs).get(mode, {}) for each in (other, first)))
    scores = paired_scores(both)
    found = scores.difference
    if found is None:
        return "0", NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, NOT_MEASURED
    means = percent(scores.mode, digits=1), percent(scores.reference, digits=1)
    interval = point_range(found.low, found.high) or found.note or NOT_MEASURED
    return f"{len(both):,}", *means, f"{signed_points(found.mean)} pts", interval
