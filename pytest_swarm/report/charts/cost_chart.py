"""Score against token cost over a sweep of its weight: a line for each mode, and the hull of the single models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.lambda_curves import CurveFigure, LambdaCurves, ModeCurve, SweptPoint
from pytest_swarm.report.charts.scale import (
    Dot,
    Frame,
    Line,
    LineChart,
    Scale,
    fitted,
    line_through,
    path_through,
    share_ticks,
)
from pytest_swarm.report.report_model import budget_label, horizon_label
from pytest_swarm.report.wording import NOT_MEASURED, percent, significant
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import plural

FRAME: Final = Frame(width=720, height=340, left=44, right=696, top=14, bottom=296)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChart(LineChart):
    """The chart of one horizon and budget, and the table of its figures.

    `hull` is the SVG path of the best mixtures of single models, `corners` the models at its corners.
    """

    hull: str
    corners: tuple[Dot, ...]
    figures: tuple[tuple[str, ...], ...]
    sentence: str


FIGURES: Final = ("mode", "AIQ", "APGR", "CPT(50 %)")


def cost_charts(found: tuple[LambdaCurves, ...]) -> tuple[CostChart, ...]:
    """Return a chart for each horizon and budget that has points."""
    return tuple(_chart(each) for each in found if any(mode.points for mode in each.modes))


def figure_rows(curves: LambdaCurves) -> tuple[tuple[str, ...], ...]:
    """Return AIQ, APGR and CPT(50 %) of each mode, and AIQ of the mixtures of single models, with their intervals."""
    rows = [
        (mode_name(each.mode), figure_text(each.aiq), figure_text(each.apgr), figure_text(each.cpt50))
        for each in curves.modes
    ]
    return (*rows, ("mixtures of single models", figure_text(curves.hull_aiq), NOT_MEASURED, NOT_MEASURED))


def figure_text(figure: CurveFigure) -> str:
    """Return `0.67 (0.58 to 0.75)`; a dash for a figure that means nothing."""
    if figure.value is None:
        return NOT_MEASURED
    ends = "" if figure.low is None or figure.high is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{ends}"


def place_of(curves: LambdaCurves) -> str:
    """Return `h3 8GB`."""
    return f"{horizon_label(curves.horizon_depth)} {budget_label(curves.vram_budget_gb)}"


def sentence_of(curves: LambdaCurves) -> str:
    """Return what the curves rest on, and what weak and strong are."""
    if curves.note is not None:
        return f"{curves.note}."
    return f"{plural(curves.jobs, 'workflow')}; weak is {curves.weak}, strong is {curves.strong}."


def _chart(curves: LambdaCurves) -> CostChart:
    points = [(point.cost, point.score) for mode in curves.modes for point in mode.points]
    points += [(point.cost, point.score) for point in curves.hull]
    x = fitted([cost for cost, _ in points], start=FRAME.left, end=FRAME.right)
    y = fitted([0.0, 1.0], start=FRAME.bottom, end=FRAME.top)
    corners = tuple(
        Dot(x=x(each.cost), y=y(each.score), title=f"mixing single models: {percent(each.score, digits=1)}")
        for each in curves.hull
    )
    return CostChart(
        frame=FRAME,
        title=f"Score against token cost, {place_of(curves)}",
        x_ticks=x.ticks(),
        y_ticks=share_ticks(y),
        lines=tuple(_line(each, x, y) for each in curves.modes),
        hull=f"{path_through(corners)}H{FRAME.right}" if corners else "",
        corners=corners,
        head=("mode", "weight", "score", "token cost"),
        figures=figure_rows(curves),
        rows=tuple(
            (mode_name(each.mode), f"{at.lambda_token:g}", percent(at.score, digits=1), significant(at.cost))
            for each in curves.modes
            for at in each.points
        ),
        sentence=sentence_of(curves),
    )


def _line(curve: ModeCurve, x: Scale, y: Scale) -> Line:
    dots = tuple(
        Dot(x=x(at.cost), y=y(at.score), title=f"{mode_name(curve.mode)}, weight {at.lambda_token:g}: {_said(at)}")
        for at in sorted(curve.points, key=lambda at: (at.cost, at.score))
    )
    return line_through(dots, mode=curve.mode)


def _said(point: SweptPoint) -> str:
    return f"score {percent(point.score, digits=1)}, token cost {significant(point.cost)}"
