"""Requests in another form than the server's own: each is read, translated once, served, and answered in its form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.asgi_messages import send_json
from pytest_swarm.simulator.server.field_checks import InvalidBody
from pytest_swarm.simulator.server.reply_sinks import JsonHandler
from pytest_swarm.simulator.server.request_bodies import read_object
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import JsonObject, text_field
from pytest_swarm.simulator.server.requested_names import refuse_cloud_model
from pytest_swarm.simulator.server.translated_replies import ErrorForm, TranslatedReply
from pytest_swarm.simulator.transport import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCall:
    """A translated request: the server's own route, the body for it, and what sends its reply on."""

    path: str
    request: Mapping[str, Json]
    reply: TranslatedReply


class NativeRoutes:
    """The server's own routes, as those in another form call them.

    Args:
        handlers: The handlers by path.
        numbers: The numbers of the replies, which are part of their IDs.
    """

    def __init__(self, handlers: Mapping[str, JsonHandler], *, numbers: Iterator[int]) -> None:
        self.handlers = handlers
        self.numbers = numbers

    async def serve(
        self, body: bytes, send: Send, translate: Callable[[JsonObject], NativeCall], *, kind: str, error: ErrorForm
    ) -> None:
        """Serve a request in another form.

        Args:
            body: Its body.
            send: The ASGI callable for the response.
            translate: Returns the request in the server's own form; raises InvalidBody with the server's message.
            kind: The server's name of the request type, such as `openai.EmbedRequest`.
            error: Returns an error in the other form.
        """
        try:
            if not body.strip():
                raise InvalidBody("EOF")
            data = read_object(body, kind)
            refuse_cloud_model(text_field(data, "model"))
            call = translate(data)
        except InvalidBody as fault:
            await send_json(send, error(400, str(fault)), status=400)
            return
        await self.call(call)

    async def call(self, call: NativeCall) -> None:
        """Call one of the server's own routes; its refusal is translated like its reply."""
        try:
            await self.handlers[call.path](json.dumps(call.request, separators=(",", ":")).encode(), call.reply)
        except RequestError as refusal:
            await call.reply.refuse(refusal)
