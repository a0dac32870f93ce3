"""Injects faults: an ASGI app around the simulated server that changes its responses as a `FaultSchedule` says.

Faults apply to `/api/chat`, `/api/generate` and the routes that translate them, except `refuse`, with which the whole
server is down. What Ollama itself would say is translated, too; what a network or a proxy does is not.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import SentReply, read_body, send_bytes, send_json
from pytest_swarm.simulator.server.chat_endpoint import QUEUE_FULL
from pytest_swarm.simulator.server.faults import FaultKind, FaultSchedule
from pytest_swarm.simulator.server.translated_calls import BodyHandler
from pytest_swarm.simulator.transport import AsgiApp, DroppedConnection, Event, Receive, Scope, Send

CRASHED: Final = "an error was encountered while running the model: unexpected EOF"
_OTHER_MODEL: Final = "another-model:latest"
_CALLS: Final = ("/api/chat", "/api/generate")
_TRANSLATED_CALLS: Final = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")
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
_TRANSLATED_KINDS: Final = (*_REFUSALS, FaultKind.CRASH, FaultKind.NO_DONE, FaultKind.WRONG_MODEL)

_Around: TypeAlias = Callable[[BodyHandler], BodyHandler]


class FaultyApp:
    """An ASGI app with faults.

    Args:
        app: The server without faults.
        schedule: Decides which request gets which fault.
        resident: Returns whether the model of a name is loaded.
        crash: Kills the process of a model.
        below: Returns the server with its own chat wrapped below the routes that translate it.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        schedule: FaultSchedule,
        resident: Callable[[str], bool],
        crash: Callable[[str], None],
        below: Callable[[_Around], AsgiApp],
    ) -> None:
        self._app = app
        self._schedule = schedule
        self._resident = resident
        self._crash = crash
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with its fault if it has one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        path = scope["path"]
        model = _model_of(body) if path in (*_CALLS, *_TRANSLATED_CALLS) else None
        loads = model is not None and not self._resident(model)
        fault = self._schedule.next_fault(model, loads=loads, request=body)
        again = _with_body(body, receive)
        if fault is None:
            await self._app(scope, again, send)
        elif fault.kind is FaultKind.HANG:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            await self._app(scope, again, send)
        elif path in _TRANSLATED_CALLS and fault.kind in _TRANSLATED_KINDS:
            await self._below(partial(_faulty, fault.kind, model or ""))(scope, again, send)
        else:
            await _reply(fault.kind, model or "", partial(self._app, scope, again), send)
        if fault is not None and fault.kind is FaultKind.CRASH and model is not None:
            self._crash(model)


async def _reply(kind: FaultKind, model: str, sound: Callable[[Send], Awaitable[None]], send: Send) -> None:
    """Send the reply of a fault: another one in place of the sound reply, or that changed."""
    if kind is FaultKind.REFUSE:
        raise DroppedConnection
    if kind in _REFUSALS:
        status, text = _REFUSALS[kind]
        await send_json(send, {"error": text.format(model=model)}, status=status)
        return
    if kind in _BODIES:
        content_type, body = _BODIES[kind]
        await send_bytes(send, body, headers={"content-type": content_type})
        return
    with suppress(_Stopped):
        await sound(_FaultInjector(kind, send).send)


def _faulty(kind: FaultKind, model: str, handler: BodyHandler) -> BodyHandler:
    """Return a handler of the server's own chat with a fault, for a route that translates it."""

    async def call(body: bytes, send: Send) -> None:
        await _reply(kind, model, partial(handler, body), send)

    return call


class _Stopped(Exception):  # noqa: N818 - ends the app's work on a response that is cut here
    """Raised into the app when the rest of its response is not needed."""


class _FaultInjector:
    """Forwards what the app sends, changed by the fault; an error response stays as it is."""

    def __init__(self, kind: FaultKind, send: Send) -> None:
        self._kind = kind
        self._send = send
        self._reply = SentReply(send)
        self._start: Event = {}
        self._lines = 0

    async def send(self, event: Event) -> None:
        """Forward one ASGI message; replaces the server's `send`."""
        if event["type"] == "http.response.start":
            self._start = event
            if self._is_stream or event["status"] != _OK:
                await self._send(event)
        elif self._start["status"] != _OK:
            await self._send(event)
        elif self._is_stream:
            await self._alter_line(event)
        else:
            await self._alter_whole(event["body"])

    @property
    def _is_stream(self) -> bool:
        return any(name == b"content-type" and _STREAM.search(value) for name, value in self._start["headers"])

    async def _alter_whole(self, body: bytes) -> None:
        if self._kind is FaultKind.CRASH:
            await send_json(self._send, {"error": CRASHED}, status=500)
        elif self._kind is FaultKind.CUT:
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise _Stopped
        else:
            await send_json(self._send, self._changed(json.loads(body)))

    async def _alter_line(self, event: Event) -> None:
        self._lines += 1
        last = not event.get("more_body", False)
        if self._kind in (FaultKind.CRASH, FaultKind.CUT):
            if self._lines <= _LINES_BEFORE_END and not last:
                await self._send(event)
                return
            if self._kind is FaultKind.CRASH:
                await self._reply.line({"error": CRASHED}, last=True)
            raise _Stopped
        if last and self._kind is FaultKind.NO_DONE:
            await self._reply.end_lines()
        else:
            await self._reply.line(self._changed(json.loads(event["body"])), last=last)

    def _changed(self, reply: dict[str, Json]) -> dict[str, Json]:
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
