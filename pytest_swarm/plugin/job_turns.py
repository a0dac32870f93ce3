"""Which calls of `swarm_run` can run a job, and whose turn it is: one thread at a time, none after the run's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.vacuous_expectation import vacuous_task


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


def unusable_call(graph: object) -> str | None:
    """Return why a call of `swarm_run` with this graph can run no job; None where it can."""
    if not isinstance(graph, TaskGraph):
        return f"swarm_run takes a TaskGraph, but was given {type(graph).__name__}"
    if _in_event_loop():
        return "swarm_run runs an event loop of its own: call it from a test that is not async"
    return vacuous_task(graph)


def _in_event_loop() -> bool:
    """Whether this thread is inside a running event loop."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
