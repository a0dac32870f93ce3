"""What lives for a case, or for a group of cases: a loop, a connection, and what was loaded and learned on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case, JobRecord
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.execution.residency import ResidencyManager
from pytest_swarm.execution.restoration import Restoration

T = TypeVar("T")


class GroupState:
    """One loop, one connection and what was learned on it; lives for a case, or for a group of cases."""

    def __init__(self, backend: Backend, fleet: Fleet, restoration: Restoration) -> None:
        self.backend = backend
        self.runner = asyncio.Runner(loop_factory=backend.new_loop)
        self.connection: Connection = self.now(in_loop(backend.connect))
        self.estimator = Estimator(fleet)
        self.residency = ResidencyManager(self.connection.client, fleet, restoration=restoration)
        self.fresh = True

    def rehearse(self, case: Case) -> None:
        """Start a decision of a case that is only timed."""
        if self.connection.listener is not None:
            self.connection.listener.rehearse(case, now_s=self.runner.get_loop().time())

    def now(self, work: Coroutine[None, None, T]) -> T:
        """Return the result of work that waits for nothing, without the signal handler that the runner's `run` sets."""
        return self.runner.get_loop().run_until_complete(work)

    def close(self) -> None:
        """Close the connection and the loop."""
        self.now(self.connection.client.aclose())
        self.runner.close()


def record_of(runner: asyncio.Runner, running: Coroutine[None, None, JobRecord]) -> JobRecord:
    """Return the record of a case.

    The task itself has no result, because asyncio makes a text of task and result as it resets the signal handler.
    """
    records: list[JobRecord] = []

    async def keep() -> None:
        records.append(await running)

    runner.run(keep())
    return records[0]


async def in_loop(make: Callable[[], T]) -> T:
    """Return what must be made while the loop runs."""
    return make()
