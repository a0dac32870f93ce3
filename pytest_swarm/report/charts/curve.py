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
from pytest_swarm.report.metric_text import of_aggregate, plain_number
from pytest_swarm.report.report_model import budget_label, horizon_label
from pytest_swarm.report.wording import NOT_MEASURED
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
    What is 0 everywhere, such as the number of broken budgets, has no chart: the answer says so.
    """
    horizons = sorted({point.setting.horizon for point in points}, key=horizon_order)
    if len(horizons) < 2:
        return ()
    places = _places(points)
    parts = {"": points}
    if len({(point.mode, _place(point)) for point in points}) > _MAX_LINES and len(places) > 1:
        parts = {f" ({budget_label(*at)})": [each for each in points if _place(each) == at] for at in places}
    return tuple(
        replace(_curve(metric, own, horizons), title=f"{metric.label}{where}")
        for metric in shown_in(Show.CHART)
        for where, own in parts.items()
        if any(plain_number(metric.of_mode(point)) for point in own)
    )


def _places(points: Sequence[Aggregate]) -> list[Place]:
    return sorted({_place(point) for point in points}, key=lambda place: (place[0], lambda_order(place[1])))


def _place(point: Aggregate) -> Place:
    """Return budget and swept weight of a point: the points of one mode and place are a line."""
    return point.setting.budget_gb, point.setting.lambda_token


def _curve(metric: AnyMetric, points: Sequence[Aggregate], horizons: Sequence[HorizonDepth]) -> Curve:
    x = Scale(low=0, high=len(horizons) - 1, start=FRAME.left + 10, end=FRAME.right - 6)
    values = [value for point in points if (value := plain_number(metric.of_mode(point))) is not None]
    tops: dict[Unit, list[float]] = {Unit.SHARE: [1.0], Unit.JOBS: [point.jobs for point in points]}
    y = fitted([0.0, *tops.get(metric.unit, values)], start=FRAME.bottom, end=FRAME.top)
    lines: dict[tuple[str, Place], dict[HorizonDepth, Aggregate]] = {}
    for point in points:
        lines.setdefault((point.mode, _place(point)), {})[point.setting.horizon] = point
    places = _places(points)
    labels = tuple(horizon_label(each) for each in horizons)
    names = {key: f"{mode_name(key[0])} {budget_label(*key[1])}" for key in lines}
    return Curve(
        frame=FRAME,
        title=metric.label,
        x_ticks=tuple(Tick(at=x(n), label=label) for n, label in enumerate(labels)),
        y_ticks=share_ticks(y) if metric.unit is Unit.SHARE else y.ticks(whole=metric.unit is Unit.JOBS),
        lines=tuple(
            line_through(
                [
                    Dot(x=x(n), y=y(value), title=f"{names[key]}, horizon {each}: {of_aggregate(metric, own[each])}")
                    for n, each in enumerate(horizons)
                    if each in own and (value := plain_number(metric.of_mode(own[each]))) is not None
                ],
                mode=key[0],
                dash=places.index(key[1]),
            )
            for key, own in lines.items()
        ),
        dashes=tuple(budget_label(*place) for place in places),
        head=("mode and budget", *labels),
        rows=tuple(
            (names[key], *[of_aggregate(metric, own[each]) if each in own else NOT_MEASURED for each in horizons])
            for key, own in lines.items()
        ),
    )
