"""The look-ahead curve: one figure against horizon depth, a line per mode and budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.curves import CurvePoint
from pytest_swarm.metrics.measured_jobs import horizon_order
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, fitted
from pytest_swarm.report.report_model import budget_label, horizon_label
from pytest_swarm.report.wording import mode_name, number, percent

FRAME: Final = Frame(width=360, height=220, left=44, right=344, top=14, bottom=180)
_MAX_LINES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point of a line, with what it says when pointed at."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One mode at one budget; `dash` numbers the budget."""

    mode: str
    dash: int
    path: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One chart of the look-ahead curve, and the table behind it: a row per line, a column per horizon."""

    frame: Frame
    title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    title: str
    value: Callable[[CurvePoint], float | None]
    written: Callable[[float | None], str]
    share: bool


_FIGURES: Final = (
    _Figure(
        title="Score",
        value=lambda p: None if p.score is None else p.score.mean,
        written=lambda v: percent(v),
        share=True,
    ),
    _Figure(title="Jobs over budget", value=lambda p: p.violation_rate, written=lambda v: percent(v), share=True),
    _Figure(title="Model loads per job", value=lambda p: p.switches, written=lambda v: number(v), share=False),
    _Figure(title="Utility per job", value=lambda p: p.utility, written=lambda v: number(v, 2), share=False),
)


def curves(points: Sequence[CurvePoint]) -> tuple[Curve, ...]:
    """Score, jobs over budget, loads and utility against horizon; none where only one horizon was run.

    One chart holds all budgets as long as its lines can be told apart; beyond that each budget has charts of its own.
    """
    horizons = sorted({point.horizon_depth for point in points}, key=horizon_order)
    if len(horizons) < 2:
        return ()
    budgets = sorted({point.vram_budget_gb for point in points})
    if len({(point.mode, point.vram_budget_gb) for point in points}) <= _MAX_LINES or len(budgets) == 1:
        return tuple(_curve(figure, points, horizons) for figure in _FIGURES)
    return tuple(
        replace(_curve(figure, own, horizons), title=f"{figure.title} ({budget_label(budget_gb)})")
        for figure in _FIGURES
        for budget_gb in budgets
        for own in [[point for point in points if point.vram_budget_gb == budget_gb]]
    )


def _curve(figure: _Figure, points: Sequence[CurvePoint], horizons: Sequence[HorizonDepth]) -> Curve:
    known = [value for point in points if (value := figure.value(point)) is not None]
    x = Scale(low=0, high=len(horizons) - 1, start=FRAME.left + 10, end=FRAME.right - 6)
    y = fitted([0.0, 1.0] if figure.share else [0.0, *known], start=FRAME.bottom, end=FRAME.top)
    budgets = sorted({point.vram_budget_gb for point in points})
    keys = dict.fromkeys((point.mode, point.vram_budget_gb) for point in points)
    lines: list[Line] = []
    rows: list[tuple[str, ...]] = []
    for mode, budget_gb in keys:
        own = {p.horizon_depth: figure.value(p) for p in points if (p.mode, p.vram_budget_gb) == (mode, budget_gb)}
        name = f"{mode_name(mode)} {budget_label(budget_gb)}"
        dots = tuple(
            Dot(x=x(n), y=y(value), title=f"{name} {horizon_label(each)}: {figure.written(value)}")
            for n, each in enumerate(horizons)
            if (value := own.get(each)) is not None
        )
        path = "M" + "L".join(f"{dot.x} {dot.y}" for dot in dots) if dots else ""
        lines.append(Line(mode=mode, dash=budgets.index(budget_gb), path=path, dots=dots))
        rows.append((name, *(figure.written(own.get(each)) for each in horizons)))
    labels = tuple(horizon_label(each) for each in horizons)
    shares = tuple(Tick(at=y(n / 4), label=f"{25 * n} %") for n in range(5))
    return Curve(
        frame=FRAME,
        title=figure.title,
        x_ticks=tuple(Tick(at=x(n), label=label) for n, label in enumerate(labels)),
        y_ticks=shares if figure.share else y.ticks(),
        lines=tuple(lines),
        head=("mode and budget", *labels),
        rows=tuple(rows),
    )
