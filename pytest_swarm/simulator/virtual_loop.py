"""A virtual-time asyncio loop: time jumps to the next timer whenever nothing is ready.

Deterministic, because callbacks run in the order in which they were scheduled and no real time passes. Work in an
executor and real sockets are waited for in real time: while a thread works, virtual time stands still.

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        runner.run(main())
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from pytest_swarm.units import on_tick

VIRTUAL_EPOCH_S: Final = 1_767_225_600.0  # 2026-01-01T00:00:00Z: the wall-clock time at which every virtual loop starts

_T = TypeVar("_T")
_Events = list[tuple[selectors.SelectorKey, int]]


class DeadlockError(RuntimeError):
    """Every task waits, and no timer, thread or socket is left that could wake one: a program error, not a user's."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and moves only when nothing is ready, straight to the next timer.

    With `ticks` it moves in whole ticks, in which times add up exactly: recordings and their replays need that.
    """

    def __init__(self, *, ticks: bool = False) -> None:
        self._clock = _VirtualSelector(ticks=ticks)
        super().__init__(self._clock)
        self._clock.own_sockets = len(self._clock.get_map())

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._clock.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., _T], *args: Any) -> asyncio.Future[_T]:  # type: ignore[override]
        """As usual; until the thread is done, virtual time stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.working_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """As usual; threads are joined by another thread, which has to be waited for in real time as well."""
        self._clock.working_threads += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._clock.working_threads -= 1

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._clock.working_threads -= 1


class _VirtualSelector(selectors.DefaultSelector):
    """Asks for events without waiting; where a selector would wait for the next timer, it moves the clock instead."""

    def __init__(self, *, ticks: bool) -> None:
        super().__init__()
        self.now_s = 0.0
        self._ticks = ticks
        self.working_threads = 0
        self.own_sockets = 0

    def select(self, timeout: float | None = None) -> _Events:
        """Events that are there; without any, `timeout` (seconds to the next timer, None: no timer) is jumped over."""
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.working_threads:
            return super().select(None)
        if len(self.get_map()) > self.own_sockets:  # somebody talks to the real world: wait as an ordinary loop would
            events = super().select(timeout)
            if events:
                return events
        if timeout is None:
            raise DeadlockError(
                "virtual time cannot go on: every task waits, and no timer, thread or socket is left to wake one"
            )
        self.now_s = on_tick(self.now_s + timeout) if self._ticks else self.now_s + timeout
        return []


def new_virtual_loop() -> VirtualTimeLoop:
    """A loop factory for `asyncio.Runner`."""
    return VirtualTimeLoop()


def new_ticking_loop() -> VirtualTimeLoop:
    """The same, in whole ticks."""
    return VirtualTimeLoop(ticks=True)


def wall_time_s(loop: asyncio.AbstractEventLoop) -> float:
    """Seconds since 1970: the machine's clock, or in virtual time the same figure in every run."""
    if isinstance(loop, VirtualTimeLoop):
        return VIRTUAL_EPOCH_S + loop.time()
    return time.time()
