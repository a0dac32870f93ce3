"""The loop of a recording over real sockets: its time passes only while this process waits.

What this process computes costs no time, as in virtual time, so that a replay, which computes as well but waits for
nobody, can give exactly the recorded times. A timer that the system fires late counts as on time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

from pytest_swarm.units import on_tick


class WaitTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is the seconds spent waiting since it was made, in whole ticks."""

    def __init__(self, stopwatch: Callable[[], float] = time.perf_counter) -> None:
        self._clock = _WaitingSelector(stopwatch)
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds of waiting since the loop was made."""
        return self._clock.now_s


class _WaitingSelector(selectors.DefaultSelector):
    """Adds up the time that it waits; looking whether something has happened is no waiting."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        super().__init__()
        self.now_s = 0.0
        self._stopwatch = stopwatch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What has happened, after at most `timeout` seconds."""
        if timeout is not None and timeout <= 0:
            return super().select(0)
        began_s = self._stopwatch()
        events = super().select(timeout)
        waited_s = self._stopwatch() - began_s
        if timeout is not None:
            waited_s = min(waited_s, timeout) if events else timeout
        self.now_s = on_tick(self.now_s + waited_s)
        return events


def new_wait_time_loop() -> WaitTimeLoop:
    """A loop factory for `asyncio.Runner`."""
    return WaitTimeLoop()
