"""The scoreboard: every figure of every mode, for one horizon and budget or all of them, against a reference mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.aggregate import Aggregate, aggregate_over, select
from pytest_swarm.metrics.comparison import Comparison, compare
from pytest_swarm.metrics.measured_jobs import MeasuredJob, horizon_order
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.scoreboard_rows import FIGURES, Figure
from pytest_swarm.report.wording import signed_points, significant
from pytest_swarm.routing.registry import LLM

_SAME: Final = 1e-9
_TIMES: Final = 3  # a figure that is three times another, or a third, is written as a multiple
_MANY: Final = 4  # up to so many modes, wins are counted against every one of them, else against the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure of a mode: written out, as a number, whether it is the best of its row, and against the reference."""

    text: str
    value: float | None
    best: bool
    delta: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreboardRow:
    """A row of the board."""

    figure: Figure
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


def reference_mode(report: Report) -> str | None:
    """What deltas are taken against: llm where it ran beside another mode, else the first mode; None for one mode."""
    if len(report.modes) < 2:
        return None
    return LLM if LLM in report.mode_names else report.mode_names[0]


def boards(report: Report) -> tuple[Board, ...]:
    """A board for every horizon and budget, and over all of them where there is more than one."""
    horizons, budgets = board_axes(report)
    found = (_board(report, horizon, budget_gb) for horizon in horizons for budget_gb in budgets)
    return tuple(each for each in found if each.modes)


def board_axes(report: Report) -> tuple[list[HorizonDepth | None], list[float | None]]:
    """The horizons and the budgets to choose from, None (all of them) first where there is more than one."""
    horizons: list[HorizonDepth | None] = [*sorted({each.key.horizon for each in report.jobs}, key=horizon_order)]
    budgets: list[float | None] = [*sorted({each.key.vram_budget_gb for each in report.jobs})]
    return [None, *horizons] if len(horizons) > 1 else horizons, [None, *budgets] if len(budgets) > 1 else budgets


def _board(report: Report, horizon: HorizonDepth | None, budget_gb: float | None) -> Board:
    modes = aggregate_over(report.jobs, horizon=horizon, budget_gb=budget_gb)
    chosen = select(report.jobs, horizon=horizon, budget_gb=budget_gb)
    reference = reference_mode(report)
    at = next((n for n, each in enumerate(modes) if each.mode == reference), None)
    rows = [_row(figure, modes, at) for figure in FIGURES]
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


def _interval(each: Aggregate) -> str:
    """`63-85 %` of an interval, cut to what a score can be."""
    if each.score is None or each.score.low is None or each.score.high is None:
        return ""
    return f"{100 * max(0.0, each.score.low):.0f} to {100 * min(1.0, each.score.high):.0f} %"


def _row(figure: Figure, modes: Sequence[Aggregate], reference: int | None) -> ScoreboardRow:
    values = [figure.value(each) for each in modes]
    base = None if reference is None else values[reference]
    best = _best(figure, values)
    cells = tuple(
        Cell(
            text=figure.written(value),
            value=value,
            best=best is not None and value is not None and abs(value - best) <= _SAME,
            delta="" if n == reference else delta(figure.delta, value, base),
            note=_interval(each) if figure.label == "Score" else "",
        )
        for n, (value, each) in enumerate(zip(values, modes, strict=True))
    )
    return ScoreboardRow(figure=figure, cells=cells)


def _best(figure: Figure, values: Sequence[float | None]) -> float | None:
    """The best value of a row; None where better has no meaning, or all are equal."""
    known = [value for value in values if value is not None]
    if not figure.better or len(known) < 2 or max(known) - min(known) <= _SAME:
        return None
    return max(known) if figure.better == "high" else min(known)


def delta(kind: str, value: float | None, base: float | None) -> str:
    """`+11.1 pts`, `+70 %`, `3.2 x`, `1/500`, `+2`: a value against the reference's; empty where it says nothing."""
    if value is None or base is None or not kind or abs(value - base) <= _SAME:
        return ""
    if kind == "points":
        return f"{signed_points(value - base)} pts"
    if kind == "plain":
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
