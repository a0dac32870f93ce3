"""Which calls of `swarm_run` can run a job, and whose turn it is: one thread at a time, none after the run's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.graph_fault import graph_fault
from pytest_swarm.plugin.isolated_tests import loop_sockets, real_files


class JobTurns:
    """A test may call `swarm_run` from several threads; there is one bench, and one file of events.

    Args:
        calls_server: Whether a job calls a server.
    """

    def __init__(self, calls_server: Callable[[], bool]) -> None:
        self._calls_server = calls_server
        self._lock = RLock()
        self._ended = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other thread runs a job; where the run has ended by then, the block is not run."""
        with self._lock, real_files(), loop_sockets(self._calls_server):
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


def refuse_unusable_call(graph: object) -> None:
    """Fail the test where a call of `swarm_run` with this graph can run no job, or none whose score says anything."""
    if not isinstance(graph, TaskGraph):
        pytest.fail(f"swarm_run takes a TaskGraph, but was given {type(graph).__name__}", pytrace=False)
    if (fault := graph_fault(graph)) is not None:
        pytest.fail(fault, pytrace=False)
    _refuse_event_loop()


def _refuse_event_loop() -> None:
    """Fail the test where this thread is inside a running event loop."""
    import asyncio

    with suppress(RuntimeError):
        asyncio.get_running_loop()
        pytest.fail(
            "swarm_run runs an event loop of its own, and this thread runs one already: in an async test, write "
            "`await asyncio.to_thread(swarm_run, graph)`, in a notebook `await asyncio.to_thread(pytest.main, [...])`",
            pytrace=False,
        )
