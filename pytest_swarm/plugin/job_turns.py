"""Whose turn it is to run a job: one thread at a time, outside of event loops, and none after the run's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock

import pytest


class JobTurns:
    """A test may call `swarm_run` from several threads; there is one bench, and one file of events."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._ended = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other thread runs a job; where the run has ended by then, the block is not run."""
        with self._lock:
            if self._ended:
                pytest.fail("swarm_run was called in a thread that outlived the run's last test", pytrace=False)
            yield

    def end(self, tell: Callable[[], None]) -> None:
        """Begin no further job, and wait for one that still runs in a thread, as after Ctrl-C; `tell` says so."""
        self._ended = True
        if not self._lock.acquire(blocking=False):
            tell()
            self._lock.acquire()
        self._lock.release()


def refuse_event_loop() -> None:
    """Fail the test where this thread is inside a running event loop."""
    import asyncio

    with suppress(RuntimeError):
        asyncio.get_running_loop()
        pytest.fail(
            "swarm_run runs an event loop of its own, and this thread runs one already: call it from a test that is "
            "not async, and pytest.main in a notebook by `await asyncio.to_thread(pytest.main, [...])`",
            pytrace=False,
        )
