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

    def settled(self, real_s: float) -> asyncio.Future[None]:
        """Return a future that is done after so many seconds, which do not count: a replay does not wait for them."""
        future = self.create_future()
        self._clock.settle(real_s, future)
        return future

    def time(self) -> float:
        """Return the seconds of wait time since the loop was created."""
        return self._clock.now_s


class _TimedSelector(selectors.DefaultSelector):
    """Adds up the time in which it waits for events; polling does not count."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        super().__init__()
        self.now_s = 0.0
        self._stopwatch = stopwatch
        self._settling: list[tuple[float, asyncio.Future[None]]] = []  # until when, by the stopwatch

    def settle(self, real_s: float, future: asyncio.Future[None]) -> None:
        """Stop the clock for so many seconds, then end the future."""
        self._settling.append((self._stopwatch() + real_s, future))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the events after at most `timeout` seconds."""
        if timeout is not None and timeout <= 0:
            return super().select(0)
        start_s = self._stopwatch()
        if self._settling:
            return self._select_at_this_moment(start_s)
        events = super().select(timeout)
        waited_s = self._stopwatch() - start_s
        if timeout is not None:
            waited_s = min(waited_s, timeout) if events else timeout
        self.now_s = on_tick(self.now_s + waited_s)
        return events

    def _select_at_this_moment(self, now_s: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the events until the clock may go on; they happen at the moment at which it stands."""
        until_s = min(end_s for end_s, _ in self._settling)
        events = super().select(max(0.0, until_s - now_s))
        over = [(end_s, future) for end_s, future in self._settling if end_s <= self._stopwatch() or future.done()]
        self._settling = [each for each in self._settling if each not in over]
        for _, future in over:
            if not future.done():
                future.set_result(None)
        return events


def new_wait_time_loop() -> WaitTimeLoop:
    """Return a new loop; a loop factory for `asyncio.Runner`."""
    return WaitTimeLoop()
