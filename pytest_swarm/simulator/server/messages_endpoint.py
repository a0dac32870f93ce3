"""`/v1/messages`: requests and replies in the Anthropic form, over the server's own chat."""

from __future__ import annotations

from functools import partial

from pytest_swarm.simulator.server.messages_replies import MessageEvents, message_error, message_object
from pytest_swarm.simulator.server.messages_requests import estimated_tokens, messages_body
from pytest_swarm.simulator.server.request_values import JsonObject, text_field
from pytest_swarm.simulator.server.translated_calls import NativeCall, NativeRoutes
from pytest_swarm.simulator.server.translated_replies import LIVE, EventStream, TranslatedReply, WholeReply, json_event
from pytest_swarm.simulator.transport import Send


class MessagesEndpoint:
    """Serves the route in the Anthropic form.

    Args:
        native: The server's own routes, of which chat is called.
    """

    def __init__(self, native: NativeRoutes) -> None:
        self._native = native

    async def serve(self, body: bytes, send: Send) -> None:
        """Serve one request."""
        number = next(self._native.numbers)
        error = partial(message_error, number)

        def translate(data: JsonObject) -> NativeCall:
            request = messages_body(data)
            if data.get("stream") is True:
                events = MessageEvents(number, text_field(data, "model"), estimated_tokens(data))
                reply: TranslatedReply = EventStream(
                    send,
                    lambda line: (json_event(event, name=text_field(event, "type")) for event in events.events(line)),
                    error=error,
                    headers=LIVE,
                )
            else:
                reply = WholeReply(send, partial(message_object, number), error=error)
            return NativeCall(path="/api/chat", request=request, reply=reply)

        await self._native.serve(body, send, translate, kind="anthropic.MessagesRequest", error=error)
