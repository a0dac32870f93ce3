"""The official client of a server in this process, for runs that make requests: those with faults or recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from pytest_swarm.ollama.official_package import ollama

_JSON: Final = "application/json"


class _DirectHttp:
    """What the official client uses of `httpx.AsyncClient`, over a transport to a server in this process.

    Redirects, cookies, proxies and logins mean nothing there, and were half of what a call costs.
    """

    def __init__(self, *, base_url: str, transport: httpx.AsyncBaseTransport, **_: object) -> None:
        url = httpx.URL(base_url)
        self._url = url
        self._routes: dict[str, httpx.URL] = {}
        self._transport = transport
        self._headers = [("host", url.netloc.decode("ascii")), ("accept", _JSON), ("content-type", _JSON)]

    async def request(self, method: str, path: str, *, json: Mapping[str, Any] | None = None) -> httpx.Response:
        """Return the whole response to a request with a JSON body or none; raises what the transport raises."""
        body = None if json is None else msgspec.json.encode(json)
        if path not in self._routes:
            self._routes[path] = self._url.copy_with(path=path)
        request = httpx.Request(method, self._routes[path], headers=self._headers, content=body)
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


class DirectClient(ollama.AsyncClient):
    """The official client of a server in this process. It opens no stream."""

    def __init__(self, host: str, transport: httpx.AsyncBaseTransport) -> None:
        super(ollama.AsyncClient, self).__init__(_DirectHttp, host, transport=transport)
