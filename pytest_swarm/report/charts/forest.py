"""Differences in score with their intervals on one axis around zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, round_values
from pytest_swarm.report.wording import mode_name, points, short_names, signed_points
from pytest_swarm.statistics.intervals import Interval

FRAME: Final = Frame(width=320, height=58, left=10, right=310, top=16, bottom=40)
ROW_FRAME: Final = Frame(width=360, height=24, left=8, right=352, top=0, bottom=24)
_NAME: Final = 18  # characters of a mode's name that fit beside the other's


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """One comparison: pixels of the difference, of its interval (None where there is none) and of zero."""

    frame: Frame
    middle: float
    low: float | None
    high: float | None
    zero: float
    ticks: tuple[Tick, ...]
    left: str
    right: str
    title: str


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


def forest(comparisons: Sequence[Comparison]) -> Forest:
    """Return the drawing of comparisons with the same reference, in points of score."""
    found = [each.difference for each in comparisons]
    reach = _reach([each for each in found if each is not None])
    x = Scale(low=-reach, high=reach, start=ROW_FRAME.left, end=ROW_FRAME.right)
    return Forest(
        frame=ROW_FRAME,
        zero=x(0.0),
        ticks=_ticks(x, 6),
        marks=tuple(
            None
            if interval is None
            else ForestMark(
                middle=x(interval.mean),
                low=None if interval.low is None else x(interval.low),
                high=None if interval.high is None else x(interval.high),
                title=_title(each, interval),
            )
            for each, interval in zip(comparisons, found, strict=True)
        ),
    )


def whisker(comparison: Comparison) -> Whisker | None:
    """Return the drawing of a comparison's difference, in points of score; None where nothing was compared."""
    found = comparison.difference
    if found is None:
        return None
    reach = _reach([found])
    names = short_names((comparison.reference, comparison.mode), _NAME)
    x = Scale(low=-reach, high=reach, start=FRAME.left, end=FRAME.right)
    return Whisker(
        frame=FRAME,
        middle=x(found.mean),
        low=None if found.low is None else x(found.low),
        high=None if found.high is None else x(found.high),
        zero=x(0.0),
        ticks=_ticks(x, 4),
        left=f"{names[comparison.reference]} better",
        right=f"{names[comparison.mode]} better",
        title=_title(comparison, found),
    )


def _reach(intervals: Sequence[Interval]) -> float:
    """Return half the width of an axis around zero that holds all intervals."""
    ends = [abs(v) for each in intervals for v in (each.mean, each.low, each.high) if v is not None]
    return max([0.1, *ends]) * 1.15


def _ticks(x: Scale, count: int) -> tuple[Tick, ...]:
    values = round_values(x.low, x.high, count)
    return tuple(Tick(at=x(v), label=signed_points(v).removesuffix(".0")) for v in values)


def _title(comparison: Comparison, found: Interval) -> str:
    interval = "no interval"
    if found.low is not None and found.high is not None:
        interval = f"95 % interval {signed_points(found.low)} to {signed_points(found.high)}"
    difference = points(found.mean)
    side = (
        f"{difference} {'better' if found.mean > 0 else 'worse'} than" if difference != points(0.0) else "the same as"
    )
    return f"{mode_name(comparison.mode)} {side} {mode_name(comparison.reference)}, {interval}"
