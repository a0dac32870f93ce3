"""Random numbers that are the same on every Python: SHA-256 over a key and a counter, and nothing of `random`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pytest_swarm.domain.seeding import stable_int

T = TypeVar("T")


class RandomStream:
    """A stream of random numbers for one key; equal keys give equal streams."""

    def __init__(self, *key: str | int) -> None:
        self._key = key
        self._drawn = 0

    def substream(self, *more: str | int) -> RandomStream:
        """Return the stream of the key extended by `more`, independent of what was drawn from this one."""
        return RandomStream(*self._key, *more)

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to `bound` - 1."""
        self._drawn += 1
        return stable_int(*self._key, "draw", self._drawn) % bound

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return all items in random order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in items]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return up to `count` different items in random order."""
        return self.shuffled(items)[:count]
