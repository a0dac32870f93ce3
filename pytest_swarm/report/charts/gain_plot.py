"""Gains of all policies over the present one, each with its interval, and the honest gain of the chosen one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.report.charts.scale import Frame, Scale, Tick, fitted
from pytest_swarm.report.decision_text import gain_text, interval_text, policy_name
from pytest_swarm.report.wording import short_texts
from pytest_swarm.units import MOST_RELATIVE

_ROW: Final = 34  # pixels of a row: the name above its line, so that a phone shows both
_LINE: Final = 24  # pixels from the top of a row to its line
_WIDTH: Final = 360  # pixels; a phone scales it down by a tenth
_NAME: Final = 48  # characters of a policy's name that fit in a row
_POINTS: Final = 100  # points of a score, and percent of a share


@dataclass(frozen=True, slots=True, kw_only=True)
class GainMark:
    """One policy: pixels of its mean gain and of the ends of its interval."""

    mode: str
    name: str
    y: float
    middle: float
    low: float
    high: float
    best: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GainPlot:
    """The drawing; `honest` is the pixel of the honest gain over `over`, on the row `honest_y`."""

    frame: Frame
    ticks: tuple[Tick, ...]
    zero: float
    marks: tuple[GainMark, ...]
    honest: float
    honest_y: float
    label: str
    over: str


def gain_plot(decision: PolicyDecision) -> GainPlot | None:
    """Return the drawing of a decision; None where there was nothing to choose."""
    choice = decision.choice
    if choice.best is None or choice.cross_fitted is None or not choice.estimates:
        return None
    bottom = 8.0 + _ROW * len(choice.estimates)
    frame = Frame(width=_WIDTH, height=bottom + 40, left=14, right=_WIDTH - 14, top=4, bottom=bottom)
    by = decision.question.by
    factor = 1 if by.name == "utility" else _POINTS
    bounds = [each.gain.bounds or (each.gain.mean, each.gain.mean) for each in choice.estimates]
    if by.relative:  # the drawing ends where words do
        bounds = [(max(low, -MOST_RELATIVE), high) for low, high in bounds]
    ends = [factor * value for each in bounds for value in each]
    names = short_texts((policy_name(decision, each) for each in decision.policies), _NAME)
    x = fitted([0.0, factor * choice.cross_fitted, *ends], start=frame.left, end=frame.right)
    marks = tuple(
        GainMark(
            mode=decision.policies[each.policy].mode,
            name=names[policy_name(decision, decision.policies[each.policy])],
            y=frame.top + _ROW * n + _LINE,
            middle=x(factor * each.gain.mean),
            low=x(factor * low),
            high=x(factor * high),
            best=each.policy == choice.best,
            title=f"{policy_name(decision, decision.policies[each.policy])} gains "
            f"{gain_text(decision, each.gain.mean)}, {interval_text(decision, each)}",
        )
        for n, (each, (low, high)) in enumerate(zip(choice.estimates, bounds, strict=True))
    )
    unit = {"score": "points of score", "utility": "utility"}.get(by.name, f"% of the {by.saved} saved")
    return GainPlot(
        frame=frame,
        ticks=_signed(x),
        zero=x(0.0),
        marks=marks,
        honest=x(factor * choice.cross_fitted),
        honest_y=next(mark.y for mark in marks if mark.best),
        label=f"gain per job, {unit}",
        over=policy_name(decision, decision.present),
    )


def _signed(x: Scale) -> tuple[Tick, ...]:
    return tuple(
        Tick(at=each.at, label=each.label if each.label.startswith("-") or each.label == "0" else f"+{each.label}")
        for each in x.ticks(5)
    )
