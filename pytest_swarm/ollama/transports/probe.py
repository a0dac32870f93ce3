"""Marks probe requests, which a sampler sends beside a case's own calls, so that a recording can tell them apart.

Their number depends on timing, so a replay must not fail for one too few or one too many.
"""

from __future__ import annotations

from typing import Final

import httpx

_PROBE_EXTENSION: Final = "pytest_swarm_watched"


class ProbeTransport(httpx.AsyncBaseTransport):
    """Marks all requests, and does not close the inner transport when it is closed."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's response."""
        request.extensions = {**request.extensions, _PROBE_EXTENSION: True}
        return await self._inner.handle_async_request(request)


def is_probe(request: httpx.Request) -> bool:
    """Return whether a request was sent through a ProbeTransport."""
    return bool(request.extensions.get(_PROBE_EXTENSION))
