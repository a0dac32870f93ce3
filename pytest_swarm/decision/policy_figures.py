"""The figures that a choice is made from: one per policy and job, and which jobs chance moves together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from pytest_swarm.statistics.families import Families

_ROUNDING: Final = 1e-12  # of a figure that is a sum over tasks and a mean over repeats
LEVEL: Final = 0.025
"""Chance with which each end of an interval may be wrong: 95 % intervals."""
LARGEST_SCORE_GAIN: Final = 1.0  # scores lie in [0, 1]
Rows: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFigures:
    """One row per policy, one column per job; the first row is the present policy.

    `relative` figures (seconds, cost) are better when smaller, and a gain is the share of them that is saved, in the
    geometric mean over jobs; of others a gain is a difference. `scores` are those that must not be lost where the
    figures are not scores themselves. `allowed_loss` is what may be lost without regret: of the figures' own unit (a
    share where relative), and of score. `step` is the smallest loss that a job can show, `largest_gain` the largest
    gain or loss. `noise` is the variance of a job's gain that comes from its `repeats`, one value per policy.
    `families` has a key for each job, and jobs of one key are one unit of chance; without keys each job is one.
    """

    values: Rows
    relative: bool = False
    scores: Rows | None = None
    allowed_loss: float = 0.0
    allowed_score_loss: float = 0.0
    step: float = 0.0
    score_step: float = 0.0
    level: float = LEVEL
    largest_gain: float = math.inf
    noise: tuple[float, ...] = ()
    repeats: int = 1
    families: tuple[Hashable, ...] = ()

    @property
    def jobs(self) -> int:
        """Return the number of jobs."""
        return len(self.values[0]) if self.values else 0

    @property
    def units(self) -> Families:
        """Return the family of each job; without keys each job is a family of its own."""
        return Families.of(self.families or range(self.jobs))


def gains_of(present: Sequence[float], policy: Sequence[float], *, relative: bool) -> tuple[float, ...]:
    """Return the gain in each job: the difference, or for seconds and cost the logarithm of the ratio.

    Figures that differ by the rounding of sums are equal: a gain of 1e-16 has no spread, so no interval would hold.

    Args:
        present: The figures of the present policy.
        policy: Those of another one, of the same jobs.
        relative: Whether smaller figures are better, by their share.
    """
    equal = partial(math.isclose, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    pairs = zip(present, policy, strict=True)
    return tuple(0.0 if equal(was, now) else math.log(was / now) if relative else now - was for was, now in pairs)
