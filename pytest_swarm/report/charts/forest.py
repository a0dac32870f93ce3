"""Differences in score with their intervals on one axis around zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, round_values
from pytest_swarm.report.wording import point_range, points, short_names, signed_points
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.statistics.intervals import Interval

FRAME: Final = Frame(width=320, height=58, left=16, right=304, top=16, bottom=40)
ROW_FRAME: Final = Frame(width=360, height=24, left=16, right=344, top=0, bottom=24)
_NAME: Final = 18  # characters of a mode's name that fit beside the other's


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestMark:
    """The pixels of one difference and of its interval (None where there is none), on the axis of its forest."""

    middle: float
    low: float | None
    high: float | None
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Differences to one reference on one axis: a mark for each comparison, None where nothing was compared."""

    frame: Frame
    zero: float
    ticks: tuple[Tick, ...]
    marks: tuple[ForestMark | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """One comparison on an axis of its own, whose ends are named."""

    forest: Forest
    mark: ForestMark
    left: str
    right: str


def forest(comparisons: Sequence[Comparison], *, frame: Frame = ROW_FRAME, ticks: int = 6) -> Forest:
    """Return the drawing of comparisons with the same reference, in points of score.

    Args:
        comparisons: Each is a mark.
        frame: The drawing, or that of each of its rows.
        ticks: About how many the axis has.
    """
    reach = _reach([each.difference for each in comparisons if each.difference is not None])
    x = Scale(low=-reach, high=reach, start=frame.left, end=frame.right)
    values = round_values(x.low, x.high, ticks)
    return Forest(
        frame=frame,
        zero=x(0.0),
        ticks=tuple(Tick(at=x(v), label=signed_points(v).removesuffix(".0")) for v in values),
        marks=tuple(_mark(each, x) for each in comparisons),
    )


def whisker(comparison: Comparison) -> Whisker | None:
    """Return the drawing of a comparison's difference, in points of score; None where nothing was compared."""
    drawing = forest([comparison], frame=FRAME, ticks=4)
    (mark,) = drawing.marks
    if mark is None:
        return None
    names = short_names((comparison.reference, comparison.mode), _NAME)
    left, right = (f"{names[mode]} better" for mode in (comparison.reference, comparison.mode))
    return Whisker(forest=drawing, mark=mark, left=left, right=right)


def _mark(comparison: Comparison, x: Scale) -> ForestMark | None:
    found = comparison.difference
    if found is None:
        return None
    return ForestMark(
        middle=x(found.mean),
        low=None if found.low is None else x(found.low),
        high=None if found.high is None else x(found.high),
        title=_title(comparison, found),
    )


def _reach(intervals: Sequence[Interval]) -> float:
    """Return half the width of an axis around zero that holds all intervals."""
    ends = [abs(v) for each in intervals for v in (each.mean, each.low, each.high) if v is not None]
    return max([0.1, *ends]) * 1.15


def _title(comparison: Comparison, found: Interval) -> str:
    ends = point_range(found.low, found.high)
    interval = "no interval" if ends is None else f"95 % interval {ends}"
    difference = points(found.mean)
    side = (
        f"{difference} {'better' if found.mean > 0 else 'worse'} than" if difference != points(0.0) else "the same as"
    )
    return f"{mode_name(comparison.mode)} {side} {mode_name(comparison.reference)}, {interval}"
