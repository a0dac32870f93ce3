"""The `/v1` routes: each translates its request, calls the server's own route, and translates what that sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import send_json
from pytest_swarm.simulator.server.field_checks import InvalidBody, JsonObject
from pytest_swarm.simulator.server.openai_replies import (
    DONE,
    EventWriter,
    ReplyForm,
    error_reply,
    model_object,
    whole_reply,
)
from pytest_swarm.simulator.server.openai_requests import chat_body, completion_body, embedding_body
from pytest_swarm.simulator.server.request_bodies import read_object, text_field
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.requested_names import NO_CLOUD_DETAILS, refuse_cloud_model
from pytest_swarm.simulator.server.responses_replies import ResponseEvents, response_object
from pytest_swarm.simulator.server.responses_requests import responses_body, searches_web
from pytest_swarm.simulator.server.translated_replies import LIVE, json_event, server_event, streamed, whole
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

BodyHandler: TypeAlias = Callable[[bytes, Send], Awaitable[None]]
_Translate: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]


class OpenAiEndpoint:
    """Serves the routes in the OpenAI form.

    Args:
        routes: The server's own handlers by path: chat, generate, embed, tags and show.
    """

    def __init__(self, routes: dict[str, BodyHandler]) -> None:
        self._native = routes
        self._count = 0

    async def chat(self, body: bytes, send: Send) -> None:
        """Serve `/v1/chat/completions`."""
        await self._complete(body, send, "openai.ChatCompletionRequest")

    async def completion(self, body: bytes, send: Send) -> None:
        """Serve `/v1/completions`."""
        await self._complete(body, send, "openai.CompletionRequest")

    async def responses(self, body: bytes, send: Send) -> None:
        """Serve `/v1/responses`."""
        try:
            data = _read(body, "openai.ResponsesRequest")
            native = responses_body(data)
        except InvalidBody as error:
            await send_json(send, error_reply(400, str(error)), status=400)
            return
        number = self._next_number()
        if data.get("stream") is True:
            events = ResponseEvents(data, number)

            def failed(status: int, text: str) -> Iterator[bytes]:
                time_s = int(wall_time_s(asyncio.get_running_loop()))
                return _named(events.failure(status, text, time_s=time_s))

            sink = streamed(
                send,
                lambda line: _named(events.events(line)),
                error=error_reply,
                headers=LIVE,
                failure=failed if searches_web(data) else None,
            )
        else:
            sink = _whole(send, lambda reply: response_object(data, number, reply))
        await self._call("/api/chat", native, sink)

    async def embeddings(self, body: bytes, send: Send) -> None:
        """Serve `/v1/embeddings`."""
        try:
            data = _read(body, "openai.EmbedRequest")
            native = embedding_body(data)
        except InvalidBody as error:
            await send_json(send, error_reply(400, str(error)), status=400)
            return
        name = text_field(data, "model")

        def translate(reply: dict[str, Json]) -> dict[str, Json]:
            vectors = reply.get("embeddings")
            rows: list[Json] = [
                {"object": "embedding", "embedding": vector, "index": index}
                for index, vector in enumerate(vectors if isinstance(vectors, list) else [])
            ]
            return {"object": "list", "data": rows or None, "model": name, "usage": _NO_USAGE}

        await self._call("/api/embed", native, _whole(send, translate))

    async def models(self, body: bytes, send: Send) -> None:
        """Serve `/v1/models`."""

        def translate(reply: dict[str, Json]) -> dict[str, Json]:
            rows = reply.get("models")
            found: list[Json] = [
                model_object(text_field(row, "model"), text_field(row, "modified_at"))
                for row in (rows if isinstance(rows, list) else [])
                if isinstance(row, dict)
            ]
            return {"object": "list", "data": found or None}

        await self._native["/api/tags"](body, _whole(send, translate))

    async def model(self, name: str, send: Send) -> None:
        """Serve `/v1/models/NAME`."""
        refuse_cloud_model(name, unavailable=NO_CLOUD_DETAILS)
        await self._call(
            "/api/show",
            {"name": name},
            _whole(send, lambda reply: model_object(name, text_field(reply, "modified_at"))),
        )

    async def _complete(self, body: bytes, send: Send, kind: str) -> None:
        chat = kind == "openai.ChatCompletionRequest"
        try:
            data = _read(body, kind)
            native = chat_body(data) if chat else completion_body(data)
        except InvalidBody as error:
            await send_json(send, error_reply(400, str(error)), status=400)
            return
        number = self._next_number()
        usage = data.get("stream_options")
        form = ReplyForm(
            reply_id=f"{'chatcmpl' if chat else 'cmpl'}-{number}",
            chat=chat,
            with_usage=isinstance(usage, dict) and usage.get("include_usage") is True,
        )
        if data.get("stream") is True:
            writer = EventWriter(form)
            sink = streamed(send, lambda line: map(_event, writer.events(line)), error=error_reply)
        else:
            sink = _whole(send, lambda reply: whole_reply(reply, form))
        await self._call("/api/chat" if chat else "/api/generate", native, sink)

    def _next_number(self) -> int:
        self._count = (self._count + 1) % 999
        return self._count

    async def _call(self, path: str, request: dict[str, Json], sink: Send) -> None:
        """Call one of the server's own routes; its refusal goes through the same translation as its reply."""
        try:
            await self._native[path](json.dumps(request, separators=(",", ":")).encode(), sink)
        except RequestError as refusal:
            await send_json(sink, {"error": str(refusal)}, status=refusal.status)


_NO_USAGE: Json = {"prompt_tokens": 0, "total_tokens": 0}


def _read(body: bytes, kind: str) -> JsonObject:
    if not body.strip():
        raise InvalidBody("EOF")
    data = read_object(body, kind)
    refuse_cloud_model(text_field(data, "model"))
    return data


def _whole(send: Send, translate: _Translate) -> Send:
    return whole(send, translate, error=error_reply)


def _named(events: Iterable[tuple[str, Json]]) -> Iterator[bytes]:
    return (json_event(value, name=name) for name, value in events)


def _event(value: Json) -> bytes:
    return server_event(DONE) if value == DONE else json_event(value)
