"""The seed that a real server gets: each prompt draws by itself.

All requests of a repeat carry one seed (`domain/seeding.py`). A sampler that is seeded with it gives each prompt the
same random numbers, token by token: under one seed every job is lucky, under another one none. Then jobs of one repeat
are one draw, and every interval over jobs is too narrow. The simulator draws by prompt anyway.
"""

from __future__ import annotations

import json

import httpx

from pytest_swarm.domain.seeding import prompt_seed

_CHAT = "/api/chat"


class OwnDrawsTransport(httpx.AsyncBaseTransport):
    """Forwards requests to `inner`; the seed of a chat becomes one of its own for its messages.

    What is recorded, stored and compared is the request before that: equal requests still get equal seeds.

    Args:
        inner: The transport to the server.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's response."""
        if request.method == "POST" and request.url.path.endswith(_CHAT):
            request = _with_own_seed(request, await request.aread())
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _with_own_seed(request: httpx.Request, content: bytes) -> httpx.Request:
    body = json.loads(content)
    options = body.get("options") or {}
    if options.get("seed") is None or options["seed"] < 0:  # a negative one asks for a draw that nobody can repeat
        return request
    options["seed"] = prompt_seed(options["seed"], body["messages"])
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
    return httpx.Request("POST", request.url, headers=headers, content=json.dumps(body), extensions=request.extensions)
