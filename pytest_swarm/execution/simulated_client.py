"""The client of a simulated server in this process, which reads the resident models without a request.

A run asks for them some twenty times a job, and a request through the official client costs half a millisecond.
"""

from __future__ import annotations

import httpx
import ollama

from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.execution.direct_http import DirectClient
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.simulator.server.simulated_server import SimulatedServer


class SimulatedClient(OllamaClient):
    """A client of one server in this process. `resident` differs, and gives what the request would give.

    Args:
        host: URL of the server.
        transport: The server's transport.
        timeout_s: Time limit of one call in seconds of virtual time.
        retries: Attempts after one that failed for the server's sake.
        server: The server; None where its resident models are asked for by request as well.
    """

    def __init__(
        self,
        host: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = 120.0,
        retries: int = 0,
        server: SimulatedServer | None = None,
    ) -> None:
        super().__init__(host, transport=transport, timeout_s=timeout_s, retries=retries)
        self._server = server

    def _official_client(self) -> ollama.AsyncClient:
        """Return the official client, whose requests go straight to this client's transport."""
        return DirectClient(self.host, self._transport)

    async def resident(self) -> tuple[ResidentModel, ...]:
        """Return the resident models, latest expiry first."""
        if self._server is None:
            return await super().resident()
        return tuple(
            ResidentModel(
                tag=each.name, size_bytes=each.placement.total_bytes, size_vram_bytes=each.placement.vram_bytes
            )
            for each in self._server.resident()
        )
