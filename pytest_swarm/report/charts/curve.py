"""The look-ahead curve: one metric against horizon depth, a line for each mode and budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.measured_jobs import horizon_order, lambda_order
from pytest_swarm.metrics.metric_table import AnyMetric, shown_in
from pytest_swarm.metrics.spec import Show, Unit
from pytest_swarm.report.charts.scale import Dot, Frame, LineChart, Scale, Tick, fitted, line_through, share_ticks
from pytest_swarm.report.metric_text import plain_number, written
from pytest_swarm.report.report_model import budget_label, horizon_label
from pytest_swarm.routing.registry import mode_name

FRAME: Final = Frame(width=360, height=220, left=44, right=344, top=14, bottom=180)
_MAX_LINES: Final = 6
Place: TypeAlias = tuple[float, float | None]  # budget in GB and swept weight of token cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(LineChart):
    """One chart of the look-ahead curve; its table has a row per line, and a column per horizon."""

    dashes: tuple[str, ...]


def curves(points: Sequence[Aggregate]) -> tuple[Curve, ...]:
    """Return a chart against horizon for each metric that is charted; none where only one horizon was run.

    One chart holds all budgets as long as its lines can be told apart; beyond that each budget has charts of its own.
    """
    horizons = sorted({point.setting.horizon for point in points}, key=horizon_order)
    if len(horizons) < 2:
        return ()
    metrics = shown_in(Show.CHART)
    places = _places(points)
    if len({(point.mode, _place(point)) for point in points}) <= _MAX_LINES or len(places) == 1:
        return tuple(_curve(metric, points, horizons) for metric in metrics)
    return tuple(
        replace(_curve(metric, own, horizons), title=f"{metric.label} ({budget_label(*place)})")
        for metric in metrics
        for place in places
        for own in [[point for point in points if _place(point) == place]]
    )


def _places(points: Sequence[Aggregate]) -> list[Place]:
    return sorted({_place(point) for point in points}, key=lambda place: (place[0], lambda_order(place[1])))


def _place(point: Aggregate) -> Place:
    """Return budget and swept weight of a point: the points of one mode and place are a line."""
    return point.setting.budget_gb, point.setting.lambda_token


def _curve(metric: AnyMetric, points: Sequence[Aggregate], horizons: Sequence[HorizonDepth]) -> Curve:
    values = [plain_number(metric.of_mode(point)) for point in points]
    share = metric.unit is Unit.SHARE
    x = Scale(low=0, high=len(horizons) - 1, start=FRAME.left + 10, end=FRAME.right - 6)
    known = [value for value in values if value is not None]
    y = fitted([0.0, 1.0] if share else [0.0, *known], start=FRAME.bottom, end=FRAME.top)
    lines: dict[tuple[str, Place], dict[HorizonDepth, float | None]] = {}
    for point, value in zip(points, values, strict=True):
        lines.setdefault((point.mode, _place(point)), {})[point.setting.horizon] = value
    places = _places(points)
    labels = tuple(horizon_label(each) for each in horizons)
    names = {key: f"{mode_name(key[0])} {budget_label(*key[1])}" for key in lines}
    return Curve(
        frame=FRAME,
        title=metric.label,
        x_ticks=tuple(Tick(at=x(n), label=label) for n, label in enumerate(labels)),
        y_ticks=share_ticks(y) if share else y.ticks(),
        lines=tuple(
            line_through(
                [
                    Dot(x=x(n), y=y(value), title=f"{names[key]}, horizon {each}: {written(metric, value)}")
                    for n, each in enumerate(horizons)
                    if (value := own.get(each)) is not None
                ],
                mode=key[0],
                dash=places.index(key[1]),
            )
            for key, own in lines.items()
        ),
        dashes=tuple(budget_label(*place) for place in places),
        head=("mode and budget", *labels),
        rows=tuple((names[key], *(written(metric, own.get(each)) for each in horizons)) for key, own in lines.items()),
    )
