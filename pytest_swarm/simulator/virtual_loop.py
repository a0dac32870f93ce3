"""A virtual-time asyncio loop: time jumps to the next timer whenever nothing is ready.

Deterministic: callbacks run in the order in which they were scheduled, and no real time passes. Threads of an executor
and real sockets are waited for in real time, during which virtual time does not advance.

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        runner.run(main())
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from pytest_swarm.units import on_tick

VIRTUAL_EPOCH_S: Final = 1_767_225_600.0  # 2026-01-01T00:00:00Z: the wall-clock time at which every virtual loop starts

SAME_MOMENT_S: Final = 1e-6  # timers this close are one moment; sums of floats differ by less

_T = TypeVar("_T")
_Events = list[tuple[selectors.SelectorKey, int]]


class DeadlockError(RuntimeError):
    """Every task waits, and no timer, thread or socket is left that could wake one. A bug, not an error of the user."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and advances only when nothing is ready, to the next timer.

    Args:
        ticks: Advance in whole ticks, in which times add up exactly; recordings and replays need that.
    """

    def __init__(self, *, ticks: bool = False) -> None:
        self._clock = _VirtualSelector(ticks=ticks)
        super().__init__(self._clock)
        self._clock.own_sockets = len(self._clock.get_map())

    def stop_instead_of_advancing(self, held: Callable[[], bool]) -> None:
        """Stop the loop where time would advance while `held()` is true; `run_forever` then goes on at that time."""

        def stopped() -> bool:
            if held():
                self.stop()
                return True
            return False

        self._clock.stopped = stopped

    def settled(self, real_s: float) -> asyncio.Future[None]:  # noqa: ARG002 - nothing real happens here
        """Return a future that is done when nothing is left to run at this moment, before time advances further."""
        future = self.create_future()
        self._clock.settling.append(future)
        return future

    def time(self) -> float:
        """Return the virtual seconds since the loop was created."""
        return self._clock.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., _T], *args: Any) -> asyncio.Future[_T]:  # type: ignore[override]
        """Run as usual; virtual time does not advance until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.working_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Shut down as usual; the thread that joins the others is waited for in real time as well."""
        self._clock.working_threads += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._clock.working_threads -= 1

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._clock.working_threads -= 1


class _VirtualSelector(selectors.DefaultSelector):
    """Polls without waiting; instead of waiting for the next timer, it advances the clock."""

    def __init__(self, *, ticks: bool) -> None:
        super().__init__()
        self.now_s = 0.0
        self._ticks = ticks
        self.working_threads = 0
        self.own_sockets = 0
        self.stopped: Callable[[], bool] = lambda: False
        self.settling: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> _Events:
        """Return the available events; if there are none, advance by `timeout` seconds (None: there is no timer)."""
        alone = not self.working_threads and len(self.get_map()) <= self.own_sockets  # nothing real can happen
        events = [] if alone else super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.working_threads:
            return super().select(None)
        if self.stopped():
            return []
        if self.settling and (timeout is None or timeout > SAME_MOMENT_S):
            self._settle()
            return []
        if not alone:  # a real socket is open: wait as an ordinary loop does
            events = super().select(timeout)
            if events:
                return events
        if timeout is None:
            raise DeadlockError(
                "virtual time cannot go on: every task waits, and no timer, thread or socket is left to wake one"
            )
        self.now_s = on_tick(self.now_s + timeout) if self._ticks else self.now_s + timeout
        return []

    def _settle(self) -> None:
        settling, self.settling = self.settling, []
        for future in settling:
            if not future.done():  # nobody waits for a cancelled one
                future.set_result(None)


def new_virtual_loop() -> VirtualTimeLoop:
    """Return a new virtual loop; a loop factory for `asyncio.Runner`."""
    return VirtualTimeLoop()


def new_ticking_loop() -> VirtualTimeLoop:
    """Return a new virtual loop that advances in whole ticks."""
    return VirtualTimeLoop(ticks=True)


@runtime_checkable
class SettlingLoop(Protocol):
    """A loop with a clock of its own, on which what happens within `real_s` happens at one moment."""

    def settled(self, real_s: float) -> asyncio.Future[None]:
        """Return a future that is done at the end of this moment, before time advances further."""


async def settle(real_s: float) -> None:
    """Wait until what happens at this moment has happened: no time on a loop with a clock of its own, else seconds.

    Args:
        real_s: The seconds to wait where things really happen.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, SettlingLoop):
        await loop.settled(real_s)
    else:
        await asyncio.sleep(real_s)


def wall_time_s(loop: asyncio.AbstractEventLoop) -> float:
    """Return seconds since 1970: the machine's clock, or on a virtual loop a time that is the same in every run."""
    if isinstance(loop, VirtualTimeLoop):
        return VIRTUAL_EPOCH_S + loop.time()
    return time.time()
