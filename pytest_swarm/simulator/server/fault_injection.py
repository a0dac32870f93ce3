"""Injects faults: an ASGI app around the simulated server that changes its responses as a `FaultSchedule` says.

Faults apply to `/api/chat`, `/api/generate` and the routes that translate them, except `refuse`, with which the whole
server is down. What a network or a proxy does happens to the response. What Ollama itself would say is said where a
checked request is served, so that it has the form of its route.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from pytest_swarm.simulator.server.asgi_messages import read_body, send_bytes
from pytest_swarm.simulator.server.chat_endpoint import QUEUE_FULL, ServeChat
from pytest_swarm.simulator.server.faults import FaultKind, FaultSchedule
from pytest_swarm.simulator.server.reply_sinks import ReplySink
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_parsing import ParsedRequest
from pytest_swarm.simulator.server.request_values import JsonObject
from pytest_swarm.simulator.transport import AsgiApp, DroppedConnection, Event, Receive, Scope, Send

CRASHED: Final = "an error was encountered while running the model: unexpected EOF"
_OTHER_MODEL: Final = "another-model:latest"
_CALLS: Final = (
    *("/api/chat", "/api/generate"),
    *("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"),
)
_STREAM: Final = re.compile(b"ndjson|event-stream")
_HEAD: Final = ("model", "created_at", "message", "response")  # of a reply without its end
_OK: Final = 200
_LINES_BEFORE_END: Final = 2  # of a stream, before it is cut or its model crashes
_REFUSALS: Final[Mapping[FaultKind, tuple[int, str]]] = {
    FaultKind.MISSING: (404, "model '{model}' not found"),
    FaultKind.LOAD_ERROR: (500, "llama-server process has terminated: exit status 1: error loading model"),
    FaultKind.BUSY: (503, QUEUE_FULL),
}
_BODIES: Final[Mapping[FaultKind, tuple[str, bytes]]] = {
    FaultKind.GARBAGE: ("application/json; charset=utf-8", b'{"model": ]["message": {{'),
    FaultKind.HTML: (
        "text/html",
        b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
    ),
}


class FaultyApp:
    """An ASGI app with faults.

    Args:
        app: Returns the server whose chats are served by a function.
        serve: Serves a chat without faults.
        schedule: Decides which request gets which fault.
        resident: Returns whether the model of a name is loaded.
        crash: Kills the process of a model.
    """

    def __init__(
        self,
        app: Callable[[ServeChat], AsgiApp],
        *,
        serve: ServeChat,
        schedule: FaultSchedule,
        resident: Callable[[str], bool],
        crash: Callable[[str], None],
    ) -> None:
        self._app_with = app
        self._serve = serve
        self._sound = app(serve)
        self._schedule = schedule
        self._resident = resident
        self._crash = crash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with its fault if it has one."""
        if scope["type"] != "http":
            await self._sound(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        model = _model_of(body) if scope["path"] in _CALLS else None
        loads = model is not None and not self._resident(model)
        fault = self._schedule.next_fault(model, loads=loads, request=body)
        again = _with_body(body, receive)
        if fault is None:
            await self._sound(scope, again, send)
            return
        match fault.kind:
            case FaultKind.REFUSE:
                raise DroppedConnection
            case FaultKind.HANG:
                while (await receive())["type"] != "http.disconnect":
                    pass
            case FaultKind.SLOW:
                await asyncio.sleep(fault.seconds)
                await self._sound(scope, again, send)
            case FaultKind.GARBAGE | FaultKind.HTML as kind:
                content_type, page = _BODIES[kind]
                await send_bytes(send, page, headers={"content-type": content_type})
            case FaultKind.CUT:
                with suppress(_Stopped):
                    await self._sound(scope, again, _CutResponse(send).send)
            case kind:
                await self._app_with(partial(_serve_with, kind, self._serve))(scope, again, send)
        if fault.kind is FaultKind.CRASH and model is not None:
            self._crash(model)


async def _serve_with(kind: FaultKind, serve: ServeChat, parsed: ParsedRequest, reply: ReplySink) -> None:
    """Serve a chat with a fault: refuse it, or change its reply."""
    if kind in _REFUSALS:
        status, text = _REFUSALS[kind]
        raise RequestError(status, text.format(model=parsed.requested_name))
    with suppress(_Stopped):
        await serve(parsed, _FaultyReply(kind, reply))


class _Stopped(Exception):  # noqa: N818 - ends the app's work on a response that ends here
    """Raised into the app when the rest of its response is not needed."""


class _CutResponse:
    """Forwards half of a response, or two lines of a stream; an error stays as it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Event = {}
        self._lines = 0

    async def send(self, event: Event) -> None:
        """Forward one ASGI message; replaces the server's `send`."""
        if event["type"] == "http.response.start":
            self._start = event
            await self._send(event)
            return
        headers = self._start["headers"]
        is_stream = any(name == b"content-type" and _STREAM.search(value) for name, value in headers)
        self._lines += 1
        if self._start["status"] != _OK or (
            is_stream and self._lines <= _LINES_BEFORE_END and event.get("more_body", False)
        ):
            await self._send(event)
            return
        if not is_stream:
            body = event["body"]
            await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise _Stopped


class _FaultyReply:
    """Hands a reply on, changed by the fault."""

    def __init__(self, kind: FaultKind, reply: ReplySink) -> None:
        self._kind = kind
        self._reply = reply
        self._lines = 0

    async def whole(self, value: JsonObject) -> None:
        """Change the only object of a reply."""
        if self._kind is FaultKind.CRASH:
            raise RequestError(500, CRASHED)
        await self._reply.whole(self._changed(value))

    async def start_lines(self) -> None:
        """Begin a stream."""
        await self._reply.start_lines()

    async def line(self, value: JsonObject, *, last: bool = False) -> None:
        """Change an object of a stream."""
        self._lines += 1
        if self._kind is FaultKind.CRASH and (last or self._lines > _LINES_BEFORE_END):
            await self._reply.line({"error": CRASHED}, last=True)
            raise _Stopped
        if last and self._kind is FaultKind.NO_DONE:
            await self.end_lines()
        else:
            await self._reply.line(self._changed(value), last=last)

    async def end_lines(self) -> None:
        """End a stream."""
        await self._reply.end_lines()

    def _changed(self, reply: JsonObject) -> JsonObject:
        if self._kind is FaultKind.WRONG_MODEL:
            return {**reply, "model": _OTHER_MODEL}
        if self._kind is FaultKind.NO_DONE:
            return {name: value for name, value in reply.items() if name in _HEAD} | {"done": False}
        return reply


def _model_of(body: bytes) -> str | None:
    """Return the model that a request body names; None if it names none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    model = data.get("model") if isinstance(data, dict) else None
    return model if isinstance(model, str) and model else None


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first gives the body that was already read."""
    events: list[Event] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Event:
        return events.pop() if events else await receive()

    return again
