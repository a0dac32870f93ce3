"""The `/v1` routes: each translates its request, calls the server's own route, and translates what that sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.field_checks import JsonObject
from pytest_swarm.simulator.server.openai_replies import (
    DONE,
    EventWriter,
    ReplyForm,
    error_reply,
    model_object,
    whole_reply,
)
from pytest_swarm.simulator.server.openai_requests import chat_body, completion_body, embedding_body
from pytest_swarm.simulator.server.request_bodies import text_field
from pytest_swarm.simulator.server.requested_names import NO_CLOUD_DETAILS, refuse_cloud_model
from pytest_swarm.simulator.server.responses_replies import ResponseEvents, response_object
from pytest_swarm.simulator.server.responses_requests import responses_body, searches_web
from pytest_swarm.simulator.server.translated_calls import NativeCall, NativeRoutes
from pytest_swarm.simulator.server.translated_replies import LIVE, json_event, server_event, streamed, whole
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

_TranslateReply: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]
_TranslateRequest: TypeAlias = Callable[[Send, JsonObject], NativeCall]


class OpenAiEndpoint:
    """Serves the routes in the OpenAI form.

    Args:
        native: The server's own routes: chat, generate, embed, tags and show.
    """

    def __init__(self, native: NativeRoutes) -> None:
        self._native = native

    async def chat(self, body: bytes, send: Send) -> None:
        """Serve `/v1/chat/completions`."""
        await self._serve(body, send, partial(self._completion, chat=True), "openai.ChatCompletionRequest")

    async def completion(self, body: bytes, send: Send) -> None:
        """Serve `/v1/completions`."""
        await self._serve(body, send, partial(self._completion, chat=False), "openai.CompletionRequest")

    async def responses(self, body: bytes, send: Send) -> None:
        """Serve `/v1/responses`."""
        await self._serve(body, send, self._response, "openai.ResponsesRequest")

    async def embeddings(self, body: bytes, send: Send) -> None:
        """Serve `/v1/embeddings`."""
        await self._serve(body, send, _embedding, "openai.EmbedRequest")

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

        await self._native.handlers["/api/tags"](body, _whole(send, translate))

    async def model(self, name: str, send: Send) -> None:
        """Serve `/v1/models/NAME`."""
        refuse_cloud_model(name, unavailable=NO_CLOUD_DETAILS)
        sink = _whole(send, lambda reply: model_object(name, text_field(reply, "modified_at")))
        await self._native.call(NativeCall(path="/api/show", request={"name": name}, sink=sink))

    async def _serve(self, body: bytes, send: Send, translate: _TranslateRequest, kind: str) -> None:
        await self._native.serve(body, send, partial(translate, send), kind=kind, error=error_reply)

    def _completion(self, send: Send, data: JsonObject, *, chat: bool) -> NativeCall:
        request = chat_body(data) if chat else completion_body(data)
        usage = data.get("stream_options")
        form = ReplyForm(
            reply_id=f"{'chatcmpl' if chat else 'cmpl'}-{self._next_number()}",
            chat=chat,
            with_usage=isinstance(usage, dict) and usage.get("include_usage") is True,
        )
        if data.get("stream") is True:
            writer = EventWriter(form)
            sink = streamed(send, lambda line: map(_event, writer.events(line)), error=error_reply)
        else:
            sink = _whole(send, lambda reply: whole_reply(reply, form))
        return NativeCall(path="/api/chat" if chat else "/api/generate", request=request, sink=sink)

    def _response(self, send: Send, data: JsonObject) -> NativeCall:
        request, number = responses_body(data), self._next_number()
        if data.get("stream") is not True:
            sink = _whole(send, lambda reply: response_object(data, number, reply))
            return NativeCall(path="/api/chat", request=request, sink=sink)
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
        return NativeCall(path="/api/chat", request=request, sink=sink)

    def _next_number(self) -> int:
        return next(self._native.numbers) % 999


def _embedding(send: Send, data: JsonObject) -> NativeCall:
    request, name = embedding_body(data), text_field(data, "model")

    def translate(reply: dict[str, Json]) -> dict[str, Json]:
        vectors = reply.get("embeddings")
        rows: list[Json] = [
            {"object": "embedding", "embedding": vector, "index": index}
            for index, vector in enumerate(vectors if isinstance(vectors, list) else [])
        ]
        return {"object": "list", "data": rows or None, "model": name, "usage": _NO_USAGE}

    return NativeCall(path="/api/embed", request=request, sink=_whole(send, translate))


_NO_USAGE: Json = {"prompt_tokens": 0, "total_tokens": 0}


def _whole(send: Send, translate: _TranslateReply) -> Send:
    return whole(send, translate, error=error_reply)


def _named(events: Iterable[tuple[str, Json]]) -> Iterator[bytes]:
    return (json_event(value, name=name, sort_keys=True) for name, value in events)


def _event(value: Json) -> bytes:
    return server_event(DONE) if value == DONE else json_event(value)
