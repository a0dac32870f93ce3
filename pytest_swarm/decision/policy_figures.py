"""The figures that a choice is made from: one per policy and job, and which jobs chance moves together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_swarm.statistics.families import Families

LEVEL: Final = 0.025
"""Chance with which each end of an interval may be wrong: 95 % intervals."""
Rows: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFigures:
    """One row per policy, one column per job; the first row is the present policy.

    `relative` figures (seconds, cost) are better when smaller, and a gain is the share of them that is saved, in the
    geometric mean over jobs; of others a gain is a difference. `scores` are those that must not be lost where the
    figures are not scores themselves. `allowed_loss` is what may be lost without regret: of the figures' own unit (a
    share where relative), and of score. `step` is the smallest loss that a job can show. `noise` is the variance of a
    job's gain that comes from its `repeats`, one value per policy. `families` has a key for each job, and jobs of one
    key are one unit of chance; without keys each job is one.
    """

    values: Rows
    relative: bool = False
    scores: Rows | None = None
    allowed_loss: float = 0.0
    allowed_score_loss: float = 0.0
    step: float = 0.0
    score_step: float = 0.0
    level: float = LEVEL
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
