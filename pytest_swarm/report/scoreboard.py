"""The scoreboard: every metric of every mode, at one horizon, budget and weight or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Final, TypeVar

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.aggregate import Aggregate, Selection, aggregate_over
from pytest_swarm.metrics.comparison import Comparison, compare, jobs_of_modes
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.board_cells import ScoreboardRow, scoreboard_row
from pytest_swarm.report.report_model import Report, RunAxes
from pytest_swarm.routing.registry import MODE_GROUPS, mode_group, mode_order

T = TypeVar("T")
_BESIDE: Final = 3  # so many modes stand beside each other, also on a phone; more are one below the other
MAX_BOARDS: Final = 36  # of more, only the pooled ones have every metric: the page stays small
_MANY: Final = 4  # up to so many modes, wins are counted against every one of them, else against the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Each mode compared with one reference; None for the reference itself."""

    reference: str
    comparisons: tuple[Comparison | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The scoreboard of one horizon, budget and swept weight (None = all).

    `against` compares with each reference to choose from. A `brief` board has the metrics of the terminal only.
    """

    selection: Selection
    modes: tuple[Aggregate, ...]
    rows: tuple[ScoreboardRow, ...]
    against: tuple[Against, ...]
    brief: bool

    @property
    def by_mode(self) -> bool:
        """Return whether modes are the rows: so many would not fit beside each other."""
        return len(self.modes) > _BESIDE

    @property
    def overview(self) -> tuple[ScoreboardRow, ...]:
        """Return the metrics that also the terminal shows."""
        return tuple(row for row in self.rows if Show.TERMINAL in row.metric.show)

    @property
    def groups(self) -> tuple[tuple[str, tuple[ScoreboardRow, ...]], ...]:
        """Return the metrics under the headings of their groups."""
        parts = groupby(self.rows, key=lambda row: row.metric.group)
        return tuple((heading, tuple(rows)) for heading, rows in parts)

    @property
    def mode_groups(self) -> tuple[tuple[str, tuple[tuple[int, Aggregate], ...]], ...]:
        """Return the modes under the headings of their groups, each with its place in the cells of a row."""
        place = {each.mode: n for n, each in enumerate(self.modes)}
        return tuple((heading, tuple((place[m.mode], m) for m in group)) for heading, group in grouped(self.modes))


def grouped(modes: Sequence[Aggregate]) -> list[tuple[str, list[Aggregate]]]:
    """Return the modes under the headings of their groups, in the order of the table of modes."""
    order = list(MODE_GROUPS)
    rows = sorted(modes, key=lambda each: (order.index(mode_group(each.mode)), mode_order(each.mode)))
    return [(MODE_GROUPS[group], list(own)) for group, own in groupby(rows, key=lambda each: mode_group(each.mode))]


def board_choices(
    axes: RunAxes,
) -> tuple[tuple[HorizonDepth | None, ...], tuple[float | None, ...], tuple[float | None, ...]]:
    """Return the horizons, budgets and swept weights to choose from; None (all) is first where there are several."""
    return _with_all(axes.horizons), _with_all(axes.budgets_gb), _with_all(axes.weights)


def _with_all(values: tuple[T, ...]) -> tuple[T | None, ...]:
    return values if len(values) == 1 else (None, *values)


def boards(report: Report) -> tuple[Board, ...]:
    """Return a board for every horizon, budget and swept weight, and over all of them where there are several."""
    places = [
        Selection(horizon=horizon, budget_gb=budget_gb, lambda_token=weight)
        for horizon, budget_gb, weight in product(*board_choices(report.axes))
    ]
    found = (_board(report, each, brief=len(places) > MAX_BOARDS and each != places[0]) for each in places)
    return tuple(each for each in found if each.modes)


def _board(report: Report, selection: Selection, *, brief: bool) -> Board:
    chosen = [each for each in report.jobs if selection.holds(each)]
    modes = aggregate_over(chosen, selection)
    reference = report.reference
    names = [each.mode for each in modes]
    metrics = (each for each in shown_in(Show.SCOREBOARD) if not brief or Show.TERMINAL in each.show)
    by_mode = jobs_of_modes(chosen)
    rows = [scoreboard_row(metric, modes, by_mode, reference) for metric in metrics] if modes else []
    there = [reference] if reference in names and reference is not None else []
    references = names if len(names) <= _MANY else there
    against = tuple(_against(chosen, names, each) for each in references) if len(names) > 1 else ()
    return Board(
        selection=selection,
        modes=modes,
        rows=tuple(row for row in rows if any(cell.value is not None for cell in row.cells)),
        against=against,
        brief=brief,
    )


def _against(jobs: Sequence[MeasuredJob], modes: Sequence[str], reference: str) -> Against:
    comparisons = (None if mode == reference else compare(jobs, mode=mode, reference=reference) for mode in modes)
    return Against(reference=reference, comparisons=tuple(comparisons))
