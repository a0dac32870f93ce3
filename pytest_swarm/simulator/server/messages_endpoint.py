"""`/v1/messages`: requests and replies in the Anthropic form, over the server's own chat."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial

from pytest_swarm.simulator.server.asgi_messages import send_json
from pytest_swarm.simulator.server.field_checks import InvalidBody
from pytest_swarm.simulator.server.messages_replies import MessageEvents, message_error, message_object
from pytest_swarm.simulator.server.messages_requests import estimated_tokens, messages_body
from pytest_swarm.simulator.server.request_bodies import read_object, text_field
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.requested_names import refuse_cloud_model
from pytest_swarm.simulator.server.translated_replies import LIVE, json_event, streamed, whole
from pytest_swarm.simulator.transport import Send


class MessagesEndpoint:
    """Serves the route in the Anthropic form.

    Args:
        chat: The server's own handler of `/api/chat`.
    """

    def __init__(self, chat: Callable[[bytes, Send], Awaitable[None]]) -> None:
        self._chat = chat
        self._count = 0

    async def serve(self, body: bytes, send: Send) -> None:
        """Serve one request."""
        self._count += 1
        error = partial(message_error, self._count)
        try:
            if not body.strip():
                raise InvalidBody("EOF")
            data = read_object(body, "anthropic.MessagesRequest")
            refuse_cloud_model(text_field(data, "model"))
            native = messages_body(data)
        except InvalidBody as fault:
            await send_json(send, error(400, str(fault)), status=400)
            return
        if data.get("stream") is True:
            events = MessageEvents(self._count, text_field(data, "model"), estimated_tokens(data))
            sink = streamed(
                send,
                lambda line: (json_event(event, name=text_field(event, "type")) for event in events.events(line)),
                error=error,
                headers=LIVE,
            )
        else:
            sink = whole(send, partial(message_object, self._count), error=error)
        try:
            await self._chat(json.dumps(native).encode(), sink)
        except RequestError as refusal:
            await send_json(sink, {"error": str(refusal)}, status=refusal.status)
