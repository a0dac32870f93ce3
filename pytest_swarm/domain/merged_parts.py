"""Which parts a merged run holds: what `run_end` of a run that `merge` wrote says, and the sentences made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_PARTS: Final = 999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedParts:
    """The parts of a merged run whose parts have numbers (`--swarm-shard`).

    `absent` are the numbers of those that it does not hold; `whole` says whether those that it holds lack nothing.
    """

    count: int
    absent: tuple[int, ...]
    whole: bool

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_PARTS or not {*self.absent} <= {*range(1, self.count + 1)}:
            raise ValueError(f"the parts that are absent are not among 1 to {self.count}, of at most {MOST_PARTS}")

    @property
    def numbers(self) -> set[tuple[int, int]]:
        """The number of each part that is there, and how many there are."""
        return {(number, self.count) for number in {*range(1, self.count + 1)}.difference(self.absent)}

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each part that is not there."""
        return tuple(f"part {number} of {self.count} is not among the runs" for number in self.absent)
