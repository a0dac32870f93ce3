"""Visits to a real server between cases: what is resident and installed there, and leaving it as it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel, ResidentEntry

T = TypeVar("T")


class ServerVisits:
    """Calls to the server of a backend that belong to no case, each on a connection of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.restoration = Restoration()

    def look(self) -> tuple[ResidentEntry, ...]:
        """Return what was resident on a real server before the first case; BackendError where it does not answer.

        Nothing on a server in this process, which ends with its connection.
        """
        if self.backend.live:
            self._at_the_server(self.restoration.look)
        return self.restoration.found or ()

    def resident_now(self) -> tuple[ResidentEntry, ...]:
        """Return what is resident on a real server; BackendError where it does not answer."""
        return self._at_the_server(lambda client: client.resident_entries())

    def installed_now(self) -> tuple[ListedModel, ...]:
        """Return the models that a real server has installed; BackendError where it does not answer."""
        return self._at_the_server(lambda client: client.installed())

    def restore(self) -> tuple[str, ...]:
        """Leave a real server as it was found; a sentence for what could not be restored."""
        if not self.backend.live or self.restoration.found is None:
            return ()
        restoration, self.restoration = self.restoration, Restoration()
        try:
            return self._at_the_server(restoration.restore)
        except BackendError as error:
            return (f"the server was not left as it was found: {error}",)

    def _at_the_server(self, work: Callable[[OllamaClient], Coroutine[None, None, T]]) -> T:
        """Return the result of work on a connection of its own, which belongs to no case."""

        async def done() -> T:
            client = self.backend.connect().client
            try:
                return await work(client)
            finally:
                await client.aclose()

        with asyncio.Runner(loop_factory=self.backend.new_loop) as runner:
            return runner.run(done())
