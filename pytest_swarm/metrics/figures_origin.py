"""Where the figures of runs come from: a real server, a prediction, a recording or the simulator.

A run on measured answers predicts its times; the cases that were run for real as well say how far it is off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev
from typing import Final

from pytest_swarm.domain.measured_run import VerifiedCase
from pytest_swarm.domain.record import MEASURED_BACKEND, REPLAYED_BACKEND, Run, RunInfo
from pytest_swarm.statistics.intervals import CONFIDENCE, t_quantile
from pytest_swarm.units import plural, signed_percent

_MAKESPAN: Final = "makespan_s"
VERIFIED_FIGURES: Final = ("score", _MAKESPAN, "load_s", "total_latency_s", "measured_peak_vram_gb")
FAR_OFF: Final = 0.2
"""A figure whose prediction is off by more than this share is grey, and the report says so."""


class FiguresOrigin(StrEnum):
    """Where figures come from, the surest first."""

    MEASURED = "measured"  # by a real server in this run
    REPLAYED = "replayed"  # from a recording of a real server
    PREDICTED = "predicted"  # answers are measured; times, loads and residency are predicted
    SIMULATED = "simulated"  # no model was run


def figures_origin(info: RunInfo) -> FiguresOrigin:
    """Return where the figures of a run come from."""
    if info.simulated:
        return FiguresOrigin.SIMULATED
    backends = {MEASURED_BACKEND: FiguresOrigin.PREDICTED, REPLAYED_BACKEND: FiguresOrigin.REPLAYED}
    return backends.get(info.backend, FiguresOrigin.MEASURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFigure:
    """A figure over the verified cases.

    Attributes:
        metric: The name of its metric.
        cases: Cases of which both values are known.
        predicted: Sum of the predicted values.
        real: Sum of the real values.
        off: (predicted - real) / real of the sums; None where the real sum is 0.
        low: Lower end of the 95 % interval of the mean relative error of a case; None for fewer than two cases.
        high: Its upper end.
    """

    metric: str
    cases: int
    predicted: float
    real: float
    off: float | None
    low: float | None
    high: float | None

    @property
    def far_off(self) -> bool:
        """Whether the prediction is off by more than FAR_OFF."""
        return self.off is not None and abs(self.off) > FAR_OFF


def verified_figures(cases: Sequence[VerifiedCase]) -> tuple[VerifiedFigure, ...]:
    """Return how well the verified cases were predicted, by figure; those that were not measured are left out."""
    return tuple(figure for name in VERIFIED_FIGURES if (figure := _figure(name, cases)) is not None)


def _figure(name: str, cases: Sequence[VerifiedCase]) -> VerifiedFigure | None:
    """Return one figure over the cases of which both values are known; None where there are none.

    The interval is that of the mean of (predicted - real) / real, by Student's t over cases with a real value above 0.
    """
    pairs = [case.figures[name] for case in cases if name in case.figures]
    known = [(each.predicted, each.real) for each in pairs if each.predicted is not None and each.real is not None]
    if not known:
        return None
    predicted, real = sum(was for was, _ in known), sum(now for _, now in known)
    errors = [(was - now) / now for was, now in known if now > 0]
    low = high = None
    if len(errors) > 1:
        half = t_quantile(len(errors) - 1, CONFIDENCE) * stdev(errors) / math.sqrt(len(errors))
        low, high = fmean(errors) - half, fmean(errors) + half
    return VerifiedFigure(
        metric=name,
        cases=len(known),
        predicted=predicted,
        real=real,
        off=(predicted - real) / real if real > 0 else None,
        low=low,
        high=high,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresMark:
    """Where the figures of all runs come from, and how far predicted makespans of `verified` cases are off.

    `off` is (predicted - real) / real of their sums; None where it is not known.
    """

    origin: FiguresOrigin
    verified: int = 0
    off: float | None = None

    @property
    def of_times(self) -> str | None:
        """What stands beside predicted seconds and loads, such as `PREDICTED, not verified`; None beside others."""
        return f"PREDICTED, {self.check}" if self.origin is FiguresOrigin.PREDICTED else None

    @property
    def check(self) -> str:
        """How well predicted makespans were confirmed: `verified within 8 %`, `off by +35 %` or `not verified`."""
        if self.off is None:
            return "not verified"
        if abs(self.off) > FAR_OFF:
            return f"off by {signed_percent(self.off)}"
        return f"verified within {max(1, abs(round(100 * self.off)))} %"

    @property
    def sentence(self) -> str | None:
        """What is said beside all figures; None where a real server gave them."""
        match self.origin:
            case FiguresOrigin.MEASURED:
                return None
            case FiguresOrigin.REPLAYED:
                return "All figures are REPLAYED from a recording."
            case FiguresOrigin.SIMULATED:
                return "All figures are SIMULATED."
            case FiguresOrigin.PREDICTED:
                cases = f"{plural(self.verified, 'case')} run for real"
                checked = f"{cases}: makespan {self.check}" if self.verified else "no case was run for real"
                grey = ", so do not rely on them" if self.off is not None and abs(self.off) > FAR_OFF else ""
                return f"Answers are measured; times and loads are PREDICTED ({checked}){grey}."


def figures_mark(runs: Iterable[Run]) -> FiguresMark:
    """Return the mark of the least sure origin of several runs, with what all verified cases say."""
    runs = tuple(runs)
    order = tuple(FiguresOrigin)
    verified = tuple(case for run in runs for case in run.verified)
    makespan = next((each for each in verified_figures(verified) if each.metric == _MAKESPAN), None)
    return FiguresMark(
        origin=max((figures_origin(run.info) for run in runs), key=order.index),
        verified=len(verified),
        off=None if makespan is None else makespan.off,
    )
