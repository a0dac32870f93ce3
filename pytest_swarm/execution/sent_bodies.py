"""What a client would send for a request, found without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

import httpx

from pytest_swarm.errors import BackendError
from pytest_swarm.fields import Json
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatRequest


async def sent_bodies(requests: Iterable[ChatRequest]) -> list[Mapping[str, Json]]:
    """Return the body of each chat request as the client sends it, so that its question is the one that is played."""
    bodies: list[Mapping[str, Json]] = []

    async def look(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(await request.aread()))
        return httpx.Response(404, json={"error": "nothing is sent"})

    client = OllamaClient("http://nowhere", transport=httpx.MockTransport(look))
    for request in requests:
        with suppress(BackendError):
            await client.chat(request)
    await client.aclose()
    return bodies
