"""Which requests the server accepts before it looks at their route: by the page's origin and by the host name.

Ollama's two filters: CORS for web pages (`OLLAMA_ORIGINS` is not set), and the names of a server that listens on the
loopback address only. Knows no routes.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

from pytest_swarm.simulator.server.asgi_messages import request_header
from pytest_swarm.simulator.transport import Event, Scope, Send

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

_PAGES: Final = tuple(
    f"{scheme}://{host}" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "0.0.0.0")
)
_APPS: Final = ("app://", "file://", "tauri://", "vscode-webview://", "vscode-file://")
_LOCAL_DOMAINS: Final = (".localhost", ".local", ".internal")
_PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_STAINLESS: Final = (
    *("Arch", "Async", "Custom-Poll-Interval", "Helper-Method", "Lang", "Os", "Package-Version", "Poll-Helper"),
    *("Retry-Count", "Runtime", "Runtime-Version", "Timeout"),
)  # headers of the OpenAI clients
_ALLOWED_HEADERS: Final = ",".join(
    (
        *("Authorization", "Content-Type", "User-Agent", "Accept", "X-Requested-With", "Openai-Beta"),
        *(f"X-Stainless-{name}" for name in _STAINLESS),
    )
)
_PREFLIGHT: Final[Headers] = (
    (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
    (b"access-control-allow-methods", b"GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"),
    (b"access-control-max-age", b"43200"),
    (b"vary", b"Origin"),
    (b"vary", b"Access-Control-Request-Method"),
    (b"vary", b"Access-Control-Request-Headers"),
)


_HOST: Final = re.compile(r"[0-9A-Za-z!$%&*+,'().:;=\[\]_~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCheck:
    """What the filters say: headers for the response, and a status where the request ends there."""

    headers: Headers = ()
    status: int | None = None


def is_host_malformed(scope: Scope) -> bool:
    """Return whether the host of a request has a character that no host has: Go's server reads no further."""
    return _HOST.fullmatch(request_header(scope, b"host")) is None


def check_access(scope: Scope) -> AccessCheck:
    """Return what the filters say about a request.

    Args:
        scope: The request; `server` is the address on which the server listens.
    """
    origin, host = request_header(scope, b"origin"), request_header(scope, b"host")
    checks_origin = bool(origin) and origin not in (f"http://{host}", f"https://{host}")
    if checks_origin and not _allows_origin(origin):
        return AccessCheck(status=403)
    asks = scope["method"] == "OPTIONS"
    if checks_origin:
        allowed = (b"access-control-allow-origin", origin.encode("latin-1"))
        if asks:
            return AccessCheck(headers=(allowed, *_PREFLIGHT), status=204)
        headers: Headers = (allowed, (b"vary", b"Origin"))
    else:
        headers = ()
    server = scope.get("server")
    listening = _address(server[0]) if server else None
    if listening is None or not listening.is_loopback or _is_near(_without_port(host)):
        return AccessCheck(headers=headers)
    if not _is_local_name(_without_port(host)):
        return AccessCheck(headers=headers, status=403)
    return AccessCheck(headers=headers, status=204 if asks else None)


def with_headers(send: Send, headers: Headers) -> Send:
    """Return a `send` that adds headers to the response.

    Args:
        send: The ASGI callable for the response.
        headers: The headers to add.
    """

    async def sink(event: Event) -> None:
        more = {"headers": [*event["headers"], *headers]} if event["type"] == "http.response.start" else {}
        await send({**event, **more})

    return sink if headers else send


def is_own_address(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of this machine's: a socket that is bound for it, and sends nothing, tells."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 1))
            return _address(probe.getsockname()[0]) == address
    except OSError:
        return False


def _allows_origin(origin: str) -> bool:
    return origin in _PAGES or origin.startswith((*_APPS, *(f"{page}:" for page in _PAGES)))


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return host
    if name.startswith("[") and name.endswith("]"):
        return name[1:-1]
    return host if ":" in name else name


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_near(host: str) -> bool:
    """Return whether a host is an address of this machine or of a private network."""
    address = _address(host)
    if address is None:
        return False
    near = address.is_loopback or address.is_unspecified or any(address in network for network in _PRIVATE)
    return near or is_own_address(address)


def _is_local_name(host: str) -> bool:
    name = host.lower()
    return name in ("", "localhost", socket.gethostname().lower()) or name.endswith(_LOCAL_DOMAINS)
