"""Calls that compute at the same time: each runs as much slower as was measured for their number.

The work of a call is its time alone. Its speed changes whenever another call of the model begins or ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_DONE_S: Final = 1e-9  # work that is left by rounding


def slowdown(factors: Mapping[int, float], count: int) -> float:
    """Return how many times longer each of `count` calls takes than one alone.

    Measured counts are joined by straight lines; beyond the largest the calls share the speed that it has left.

    Args:
        factors: Count -> measured factor, at least 1.
        count: Calls that run at the same time.
    """
    known = {1: 1.0, **factors}
    if count in known:
        return known[count]
    last = max(known)
    if count > last:
        return known[last] * count / last
    low, high = max(each for each in known if each < count), min(each for each in known if each > count)
    return known[low] + (known[high] - known[low]) * (count - low) / (high - low)


class SharedWork:
    """The work of one call, in seconds that it takes alone. It goes on from the beginning to the end of the call."""

    def __init__(self, factors: Mapping[int, float]) -> None:
        self._loop = asyncio.get_running_loop()
        self._factors = factors
        self._changed = asyncio.Event()
        self._started_s = self._since_s = self._loop.time()
        self._done_s, self._factor = 0.0, 1.0

    @property
    def took_s(self) -> float:
        """Seconds since the call began."""
        return self._loop.time() - self._started_s

    @property
    def done_s(self) -> float:
        """The work that is done."""
        return self._done_s + (self._loop.time() - self._since_s) / self._factor

    async def until(self, work_s: float) -> None:
        """Return when so much of the work is done, counted from the beginning of the call."""
        while (left_s := work_s - self.done_s) > _DONE_S:
            self._changed.clear()
            try:
                async with asyncio.timeout(left_s * self._factor):
                    await self._changed.wait()
            except TimeoutError:
                return

    def share(self, count: int) -> None:
        """Go on at the speed of one of `count` calls."""
        self._done_s, self._since_s = self.done_s, self._loop.time()
        self._factor = slowdown(self._factors, count)
        self._changed.set()


class DecodeSharing:
    """The calls that compute now, by model."""

    def __init__(self) -> None:
        self._running: defaultdict[str, set[SharedWork]] = defaultdict(set)

    @contextmanager
    def work(self, blob: str, factors: Mapping[int, float]) -> Iterator[SharedWork]:
        """Return the work of a call that computes while the context lasts.

        Args:
            blob: The model, or whatever else its calls share.
            factors: Count -> measured factor.
        """
        own, running = SharedWork(factors), self._running[blob]
        running.add(own)
        self._tell(running)
        try:
            yield own
        finally:
            running.remove(own)
            self._tell(running)

    @staticmethod
    def _tell(running: Collection[SharedWork]) -> None:
        for work in running:
            work.share(len(running))
