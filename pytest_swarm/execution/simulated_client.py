"""The client of a simulated server in this process, which hands its requests over without HTTP.

A run asks for the resident models some twenty times a job, and makes eight calls. The bodies are those of the official
client, and are checked as such by the server; what HTTP, tasks of the loop and checks of types would add to them costs
half a millisecond a call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.ollama.client import LEASE_S, OllamaClient
from pytest_swarm.ollama.messages import ChatRequest, chat_body
from pytest_swarm.ollama.replies import PlainReply
from pytest_swarm.ollama.retrying import DEFAULT_TIMEOUT_S
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.simulated_server import SimulatedServer

if TYPE_CHECKING:  # a server without faults is asked without it
    from pytest_swarm.ollama.official_package import ollama
    from pytest_swarm.ollama.replies import ChatAnswer, GenerateAnswer


@lru_cache(maxsize=256)
def _resident_model(tag: str, size_bytes: int, vram_bytes: int) -> ResidentModel:
    """Return a row of the resident models, most of which were there at the last look."""
    return ResidentModel(tag=tag, size_bytes=size_bytes, size_vram_bytes=vram_bytes)


class SimulatedClient(OllamaClient):
    """A client of one server in this process. Its calls give what requests over HTTP would give.

    Args:
        host: URL of the server.
        transport: The server's transport.
        timeout_s: Time limit of one call in seconds of virtual time.
        retries: Attempts after one that failed for the server's sake.
        server: The server; None where it is reached by the transport alone.
    """

    def __init__(
        self,
        host: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: int = 0,
        server: SimulatedServer | None = None,
    ) -> None:
        super().__init__(host, transport=transport, timeout_s=timeout_s, retries=retries)
        self._server = server

    def _official_client(self) -> ollama.AsyncClient:
        """Return a new official client, whose requests go straight to this client's transport."""
        from pytest_swarm.execution.direct_client import DirectClient

        return DirectClient(self.host, self._transport)

    async def resident(self) -> tuple[ResidentModel, ...]:
        """Return the resident models, latest expiry first."""
        known = self.known_resident()
        return await super().resident() if known is None else known

    def known_resident(self) -> tuple[ResidentModel, ...] | None:
        """Return the resident models, latest expiry first; None where the server is reached by requests alone."""
        if self._server is None:
            return None
        return tuple(
            _resident_model(each.name, each.placement.total_bytes, each.placement.vram_bytes)
            for each in self._server.resident()
        )

    async def _chat(self, request: ChatRequest, *, truncate: bool = True) -> ChatAnswer:
        """Return the server's reply to a chat. `truncate`: it may cut the prompt."""
        if self._server is None:
            return await super()._chat(request, truncate=truncate)
        body = chat_body(request, keep_alive=LEASE_S, truncate=truncate)
        return await _answered(self._server, body, chat=True)

    async def _generate(self, tag: str, keep_alive: float, options: Mapping[str, int] | None) -> GenerateAnswer:
        """Return the server's reply to a request without a prompt, which loads or unloads a model."""
        if self._server is None:
            return await super()._generate(tag, keep_alive, options)
        body = {"model": tag, "stream": False, "options": options, "keep_alive": keep_alive}
        return await _answered(self._server, body, chat=False)


async def _answered(server: SimulatedServer, body: Mapping[str, Any], *, chat: bool) -> PlainReply:
    """Return a reply; ollama.ResponseError for a refusal, as the official client raises it.

    The body goes through its JSON text and back, so that what has none fails as over HTTP, and nothing is shared.
    """
    sent = {name: value for name, value in body.items() if value is not None}
    try:
        reply = await server.ask(msgspec.json.decode(msgspec.json.encode(sent)), chat=chat)
    except RequestError as refusal:
        from pytest_swarm.ollama.official_package import ollama

        raise ollama.ResponseError(json.dumps({"error": str(refusal)}), refusal.status) from refusal
    return msgspec.convert(reply, PlainReply)
