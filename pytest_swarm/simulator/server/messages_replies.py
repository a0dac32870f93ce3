"""Replies of `/v1/messages` (the Anthropic form), translated from the server's own chat: whole, events and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.openai_replies import chat_text, token_counts
from pytest_swarm.simulator.server.request_values import JsonObject, text_field

_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_STOP_REASONS: Final[Mapping[str, str]] = {"": "", "stop": "end_turn", "length": "max_tokens"}
_OTHER_REASON: Final = "stop_sequence"  # such as that of a request that only loads a model


def message_error(number: int, status: int, text: str) -> dict[str, Json]:
    """Return the error object for a status.

    Args:
        number: The number of the reply, for its ID.
        status: HTTP status.
        text: What is wrong.
    """
    error: Json = {"type": _ERROR_TYPES.get(status, "api_error"), "message": text}
    return {"type": "error", "error": error, "request_id": f"req_{number:024x}"}


def message_object(number: int, reply: JsonObject) -> dict[str, Json]:
    """Return a reply that is not streamed.

    Args:
        number: The number of the reply, for its ID.
        reply: The server's own reply.
    """
    text = chat_text(reply)
    content: Json = [{"type": "text", "text": text}] if text else None
    return {**_head(number, text_field(reply, "model"), content), **_stop(reply), "usage": _usage(reply)}


class MessageEvents:
    """Turns the lines of one chat into the events of one message.

    Args:
        number: The number of the message, for its ID.
        model: The name of the model as the request has it.
        prompt_tokens: The estimate that stands in the first event.
    """

    def __init__(self, number: int, model: str, prompt_tokens: int) -> None:
        self._number = number
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._started = self._has_text = False

    def events(self, line: JsonObject) -> Iterator[dict[str, Json]]:
        """Yield the events of one line; the type of each is its name."""
        if not self._started:
            self._started = True
            tokens = token_counts(line)[0] or self._prompt_tokens
            usage: Json = {"input_tokens": tokens, "output_tokens": 0}
            yield {"type": "message_start", "message": {**_head(self._number, self._model, []), "usage": usage}}
        if text := chat_text(line):
            if not self._has_text:
                self._has_text = True
                yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        if line.get("done") is True:
            if self._has_text:
                yield {"type": "content_block_stop", "index": 0}
            yield {"type": "message_delta", "delta": _stop(line), "usage": _usage(line)}
            yield {"type": "message_stop"}


def _head(number: int, model: str, content: Json) -> dict[str, Json]:
    return {
        "id": f"msg_{number:024x}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
    }


def _stop(reply: JsonObject) -> dict[str, Json]:
    """Return why a reply ended; nothing where the server does not say."""
    reason = _STOP_REASONS.get(text_field(reply, "done_reason"), _OTHER_REASON)
    return {"stop_reason": reason} if reason else {}


def _usage(reply: JsonObject) -> Json:
    prompt, completion = token_counts(reply)
    return {"input_tokens": prompt, "output_tokens": completion}
