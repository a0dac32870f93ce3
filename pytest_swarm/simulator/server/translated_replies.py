"""Sends the reply of one of the server's own routes on in another form: whole, or as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import PLAIN_JSON, go_json, json_line, send_bytes, send_head
from pytest_swarm.simulator.server.reply_sinks import KeptReply, ReplySink
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.transport import Send

ErrorForm: TypeAlias = Callable[[int, str], dict[str, Json]]
"""Returns the error object for a status and what is wrong."""
LIVE: Final = {"cache-control": "no-cache", "connection": "keep-alive"}
"""What newer routes say of a stream, and of a refusal in its place."""
_JSON: Final = {"content-type": PLAIN_JSON}
_EVENTS: Final = "text/event-stream"


class TranslatedReply(ReplySink, Protocol):
    """Takes the reply of a native route, or its refusal."""

    async def refuse(self, refusal: RequestError) -> None:
        """Send a refusal in the other form."""


class WholeReply(KeptReply):
    """Sends a reply that is not streamed.

    Args:
        send: The ASGI callable for the response.
        translate: Returns a reply in the other form.
        error: Returns an error in it.
    """

    def __init__(self, send: Send, translate: Callable[[JsonObject], dict[str, Json]], *, error: ErrorForm) -> None:
        super().__init__()
        self._send = send
        self._translate = translate
        self._error = error

    async def whole(self, value: JsonObject) -> None:
        """Send the only object of a reply."""
        await send_bytes(self._send, json_line(self._translate(value)), headers=_JSON)

    async def refuse(self, refusal: RequestError) -> None:
        """Send a refusal."""
        error = self._error(refusal.status, str(refusal))
        await send_bytes(self._send, json_line(error), status=refusal.status, headers=_JSON)


class EventStream:
    """Sends each line of a reply on as server-sent events.

    Args:
        send: The ASGI callable for the response.
        translate: Yields the events of a line.
        error: Returns an error in the other form.
        headers: The headers of the response besides its type. A route that has some states no length.
        failure: Yields the events of an error where it is told in the stream.
    """

    def __init__(
        self,
        send: Send,
        translate: Callable[[JsonObject], Iterable[bytes]],
        *,
        error: ErrorForm,
        headers: Mapping[str, str] = MappingProxyType({}),
        failure: Callable[[int, str], Iterable[bytes]] | None = None,
    ) -> None:
        self._send = send
        self._translate = translate
        self._error = error
        self._headers = headers
        self._failure = failure

    async def whole(self, value: JsonObject) -> None:
        """Send the events of a reply that is no stream: of a request that only loads a model."""
        await self._send_events(self._translate(value))

    async def start_lines(self) -> None:
        """Send the head of a stream."""
        await send_head(self._send, {"content-type": _EVENTS, **self._headers})

    async def line(self, value: JsonObject, *, last: bool = False) -> None:
        """Send the events of a line; `last` ends the stream."""
        await self._send(
            {"type": "http.response.body", "body": b"".join(self._translate(value)), "more_body": not last}
        )

    async def end_lines(self) -> None:
        """End a stream after a line that was not the last one."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def refuse(self, refusal: RequestError) -> None:
        """Send a refusal: an error object, or events."""
        if self._failure is not None:
            await self._send_events(self._failure(refusal.status, str(refusal)))
            return
        error, headers = self._error(refusal.status, str(refusal)), {**_JSON, **self._headers}
        sized = not refusal.in_stream
        await send_bytes(self._send, json_line(error), status=refusal.status, headers=headers, sized=sized)

    async def _send_events(self, events: Iterable[bytes]) -> None:
        headers = {"content-type": _EVENTS, **self._headers}
        await send_bytes(self._send, b"".join(events), headers=headers, sized=not self._headers)


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
