"""What lives as long as a case, or as a group of cases: a loop, a connection, residency and what was learned on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from pytest_swarm.domain.record import Case
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.execution.backends import Backend, Connection
from pytest_swarm.execution.residency import ResidencyManager
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.routing.base import Router

T = TypeVar("T")


class GroupState:
    """One loop, one connection and what was learned on it; lives for a case, or for a group of cases."""

    def __init__(self, backend: Backend, estimator: Estimator, restoration: Restoration) -> None:
        self.backend = backend
        self.runner = asyncio.Runner(loop_factory=backend.new_loop)
        self.connection: Connection = backend.connect()
        self.estimator = estimator
        self.residency = ResidencyManager(self.connection.client, estimator.fleet, restoration=restoration)
        self.routers: dict[str, Router] = {}
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
