"""Score against a price (token cost, makespan), one mark per mode, horizon and budget, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.spec import MetricSpec, Unit
from pytest_swarm.report.charts.scale import Frame, Tick, fitted, share_ticks
from pytest_swarm.report.metric_text import written
from pytest_swarm.report.report_model import budget_label, horizon_label
from pytest_swarm.report.wording import percent
from pytest_swarm.routing.registry import mode_name, policy_name

FRAME: Final = Frame(width=360, height=250, left=44, right=336, top=14, bottom=210)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point: place, mode (its color and shape), whether it is on the front, and its row of the table."""

    x: float
    y: float
    mode: str
    best: bool
    title: str
    row: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """A scatter plot ready to draw, and the table behind it."""

    frame: Frame
    title: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    front: str  # SVG path of the Pareto front, empty where it is one point
    head: tuple[str, ...]


def scatter(
    cells: Sequence[Aggregate],
    price: MetricSpec[float | None, float | None],
) -> Scatter | None:
    """Return score against the metric `price`; None where fewer than two cells have both.

    Args:
        cells: The figures of each mode at each setting.
        price: The metric of the horizontal axis.
    """
    points = [
        (cost, each.score.mean, each)
        for each in cells
        if each.score is not None and (cost := price.of_mode(each)) is not None
    ]
    title = price.label
    if len(points) < 2:
        return None
    x = fitted([cost for cost, _, _ in points], start=FRAME.left, end=FRAME.right)
    y = fitted([score for _, score, _ in points], start=FRAME.bottom, end=FRAME.top)
    best = pareto([(cost, score) for cost, score, _ in points])
    marks = tuple(
        Mark(
            x=x(cost),
            y=y(score),
            mode=each.mode,
            best=n in best,
            title=f"{_place(each)}: score {percent(score, digits=1)}, {title.lower()} {written(price, cost)}",
            row=(
                mode_name(each.mode),
                horizon_label(each.horizon_depth),
                budget_label(each.vram_budget_gb, each.lambda_token),
                percent(score, digits=1),
                written(price, cost),
                "yes" if n in best else "",
            ),
        )
        for n, (cost, score, each) in enumerate(points)
    )
    return Scatter(
        frame=FRAME,
        title=title,
        x_label=f"{title}, s" if price.unit is Unit.SECONDS else title,
        x_ticks=x.ticks(),
        y_ticks=share_ticks(y),
        marks=marks,
        front=_front([mark for mark in marks if mark.best]),
        head=("mode", "horizon", "VRAM", "score", title.lower(), "on the front"),
    )


def pareto(points: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Return the indices of the points that no other beats in price or score without losing in the other."""
    return frozenset(
        n
        for n, (price, score) in enumerate(points)
        if not any(
            other_price <= price and other_score >= score and (other_price, other_score) != (price, score)
            for other_price, other_score in points
        )
    )


def _front(marks: Sequence[Mark]) -> str:
    """Return a staircase through the best marks from left to right."""
    order = sorted({(mark.x, mark.y) for mark in marks})
    if len(order) < 2:
        return ""
    path = f"M{order[0][0]} {order[0][1]}"
    for x, y in order[1:]:
        path += f"H{x}V{y}"
    return path


def _place(each: Aggregate) -> str:
    return f"{policy_name(each.mode, each.horizon_depth, each.lambda_token)} at {budget_label(each.vram_budget_gb)}"
