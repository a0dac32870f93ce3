"""The event loop of a recording over real sockets: its clock counts only the time in which the process waits.

Computing takes no time, as in virtual time. So a replay, which computes but does not wait, gives exactly the recorded
times. A timer that fires late counts as on time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

from pytest_swarm.units import on_tick


class WaitTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is the wait time since it was created, in whole ticks.

    Args:
        stopwatch: The wall clock in seconds.
    """

    def __init__(self, stopwatch: Callable[[], float] = time.perf_counter) -> None:
        self._clock = _TimedSelector(stopwatch)
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the seconds of wait time since the loop was created."""
        return self._clock.now_s


class _TimedSelector(selectors.DefaultSelector):
    """Adds up the time in which it waits for events; polling does not count."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        super().__init__()
        self.now_s = 0.0
        self._stopwatch = stopwatch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the events after at most `timeout` seconds."""
        if timeout is not None and timeout <= 0:
            return super().select(0)
        start_s = self._stopwatch()
        events = super().select(timeout)
        waited_s = self._stopwatch() - start_s
        if timeout is not None:
            waited_s = min(waited_s, timeout) if events else timeout
        self.now_s = on_tick(self.now_s + waited_s)
        return events


def new_wait_time_loop() -> WaitTimeLoop:
    """Return a new loop; a loop factory for `asyncio.Runner`."""
    return WaitTimeLoop()
