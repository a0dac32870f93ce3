"""Figures of a curve of score against cost: AIQ (RouterBench), APGR and CPT (RouteLLM). Numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SAME: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Point:
    """A mean cost per job, and the mean score at that cost."""

    cost: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The cheapest (`weak`) and the best (`strong`) single model, and the costs between which curves are compared.

    `low` is the cost of the cheapest single model, `high` that of the dearest.
    """

    weak: str
    strong: str
    weak_point: Point
    strong_point: Point
    high: float

    @classmethod
    def of(cls, singles: Mapping[str, Point]) -> Range | None:
        """Return the range of single models; None without two that differ in cost."""
        if not singles:
            return None
        weak = min(singles, key=lambda name: (singles[name].cost, -singles[name].score))
        strong = max(singles, key=lambda name: (singles[name].score, -singles[name].cost))
        return cls.between(singles, weak=weak, strong=strong)

    @classmethod
    def between(cls, singles: Mapping[str, Point], *, weak: str, strong: str) -> Range | None:
        """Return the range of single models whose weak and strong one are known; None where no other costs more.

        Args:
            singles: Mean cost and score of each single model.
            weak: The cheapest.
            strong: The best.
        """
        high = max(point.cost for point in singles.values())
        if high - singles[weak].cost <= _SAME * max(1.0, high):
            return None
        return cls(weak=weak, strong=strong, weak_point=singles[weak], strong_point=singles[strong], high=high)

    @property
    def low(self) -> float:
        """The cost of the cheapest single model."""
        return self.weak_point.cost

    @property
    def strong_is_better(self) -> bool:
        """Whether the best single model scores and costs more than the cheapest."""
        return self.strong_point.score - self.weak_point.score > _SAME and self.strong_point.cost - self.low > _SAME


def upper_hull(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the corners of the non-decreasing concave hull, by cost: what mixing the points at random can reach.

    It ends at the cheapest of the best points: more cost brings nothing.
    """
    hull: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, -each.score)):
        if hull and point.score <= hull[-1].score + _SAME:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-2], point):
            hull.pop()
        hull.append(point)
    return tuple(hull)


def _slope(one: Point, other: Point) -> float:
    gap = other.cost - one.cost
    return (other.score - one.score) / gap if gap > 0 else float("inf")


def aiq(points: Sequence[Point], span: Range) -> float | None:
    """Return the mean height of the non-decreasing concave hull over the costs of the single models.

    AIQ = 1 / (high - low) * integral from low to high of hull(c) dc. The cheapest single model is one of the points,
    because any router can be mixed with it; beyond its last point the hull is level.
    RouterBench (Hu et al., 2024), section 3.

    Args:
        points: Mean cost and score of a router at each of its settings.
        span: The single models.
    """
    hull = upper_hull([*points, span.weak_point])
    grid = sorted({span.low, span.high, *(each.cost for each in hull if span.low < each.cost < span.high)})
    heights = [_height(hull, cost) for cost in grid]
    area = sum((b - a) * (h + g) / 2 for a, b, h, g in zip(grid, grid[1:], heights, heights[1:], strict=False))
    return area / (span.high - span.low)


def apgr(points: Sequence[Point], span: Range) -> float | None:
    """Return the average performance gap recovered; None where the best single model is also the cheapest.

    APGR = integral from 0 to 1 of PGR(x) dx, PGR = (score - weak) / (strong - weak), x = (cost - weak) / (strong -
    weak): with two models and equal calls, x is the share of calls to the strong one. PGR is linear between the
    points; both single models are its ends. 0.5 = a random mixture of the two.
    RouteLLM (Ong et al., 2024), equation 6.

    Args:
        points: Mean cost and score of a router at each of its settings.
        span: The single models.
    """
    curve = _recovered(points, span)
    if curve is None:
        return None
    return sum((b.cost - a.cost) * (a.score + b.score) / 2 for a, b in pairwise(curve))


def cpt(points: Sequence[Point], span: Range, *, share: float) -> float | None:
    """Return the least x, in [0, 1], at which a share of the performance gap is recovered; x and PGR as in `apgr`.

    The call-performance threshold CPT(share) of RouteLLM (Ong et al., 2024).

    Args:
        points: Mean cost and score of a router at each of its settings.
        span: The single models.
        share: How much of the gap, such as 0.5.
    """
    curve = _recovered(points, span)
    if curve is None:
        return None
    for a, b in pairwise(curve):
        if b.score >= share:
            rise = b.score - a.score
            return a.cost + (share - a.score) / rise * (b.cost - a.cost) if rise > 0 else b.cost
    return 1.0


def _recovered(points: Sequence[Point], span: Range) -> tuple[Point, ...] | None:
    """The curve of (x, PGR) from (0, 0) to (1, 1); of points at one cost, their mean."""
    if not span.strong_is_better:
        return None
    weak, strong = span.weak_point, span.strong_point
    levels: dict[float, list[float]] = {}
    for point in points:
        x = (point.cost - weak.cost) / (strong.cost - weak.cost)
        if _SAME < x < 1 - _SAME:
            levels.setdefault(x, []).append((point.score - weak.score) / (strong.score - weak.score))
    inner = (Point(x, sum(found) / len(found)) for x, found in sorted(levels.items()))
    return (Point(0.0, 0.0), *inner, Point(1.0, 1.0))


def _height(hull: Sequence[Point], cost: float) -> float:
    """The hull at a cost: linear between its corners, level outside."""
    if cost <= hull[0].cost:
        return hull[0].score
    for a, b in pairwise(hull):
        if cost <= b.cost:
            return a.score + (cost - a.cost) / (b.cost - a.cost) * (b.score - a.score)
    return hull[-1].score
