"""Decision time per plan step as a box per mode on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from pytest_swarm.report.charts.scale import Frame, Tick, logarithmic
from pytest_swarm.report.wording import milliseconds, short_names
from pytest_swarm.routing.registry import mode_name

WIDTH: Final = 360
ROW: Final = 34
LEFT, RIGHT, TOP, BELOW = 84, 338, 8, 40  # the last label is half beyond the right edge, such as `100 ms`
_NAME: Final = 22  # characters of a mode's name on the left
LETTER: Final = 6.2  # pixels of a letter
_PERCENTS: Final = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One mode: pixels of its 5, 25, 50, 75 and 95 % points."""

    mode: str
    name: str
    y: float
    whisker: tuple[float, float]
    box: tuple[float, float]
    median: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The chart and its table."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    boxes: tuple[Box, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def distribution(times_ms: Mapping[str, Sequence[float]]) -> Distribution | None:
    """Return the boxes of the times (ms) of each mode; None where there are none."""
    points = {mode: _points(times) for mode, times in times_ms.items() if times}
    if not points:
        return None
    names = short_names(points, _NAME)
    left = max(LEFT, 10 + LETTER * max(map(len, names.values())))
    x = logarithmic((value for each in points.values() for value in each), start=left, end=RIGHT)
    boxes: list[Box] = []
    rows: list[tuple[str, ...]] = []
    for n, (mode, (p5, p25, p50, p75, p95)) in enumerate(points.items()):
        boxes.append(
            Box(
                mode=mode,
                name=names[mode],
                y=TOP + ROW * (n + 0.5),
                whisker=(x(p5), x(p95)),
                box=(x(p25), x(p75)),
                median=x(p50),
                title=f"{mode_name(mode)}: median {milliseconds(p50)}, 95 % within {milliseconds(p95)}",
            )
        )
        figures = (milliseconds(value) for value in (p5, p25, p50, p75, p95))
        rows.append((mode_name(mode), f"{len(times_ms[mode]):,}", *figures))
    bottom = TOP + ROW * len(boxes)
    return Distribution(
        frame=Frame(width=WIDTH, height=bottom + BELOW, left=left, right=RIGHT, top=TOP, bottom=bottom),
        x_ticks=_apart([Tick(at=tick.at, label=_time(tick.label)) for tick in x.ticks()]),
        boxes=tuple(boxes),
        head=("mode", "steps", "5 %", "25 %", "median", "75 %", "95 %"),
        rows=tuple(rows),
    )


def _points(times: Iterable[float]) -> tuple[float, float, float, float, float]:
    known = sorted(times)
    if len(known) == 1:
        return (known[0],) * 5
    cuts = quantiles(known, n=100, method="inclusive")
    p5, p25, p50, p75, p95 = (cuts[percent - 1] for percent in _PERCENTS)
    return p5, p25, p50, p75, p95


def _apart(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """Every tick, or every second or third, so that no label touches the next one."""
    gap = (ticks[-1].at - ticks[0].at) / (len(ticks) - 1)
    widest = LETTER * (1 + max(len(tick.label) for tick in ticks))
    return tuple(ticks[:: math.ceil(widest / gap)])


def _time(label: str) -> str:
    value = float(label.replace(",", ""))
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"
