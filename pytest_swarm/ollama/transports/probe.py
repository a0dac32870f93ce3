"""Questions beside a case's own calls: a sampler's. They are marked, so that a recording can keep them apart.

How many of them fit into a call depends on the clock, so a replay must neither miss one nor refuse one more.
"""

from __future__ import annotations

from typing import Final

import httpx

_PROBE_EXTENSION: Final = "pytest_swarm_watched"


class ProbeTransport(httpx.AsyncBaseTransport):
    """Marks whatever goes through, and leaves the inner transport open when it is closed."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The inner transport's response."""
        request.extensions = {**request.extensions, _PROBE_EXTENSION: True}
        return await self._inner.handle_async_request(request)


def is_probe(request: httpx.Request) -> bool:
    """Whether a request came through a ProbeTransport."""
    return bool(request.extensions.get(_PROBE_EXTENSION))
