"""Sends what one of the server's own routes sends on in another form: whole replies, streams as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import PLAIN_JSON, go_json, json_line, send_bytes, send_head
from pytest_swarm.simulator.server.field_checks import JsonObject
from pytest_swarm.simulator.server.request_bodies import text_field
from pytest_swarm.simulator.transport import Event, Send

ErrorForm: TypeAlias = Callable[[int, str], dict[str, Json]]
"""Returns the error object for a status and what is wrong."""
LIVE: Final = {"cache-control": "no-cache", "connection": "keep-alive"}
"""What newer routes say of a stream, and of a refusal in its place."""
_JSON: Final = {"content-type": PLAIN_JSON}


def whole(send: Send, translate: Callable[[dict[str, Json]], dict[str, Json]], *, error: ErrorForm) -> Send:
    """Return a `send` for a native route, which sends its JSON reply on in another form.

    Args:
        send: The ASGI callable for the response.
        translate: Returns a reply in the other form.
        error: Returns an error in it.
    """
    status = 200

    async def sink(event: Event) -> None:
        nonlocal status
        if event["type"] == "http.response.start":
            status = event["status"]
            return
        reply = json.loads(event["body"])
        value = translate(reply) if status == 200 else error(status, text_field(reply, "error"))
        await send_bytes(send, json_line(value), status=status, headers=_JSON)

    return sink


def streamed(
    send: Send,
    translate: Callable[[JsonObject], Iterable[bytes]],
    *,
    error: ErrorForm,
    headers: Mapping[str, str] = MappingProxyType({}),
    failure: Callable[[int, str], Iterable[bytes]] | None = None,
) -> Send:
    """Return a `send` for a native route, which sends each line on as server-sent events.

    Args:
        send: The ASGI callable for the response.
        translate: Yields the events of a line.
        error: Returns an error in the other form.
        headers: The headers of the response besides its type. A route that has some states no length.
        failure: Yields the events of an error where it is told in the stream.
    """
    status, started, sized = 200, False, False

    async def sink(event: Event) -> None:
        nonlocal status, started, sized
        if event["type"] == "http.response.start":
            status, sized = event["status"], any(name == b"content-length" for name, _ in event["headers"])
            return
        text, more = event["body"], event.get("more_body", False)
        if status == 200:
            lines = b"".join(translate(json.loads(text)) if text.strip() else ())
        elif failure is None:
            value = error(status, text_field(json.loads(text), "error"))
            await send_bytes(send, json_line(value), status=status, headers={**_JSON, **headers}, sized=sized)
            return
        else:
            lines = b"".join(failure(status, text_field(json.loads(text), "error")))
        named = {"content-type": "text/event-stream", **headers}
        if not started and not more:
            await send_bytes(send, lines, headers=named, sized=sized and not headers)
            return
        if not started:
            started = True
            await send_head(send, named)
        await send({"type": "http.response.body", "body": lines, "more_body": more})

    return sink


def server_event(text: str, *, name: str = "") -> bytes:
    """Return one server-sent event.

    Args:
        text: Its data, of one line.
        name: Its name; none if it is empty.
    """
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


def json_event(value: Json, *, name: str = "", sort_keys: bool = False) -> bytes:
    """Return one server-sent event whose data is a JSON value.

    Args:
        value: The value.
        name: Its name; none if it is empty.
        sort_keys: Whether the keys of objects are in alphabetical order, as in Go's maps.
    """
    return server_event(go_json(value, sort_keys=sort_keys), name=name)
