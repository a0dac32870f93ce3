"""The scoreboard: every metric of every mode, for one horizon and budget or all of them, against a reference mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.aggregate import Aggregate, aggregate_over, select
from pytest_swarm.metrics.comparison import Comparison, compare
from pytest_swarm.metrics.measured_jobs import MeasuredJob, horizon_order
from pytest_swarm.metrics.metric_table import AnyMetric, shown_in
from pytest_swarm.metrics.spec import Difference, Show
from pytest_swarm.report.metric_text import interval_text, plain_number, written
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import NOT_MEASURED, signed_points, significant
from pytest_swarm.routing.registry import FIXED, LLM, MODE_GROUPS, mode_group, mode_order

_BESIDE: Final = 3  # so many modes stand beside each other, also on a phone; more are one below the other
_SAME: Final = 1e-9
_TIMES: Final = 3  # a figure that is three times another, or a third, is written as a multiple
_MANY: Final = 4  # up to so many modes, wins are counted against every one of them, else against the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A metric of a mode: written out, as a number, whether it is the best of its row, and against the reference."""

    text: str
    value: float | None
    best: bool
    delta: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreboardRow:
    """A row of the board."""

    metric: AnyMetric
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Each mode compared with one reference; None for the reference itself."""

    reference: str
    comparisons: tuple[Comparison | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The scoreboard of one horizon and budget (None = all); `against` compares with each reference to choose from."""

    horizon: HorizonDepth | None
    budget_gb: float | None
    modes: tuple[Aggregate, ...]
    rows: tuple[ScoreboardRow, ...]
    against: tuple[Against, ...]

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


def reference_mode(report: Report) -> str | None:
    """Return the mode that every other is compared with, in terminal, page and scoreboard alike; None for one mode.

    `fixed` where it ran, because that is what people have who have no router; else `llm`; else the first mode.
    """
    if len(report.modes) < 2:
        return None
    return next((mode for mode in (FIXED, LLM) if mode in report.mode_names), report.mode_names[0])


def grouped(modes: Sequence[Aggregate]) -> list[tuple[str, list[Aggregate]]]:
    """Return the modes under the headings of their groups, in the order of the table of modes."""
    order = list(MODE_GROUPS)
    rows = sorted(modes, key=lambda each: (order.index(mode_group(each.mode)), mode_order(each.mode)))
    return [(MODE_GROUPS[group], list(own)) for group, own in groupby(rows, key=lambda each: mode_group(each.mode))]


def boards(report: Report) -> tuple[Board, ...]:
    """Return a board for every horizon and budget, and over all of them where there is more than one."""
    horizons, budgets = board_axes(report)
    found = (_board(report, horizon, budget_gb) for horizon in horizons for budget_gb in budgets)
    return tuple(each for each in found if each.modes)


def board_axes(report: Report) -> tuple[list[HorizonDepth | None], list[float | None]]:
    """Return the horizons and the budgets to choose from; None (all of them) is first where there is more than one."""
    horizons: list[HorizonDepth | None] = [*sorted({each.key.horizon for each in report.jobs}, key=horizon_order)]
    budgets: list[float | None] = [*sorted({each.key.vram_budget_gb for each in report.jobs})]
    return [None, *horizons] if len(horizons) > 1 else horizons, [None, *budgets] if len(budgets) > 1 else budgets


def _board(report: Report, horizon: HorizonDepth | None, budget_gb: float | None) -> Board:
    modes = aggregate_over(report.jobs, horizon=horizon, budget_gb=budget_gb)
    chosen = select(report.jobs, horizon=horizon, budget_gb=budget_gb)
    reference = reference_mode(report)
    at = next((n for n, each in enumerate(modes) if each.mode == reference), None)
    rows = [_row(metric, modes, at) for metric in shown_in(Show.SCOREBOARD)]
    names = [each.mode for each in modes]
    references = names if len(names) <= _MANY else [reference] if at is not None and reference is not None else []
    against = tuple(_against(chosen, names, each) for each in references) if len(names) > 1 else ()
    return Board(
        horizon=horizon,
        budget_gb=budget_gb,
        modes=modes,
        rows=tuple(row for row in rows if any(cell.value is not None for cell in row.cells)),
        against=against,
    )


def _against(jobs: Sequence[MeasuredJob], modes: Sequence[str], reference: str) -> Against:
    comparisons = (None if mode == reference else compare(jobs, mode=mode, reference=reference) for mode in modes)
    return Against(reference=reference, comparisons=tuple(comparisons))


def _row(metric: AnyMetric, modes: Sequence[Aggregate], reference: int | None) -> ScoreboardRow:
    values = [plain_number(metric.of_mode(each)) for each in modes]
    base = None if reference is None else values[reference]
    best = _best(metric, values)
    cells = tuple(
        Cell(
            text=written(metric, value),
            value=value,
            best=best is not None and value is not None and abs(value - best) <= _SAME,
            delta="" if n == reference else delta(metric.difference, value, base),
            note=_note(metric, each),
        )
        for n, (value, each) in enumerate(zip(values, modes, strict=True))
    )
    return ScoreboardRow(metric=metric, cells=cells)


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
    """Return a value against the reference's: `+11.1 pts`, `+70 %`, `3.2 x`, `1/500`, `+2`; empty for no difference."""
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
        return f"{significant(ratio, 2)} x"
    if 0 < ratio <= 1 / _TIMES:
        return f"1/{significant(1 / ratio, 2)}"
    change = f"{100 * (ratio - 1):+.0f} %"
    return "" if change in ("+0 %", "-0 %") else change
