"""From figures to pixels: linear and logarithmic scales with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis with its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point of a line, with its tooltip."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of one mode through dots; `dash` numbers what tells the lines of a mode apart."""

    mode: str
    dash: int
    path: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The size of a drawing and the edges of its plotting area, in pixels from the upper left corner."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """Lines on two axes, and the table behind them."""

    frame: Frame
    title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A map of [low, high] linearly, or by its logarithm, onto [start, end] pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, to a tenth."""
        low, high, at = (self.low, self.high, value)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, 1e-12))
        share = 0.5 if high == low else (at - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 4, *, whole: bool = False) -> tuple[Tick, ...]:
        """Return round values within the scale with their labels; only whole ones of what is counted."""
        values = _decades(self.low, self.high) if self.log else round_values(self.low, self.high, count)
        values = tuple(value for value in values if not whole or value.is_integer())
        return tuple(Tick(at=self(value), label=tick_label(value)) for value in values)


def fitted(values: Iterable[float], *, start: float, end: float, zero: bool = False) -> Scale:
    """Return a linear scale over the values, with some room around them; values of 0 alone are at its bottom.

    Args:
        values: What is drawn, in the unit of the axis.
        start: Where the axis begins, in pixels.
        end: Where it ends, in pixels.
        zero: Whether it begins at 0.
    """
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high == 0.0:
        return Scale(low=0.0, high=1.0, start=start, end=end)
    air = (high - low) * 0.08 or abs(high) * 0.1
    return Scale(low=0.0 if zero else low - air, high=high + air, start=start, end=end)


def logarithmic(values: Iterable[float], *, start: float, end: float) -> Scale:
    """Return a logarithmic scale over positive values, widened to whole decades.

    Args:
        values: What is drawn, all above 0.
        start: Where the axis begins, in pixels.
        end: Where it ends, in pixels.
    """
    known = [value for value in values if value > 0] or [1.0]
    low = 10.0 ** math.floor(math.log10(min(known)))
    high = 10.0 ** math.ceil(math.log10(max(known)))
    return Scale(low=low, high=high if high > low else 10 * low, start=start, end=end, log=True)


def round_values(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return about `count` round values within [low, high]: multiples of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        return (low,)
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(n * step, 12) for n in range(first, last + 1))


def tick_label(value: float) -> str:
    """Return `0.25`, `5`, `1,200`: as short as the value allows."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _decades(low: float, high: float) -> tuple[float, ...]:
    first, last = round(math.log10(low)), round(math.log10(high))
    stride = max(1, (last - first) // 5)
    return tuple(10.0**n for n in range(first, last + 1, stride))


def path_through(dots: Sequence[Dot]) -> str:
    """Return the SVG path of a line through dots; empty for none."""
    return "M" + "L".join(f"{dot.x} {dot.y}" for dot in dots) if dots else ""


def line_through(dots: Iterable[Dot], *, mode: str, dash: int = 0) -> Line:
    """Return the line of a mode through dots.

    Args:
        dots: In the order of the line.
        mode: Gives its color.
        dash: Number of its kind of dashes; 0 is a solid line.
    """
    found = tuple(dots)
    return Line(mode=mode, dash=dash, path=path_through(found), dots=found)


def share_ticks(scale: Scale) -> tuple[Tick, ...]:
    """Return the ticks of a scale of shares, in percent: round values of those that there can be."""
    values = round_values(max(0.0, scale.low), min(1.0, scale.high), 4)
    return tuple(Tick(at=scale(value), label=f"{tick_label(round(100 * value, 9))} %") for value in values)
