"""Calls that compute at the same time: each runs as much slower as was measured for their number.

The work of a call is its decode time alone. Its speed changes whenever another call of the model begins or ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
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


class DecodeSharing:
    """The calls that decode now, by model."""

    def __init__(self) -> None:
        self._changed: defaultdict[str, dict[object, asyncio.Event]] = defaultdict(dict)

    async def decode(self, blob: str, work_s: float, factors: Mapping[int, float]) -> float:
        """Return after the time that a reply takes beside the other calls of its model; return that time in seconds.

        Args:
            blob: The model, or whatever else its calls share.
            work_s: Seconds that the work takes alone.
            factors: Count -> measured factor.
        """
        loop, me, changed = asyncio.get_running_loop(), object(), asyncio.Event()
        running = self._changed[blob]
        running[me] = changed
        self._tell(running)
        started_s, left_s = loop.time(), work_s
        try:
            while left_s > _DONE_S:
                changed.clear()
                factor, since_s = slowdown(factors, len(running)), loop.time()
                try:
                    async with asyncio.timeout(left_s * factor):
                        await changed.wait()
                except TimeoutError:
                    break
                left_s -= (loop.time() - since_s) / factor
        finally:
            del running[me]
            self._tell(running)
        return loop.time() - started_s

    @staticmethod
    def _tell(running: Mapping[object, asyncio.Event]) -> None:
        for event in running.values():
            event.set()
