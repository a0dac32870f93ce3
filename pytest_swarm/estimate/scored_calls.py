"""Scored answers to tasks, from which estimates are made, and their sums per model and task type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.estimate.estimate_formulas import DIFFICULTY_PENALTY


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCall:
    """One scored answer: the job and graph digest it belongs to, the task, the model, and the score in [0, 1]."""

    job: str
    graph: str
    task: str
    type: str
    difficulty: float
    prompt: str
    model: str
    score: float

    @property
    def capability(self) -> float:
        """The quality at difficulty 1 that the score stands for: score + 0.06 (difficulty - 1)."""
        return self.score + DIFFICULTY_PENALTY * (self.difficulty - 1.0)


class CellKey(NamedTuple):
    """A model, by its full tag, and a task type."""

    model: str
    type: str


@dataclass(frozen=True, slots=True)
class CellSums:
    """Number, sum and sum of squares of the capabilities that were observed in a cell."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, other: CellSums) -> CellSums:
        """Return the sums of both cells together."""
        return CellSums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def minus(self, other: CellSums) -> CellSums:
        """Return what is left of the sums without a part of the cell."""
        left = CellSums(self.count - other.count, self.total - other.total, self.squares - other.squares)
        return left if left.count else CellSums()

    @property
    def mean(self) -> float:
        """The mean of the cell; ZeroDivisionError for an empty one."""
        return self.total / self.count

    @property
    def scatter(self) -> float:
        """The sum of squared deviations from the mean."""
        return max(0.0, self.squares - self.total * self.mean) if self.count else 0.0


def cell_sums(calls: Iterable[ScoredCall]) -> Mapping[CellKey, CellSums]:
    """Return the sums of every model and type that has a call, by model and type; the order of the calls is no matter.

    So the runs of shards, merged, have the very sums of one whole run.
    """
    values: dict[CellKey, list[float]] = {}
    for call in calls:
        values.setdefault(CellKey(full_tag(call.model), str(call.type)), []).append(call.capability)
    return {
        key: CellSums(len(own), math.fsum(own), math.fsum(value * value for value in own))
        for key, own in sorted(values.items())
    }
