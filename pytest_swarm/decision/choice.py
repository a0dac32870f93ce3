"""The choice among policies, from one figure per policy and job; what was run, and how it is worded, is not known here.

A policy is used only where the lower bound of its gain over the present one, which pays for having chosen it, is above
zero. The present one is kept only where no policy can gain more than is allowed to be lost. Otherwise nothing is known.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_swarm.decision.policy_figures import LARGEST_SCORE_GAIN, PolicyFigures, Rows, gains_of
from pytest_swarm.statistics.best_of_many import (
    GainTable,
    cross_fitted_gain,
    gain_bounds,
    shared_critical_value,
    units_to_prove,
)
from pytest_swarm.statistics.intervals import Interval
from pytest_swarm.statistics.sample_size import planned_spread

_LARGEST_LOGARITHM: Final = math.log(sys.float_info.max)
MIN_FAMILIES: Final = 8  # with fewer, not even a gain in each excludes chance once several policies were tried


class Ruling(StrEnum):
    """What the figures allow to say."""

    USE = "use"
    KEEP = "keep"
    UNUSABLE = "unusable"  # no usable policy is better, but the present one cannot be used itself
    UNKNOWN = "unknown"
    TOO_FEW = "too-few"


@dataclass(frozen=True, slots=True, kw_only=True)
class GainEstimate:
    """The gain of one policy over the present one; the lower end of its interval pays for the choice among all.

    `score` is its gain in score where something else decides; None where score does.
    """

    policy: int
    gain: Interval
    score: Interval | None = None

    @property
    def most(self) -> float:
        """The most that it may gain: the upper end, which is finite."""
        assert self.gain.high is not None
        return self.gain.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What would settle an open choice: families in all, repeats beyond those there are; None where it would not.

    A family is a job of its own where none was declared.
    """

    families: int | None
    repeats: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """The ruling. `best` is the row of the policy to use, or of the one that looks best. `jobs` are in `families`.

    `cross_fitted` is what choosing gains on jobs that had no part in it, `honest` the same held within the interval
    of `best`, and `naive` what `best` gains on the jobs that chose it. `shares` say how often the parts of the jobs
    chose each policy. `margin` is the gain that does not matter, `losing` the rows that surely lose more score than is
    allowed.
    """

    ruling: Ruling
    jobs: int
    families: int
    best: int | None = None
    honest: float | None = None
    cross_fitted: float | None = None
    naive: float | None = None
    estimates: tuple[GainEstimate, ...] = ()
    shares: tuple[float, ...] = ()
    most_open: int | None = None
    margin: float = 0.0
    losing: tuple[int, ...] = ()
    to_find: Shortfall | None = None
    to_keep: Shortfall | None = None

    def estimate(self, policy: int) -> GainEstimate | None:
        """Return the gain of a policy; None for the present one, and where nothing was decided."""
        return next((each for each in self.estimates if each.policy == policy), None)


def choose_policy(figures: PolicyFigures, *, every: bool = True) -> PolicyChoice:
    """Return which policy to use instead of the first one, to keep that, or that neither is known.

    Args:
        figures: What was measured of the policies.
        every: Whether the gain of each policy is estimated, or only that of the best.
    """
    jobs, families = figures.jobs, figures.units.count
    if families < MIN_FAMILIES:
        return PolicyChoice(ruling=Ruling.TOO_FEW, jobs=jobs, families=families)
    if len(figures.values) == 1:
        return PolicyChoice(ruling=Ruling.KEEP, jobs=jobs, families=families)
    return _Choosing(figures).choice(every=every)


def gain_of(logarithm: float, *, relative: bool) -> float:
    """Return a gain as it is told: for relative figures the share that is saved, 1 - exp(-g), g = log(now / policy).

    A loss beyond what a float can hold is infinite.
    """
    if not relative:
        return logarithm
    return -math.inf if logarithm < -_LARGEST_LOGARITHM else -math.expm1(-logarithm)


