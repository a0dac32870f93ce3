"""HTTP within one process: the official client's requests go straight to a transport.

Redirects, cookies, proxies and logins mean nothing there, and were half of what a call costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from pytest_swarm.ollama.official_package import ollama

_TYPE: Final = "application/json"


class DirectHttp:
    """What the official client uses of `httpx.AsyncClient`, over a transport to a server in this process.

    Args:
        base_url: URL of the server.
        transport: The server's transport.
    """

    def __init__(self, *, base_url: str, transport: httpx.AsyncBaseTransport, **_: object) -> None:
        url = httpx.URL(base_url)
        self._url = url
        self._routes: dict[str, httpx.URL] = {}
        self._transport = transport
        self._headers = [("host", url.netloc.decode("ascii")), ("accept", _TYPE), ("content-type", _TYPE)]

    async def request(self, method: str, path: str, *, json: Mapping[str, Any] | None = None) -> httpx.Response:
        """Return the whole response; raises what the transport raises.

        Args:
            method: The HTTP method.
            path: The route.
            json: The body of the request; None for a request without one.
        """
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
    """The official client of a server in this process. It opens no stream.

    Args:
        host: URL of the server.
        transport: The server's transport.
    """

    def __init__(self, host: str, transport: httpx.AsyncBaseTransport) -> None:
        super(ollama.AsyncClient, self).__init__(DirectHttp, host, transport=transport)
