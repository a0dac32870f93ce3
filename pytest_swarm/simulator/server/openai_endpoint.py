"""The `/v1` routes: each translates its request, calls the server's own route, and translates what that sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.openai_replies import (
    DONE,
    EventWriter,
    ReplyForm,
    error_reply,
    model_object,
    whole_reply,
)
from pytest_swarm.simulator.server.openai_requests import chat_body, completion_body, embedding_body
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, rows_of, text_field
from pytest_swarm.simulator.server.requested_names import NO_CLOUD_DETAILS, refuse_cloud_model
from pytest_swarm.simulator.server.responses_replies import ResponseEvents, response_object
from pytest_swarm.simulator.server.responses_requests import responses_body, searches_web
from pytest_swarm.simulator.server.translated_calls import NativeCall, NativeRoutes
from pytest_swarm.simulator.server.translated_replies import (
    LIVE,
    EventStream,
    TranslatedReply,
    WholeReply,
    json_event,
    server_event,
)
from pytest_swarm.simulator.transport import Send
from pytest_swarm.simulator.virtual_loop import wall_time_s

_TranslateReply: TypeAlias = Callable[[JsonObject], dict[str, Json]]
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

        def translate(reply: JsonObject) -> dict[str, Json]:
            rows = rows_of(reply.get("models"))
            found: list[Json] = [model_object(text_field(row, "model"), text_field(row, "modified_at")) for row in rows]
            return {"object": "list", "data": found or None}

        await self._native.handlers["/api/tags"](body, _whole(send, translate))

    async def model(self, name: str, send: Send) -> None:
        """Serve `/v1/models/NAME`."""
        refuse_cloud_model(name, unavailable=NO_CLOUD_DETAILS)
        reply = _whole(send, lambda shown: model_object(name, text_field(shown, "modified_at")))
        await self._native.call(NativeCall(path="/api/show", request={"name": name}, reply=reply))

    async def _serve(self, body: bytes, send: Send, translate: _TranslateRequest, kind: str) -> None:
        await self._native.serve(body, send, partial(translate, send), kind=kind, error=error_reply)

    def _completion(self, send: Send, data: JsonObject, *, chat: bool) -> NativeCall:
        request = chat_body(data) if chat else completion_body(data)
        form = ReplyForm(
            reply_id=f"{'chatcmpl' if chat else 'cmpl'}-{self._next_number()}",
            chat=chat,
            with_usage=object_of(data.get("stream_options")).get("include_usage") is True,
        )
        if data.get("stream") is True:
            writer = EventWriter(form)
            reply: TranslatedReply = EventStream(send, lambda line: map(_event, writer.events(line)), error=error_reply)
        else:
            reply = _whole(send, lambda native: whole_reply(native, form))
        return NativeCall(path="/api/chat" if chat else "/api/generate", request=request, reply=reply)

    def _response(self, send: Send, data: JsonObject) -> NativeCall:
        request, number = responses_body(data), self._next_number()
        if data.get("stream") is not True:
            whole = _whole(send, lambda native: response_object(data, number, native))
            return NativeCall(path="/api/chat", request=request, reply=whole)
        events = ResponseEvents(data, number)

        def failed(status: int, text: str) -> Iterator[bytes]:
            time_s = int(wall_time_s(asyncio.get_running_loop()))
            return _named(events.failure(status, text, time_s=time_s))

        reply = EventStream(
            send,
            lambda line: _named(events.events(line)),
            error=error_reply,
            headers=LIVE,
            failure=failed if searches_web(data) else None,
        )
        return NativeCall(path="/api/chat", request=request, reply=reply)

    def _next_number(self) -> int:
        return next(self._native.numbers) % 999


def _embedding(send: Send, data: JsonObject) -> NativeCall:
    request, name = embedding_body(data), text_field(data, "model")
    told: dict[str, Json] = {"object": "list", "data": None, "model": name}  # a chat model embeds nothing
    told["usage"] = {"prompt_tokens": 0, "total_tokens": 0}
    return NativeCall(path="/api/embed", request=request, reply=_whole(send, lambda _: told))


def _whole(send: Send, translate: _TranslateReply) -> WholeReply:
    return WholeReply(send, translate, error=error_reply)


def _named(events: Iterable[tuple[str, Json]]) -> Iterator[bytes]:
    return (json_event(value, name=name, sort_keys=True) for name, value in events)


def _event(value: Json) -> bytes:
    return server_event(DONE) if value == DONE else json_event(value)