class _Choosing:
    """The gains of all policies but the first, on the scale on which they are compared."""

    def __init__(self, figures: PolicyFigures) -> None:
        self.figures = figures
        self.families = figures.units
        self.table = self._table(figures.values, step=figures.step, relative=figures.relative)
        self.critical = shared_critical_value(self.table)
        self.guard = self._guard()
        self.guard_critical = shared_critical_value(self.guard) if self.guard else 0.0
        self._bounds: dict[int, tuple[float, float]] = {}
        self._score_bounds: dict[int, tuple[float, float]] = {}
        allowed = figures.allowed_loss
        self.margin = -math.log1p(-min(allowed, 0.999)) if figures.relative else allowed

    def _guard(self) -> GainTable | None:
        figures = self.figures
        if figures.scores is None:
            return None
        return self._table(figures.scores, step=figures.score_step, relative=False)

    def _table(self, values: Rows, *, step: float, relative: bool) -> GainTable:
        gains = (gains_of(values[0], row, relative=relative) for row in values[1:])
        return GainTable.of_jobs(gains, self.families, step=step, level=self.figures.level)

    def bounds(self, n: int) -> tuple[float, float]:
        """Return the bounds of a policy's gain."""
        if n not in self._bounds:
            low, high = gain_bounds(self.table, n, self.critical)
            most = self.figures.largest_gain
            self._bounds[n] = max(-most, low), min(most, high)
        return self._bounds[n]

    def score_bounds(self, n: int) -> tuple[float, float]:
        """Return the bounds of a policy's gain in score; 0 where the figures are scores themselves."""
        if self.guard is None:
            return 0.0, 0.0
        if n not in self._score_bounds:
            low, high = gain_bounds(self.guard, n, self.guard_critical)
            self._score_bounds[n] = max(-LARGEST_SCORE_GAIN, low), min(LARGEST_SCORE_GAIN, high)
        return self._score_bounds[n]

    def choice(self, *, every: bool) -> PolicyChoice:
        """Return the ruling; policies are looked at from the best mean on."""
        means = self.table.means
        order = sorted(range(len(means)), key=lambda n: -means[n])
        proven = next((n for n in order if means[n] > 0 and self.bounds(n)[0] > 0 and self._keeps_score(n)), None)
        best = proven if proven is not None else self._looks_best(order)
        open_rows = order if proven is None else []
        blocking = [n for n in open_rows if not self._loses_score(n) and self.bounds(n)[1] > self.margin]
        ruling = Ruling.USE if proven is not None else Ruling.UNKNOWN if blocking else Ruling.KEEP
        fit = cross_fitted_gain(self.table, self.guard, allowed=self.figures.allowed_score_loss)
        low, high = self.bounds(best)
        honest = min(max(fit.gain, low), high, max(means[best], low))
        return PolicyChoice(
            ruling=ruling,
            jobs=self.figures.jobs,
            families=self.table.units,
            best=best + 1,
            honest=self._told(honest),
            cross_fitted=self._told(fit.gain),
            naive=self._told(means[best]),
            estimates=tuple(self._estimate(n) for n in (range(len(means)) if every else (best,))),
            shares=(1 - math.fsum(fit.shares), *fit.shares),
            margin=self._told(self.margin),
            losing=tuple(n + 1 for n in order if self._loses_score(n)),
            most_open=None if ruling is Ruling.USE else self._most_open(order),
            to_find=self._to_find(best, honest) if ruling is Ruling.UNKNOWN else None,
            to_keep=self._to_keep(best, blocking) if ruling is Ruling.UNKNOWN else None,
        )

    def _most_open(self, order: Sequence[int]) -> int:
        kept = [n for n in order if not self._loses_score(n)]
        return 1 + max(kept or order, key=lambda n: self.bounds(n)[1])

    def _looks_best(self, order: Sequence[int]) -> int:
        """Return the first policy that seems to keep the score, else one that may keep it, else the first."""
        kept = [n for n in order if self.guard is None or self.guard.means[n] >= -self.figures.allowed_score_loss]
        return next(iter(kept or [n for n in order if not self._loses_score(n)] or order))

    def _keeps_score(self, n: int) -> bool:
        return self.guard is None or self.score_bounds(n)[0] >= -self.figures.allowed_score_loss

    def _loses_score(self, n: int) -> bool:
        return self.guard is not None and self.score_bounds(n)[1] < -self.figures.allowed_score_loss

    def _told(self, gain: float) -> float:
        return gain_of(gain, relative=self.figures.relative)

    def _estimate(self, n: int) -> GainEstimate:
        low, high = self.bounds(n)
        gain = self._interval(self._told(self.table.means[n]), self._told(low), self._told(high))
        score = self._interval(self.guard.means[n], *self.score_bounds(n)) if self.guard else None
        return GainEstimate(policy=n + 1, gain=gain, score=score)

    def _interval(self, mean: float, *bounds: float) -> Interval:
        low, high = (each if math.isfinite(each) else None for each in bounds)
        return Interval(mean=mean, low=low, high=high, samples=self.figures.jobs, clusters=self.table.units)

    def _to_find(self, n: int, honest: float) -> Shortfall:
        """What would prove a gain as large as the honest one, and that the score is kept.

        Where the honest gain does not matter, it is what would prove the gain that is seen.
        """
        size = honest if honest > self.margin else self.table.means[n]
        if size <= self.margin:
            return Shortfall(families=None, repeats=None)
        units = units_to_prove(self.table, n, distance=size, critical=self.critical)
        if self.guard is None or units is None or self._keeps_score(n):
            return self._shortfall(n, units)
        distance = self.guard.means[n] + self.figures.allowed_score_loss
        other = units_to_prove(self.guard, n, distance=distance, critical=self.guard_critical)
        return Shortfall(families=None if other is None else max(units, other), repeats=None)

    def _to_see_loss(self, n: int) -> Shortfall:
        """What would prove that a policy loses more score than is allowed, if it loses as much as was seen."""
        assert self.guard is not None
        distance = -self.guard.means[n] - self.figures.allowed_score_loss
        return Shortfall(
            families=units_to_prove(self.guard, n, distance=distance, critical=self.table.student), repeats=None
        )

    def _to_keep(self, best: int, blocking: Sequence[int]) -> Shortfall:
        """What would prove that no policy gains more than is allowed, if the gains are as seen, or none."""
        if self.guard is not None and self.bounds(best)[0] > 0:
            return self._to_see_loss(best)
        needed = [(self._units_to_keep(n) or math.inf, n) for n in blocking]
        units, slowest = max(needed)
        return self._shortfall(slowest, None if math.isinf(units) else int(units))

    def _units_to_keep(self, n: int) -> int | None:
        distance = self.margin - min(0.0, self.table.means[n])
        return units_to_prove(self.table, n, distance=distance, critical=self.table.student)

    def _shortfall(self, n: int, units: int | None) -> Shortfall:
        """Families, and the repeats of the present jobs that narrow the interval as much, where repeats can.

        With b the variance between families and w that of repeats, N of them give (b + w/R)/N, and n of R' repeats
        (b + w/R')/n. The repeats of a job are drawn apart from those of the others of its family, so the value of a
        family has G / N of a job's noise.
        """
        if units is None or not self.figures.noise:
            return Shortfall(families=units, repeats=None)
        whole = planned_spread(self.table.spread_values(n)) ** 2
        noise = min(self.figures.noise[n + 1] * self.table.units / self.figures.jobs, whole)
        target = whole * self.table.units / units - (whole - noise)
        if target <= 0 or noise <= 0:
            return Shortfall(families=units, repeats=None)
        return Shortfall(families=units, repeats=max(1, math.ceil(self.figures.repeats * (noise / target - 1))))
