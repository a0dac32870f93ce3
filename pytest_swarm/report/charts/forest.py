"""Differences in score with their intervals on one axis around zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, round_values
from pytest_swarm.report.wording import mode_name, one_line, points, signed_points

FRAME: Final = Frame(width=320, height=58, left=10, right=310, top=16, bottom=40)
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


def whisker(comparison: Comparison) -> Whisker | None:
    """Return the drawing of a comparison's difference, in points of score; None where nothing was compared."""
    found = comparison.difference
    if found is None:
        return None
    reach = max(0.1, *(abs(v) for v in (found.mean, found.low, found.high) if v is not None)) * 1.15
    x = Scale(low=-reach, high=reach, start=FRAME.left, end=FRAME.right)
    mode, reference = mode_name(comparison.mode), mode_name(comparison.reference)
    interval = "no interval"
    if found.low is not None and found.high is not None:
        interval = f"95 % interval {signed_points(found.low)} to {signed_points(found.high)}"
    side = "better" if found.mean >= 0 else "worse"
    return Whisker(
        frame=FRAME,
        middle=x(found.mean),
        low=None if found.low is None else x(found.low),
        high=None if found.high is None else x(found.high),
        zero=x(0.0),
        ticks=tuple(Tick(at=x(v), label=signed_points(v).removesuffix(".0")) for v in round_values(-reach, reach, 4)),
        left=f"{one_line(reference, _NAME)} better",
        right=f"{one_line(mode, _NAME)} better",
        title=f"{mode} {points(found.mean)} {side} than {reference}, {interval}",
    )
