"""ASGI messages: sends JSON, JSON lines and plain text with the server's content types, and reads request bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pytest_swarm.domain.prompt import wire_text
from pytest_swarm.fields import Json
from pytest_swarm.simulator.transport import Receive, Scope, Send

_JSON: Final = "application/json; charset=utf-8"
_LINES: Final = "application/x-ndjson"
PLAIN_JSON: Final = "application/json"
_STATED_BYTES: Final = 2048  # Go states the length of a body up to this; a longer one is sent in chunks
_NO_CONTENT: Final = 204
_ESCAPES: Final = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})


def go_json(value: Json | Mapping[str, Json], *, sort_keys: bool = False) -> str:
    """Return a JSON text as Go's encoder writes it: without what ends a line for some readers, or opens a tag in HTML.

    Args:
        value: The value.
        sort_keys: Whether the keys of objects are in alphabetical order, as in Go's maps.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    return wire_text(text).translate(_ESCAPES)


def json_line(value: Mapping[str, Json]) -> bytes:
    """Return a JSON object as Go's encoder writes it: with a line end."""
    return f"{go_json(value)}\n".encode()


async def send_json(
    send: Send, value: Mapping[str, Json], *, status: int = 200, content_type: str = _JSON, sized: bool = True
) -> None:
    """Send a whole JSON response.

    Args:
        send: The ASGI callable for the response.
        value: The JSON object.
        status: HTTP status.
        content_type: The value of the content-type header.
        sized: Whether its length is stated, as of all that was not about to be a stream.
    """
    headers = {"content-type": content_type}
    await send_bytes(send, go_json(value).encode(), status=status, headers=headers, sized=sized)


async def send_text(send: Send, text: str, *, status: int = 200, content_type: str = "text/plain") -> None:
    """Send a whole plain-text response.

    Args:
        send: The ASGI callable for the response.
        text: The body.
        status: HTTP status.
        content_type: The value of the content-type header.
    """
    await send_bytes(send, text.encode(), status=status, headers={"content-type": content_type})


async def send_bytes(
    send: Send, body: bytes, *, headers: Mapping[str, str], status: int = 200, sized: bool = True
) -> None:
    """Send a whole response of any content type.

    Args:
        send: The ASGI callable for the response.
        body: The body.
        headers: The headers but the length.
        status: HTTP status.
        sized: Whether the length of a short body is stated.
    """
    if sized and status != _NO_CONTENT and len(body) <= _STATED_BYTES:
        headers = {**headers, "content-length": str(len(body))}
    await send_head(send, headers, status=status)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_head(send: Send, headers: Mapping[str, str], *, status: int = 200) -> None:
    """Send the head of a response.

    Args:
        send: The ASGI callable for the response.
        headers: The headers.
        status: HTTP status.
    """
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


class SentReply:
    """The JSON objects of a reply, which are sent: a whole one, or the lines of a stream.

    Args:
        send: The ASGI callable for the response.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    async def whole(self, value: Mapping[str, Json]) -> None:
        """Send the only object of a reply."""
        await send_json(self._send, value)

    async def start_lines(self) -> None:
        """Send the head of a stream."""
        await send_head(self._send, {"content-type": _LINES})

    async def line(self, value: Mapping[str, Json], *, last: bool = False) -> None:
        """Send an object of a stream; `last` ends it."""
        await self._send({"type": "http.response.body", "body": json_line(value), "more_body": not last})

    async def end_lines(self) -> None:
        """End a stream after an object that was not sent as the last one."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def read_body(receive: Receive) -> bytes | None:
    """Return the whole body of a request; None if the client disconnected while sending it."""
    parts: list[bytes] = []
    while (event := await receive())["type"] == "http.request":
        parts.append(event.get("body", b""))
        if not event.get("more_body", False):
            return b"".join(parts)
    return None


def request_header(scope: Scope, wanted: bytes) -> str:
    """Return the value of a header of a request; "" if it has none.

    Args:
        scope: The request.
        wanted: The name of the header in small letters.
    """
    for name, value in scope.get("headers", ()):
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""
