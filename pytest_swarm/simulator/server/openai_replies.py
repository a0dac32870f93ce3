"""Replies in the OpenAI form, translated from the server's own: whole objects, streamed events and errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, text_field

DONE: Final = "[DONE]"
_FINGERPRINT: Final = "fp_ollama"
_ERROR_TYPES: Final = {400: "invalid_request_error", 404: "not_found_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """How a reply is written: its ID, chat or plain completion, and whether a stream ends with the usage."""

    reply_id: str
    chat: bool
    with_usage: bool = False


def error_reply(status: int, message: str) -> dict[str, Json]:
    """Return the error object for a status.

    Args:
        status: HTTP status.
        message: What is wrong.
    """
    kind = _ERROR_TYPES.get(status, "api_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def whole_reply(reply: JsonObject, form: ReplyForm) -> dict[str, Json]:
    """Return a reply that is not streamed.

    Args:
        reply: The server's own reply.
        form: How it is written.
    """
    reason = reply.get("done_reason") or None
    choice: dict[str, Json] = {"index": 0, "message": reply.get("message"), "finish_reason": reason}
    if not form.chat:
        choice = {"text": text_field(reply, "response"), "index": 0, "finish_reason": reason}
    elif reply.get("logprobs"):
        choice["logprobs"] = {"content": reply["logprobs"]}
    kind = "chat.completion" if form.chat else "text_completion"
    return {**_head(reply, form, kind), "choices": [choice], "usage": _usage(reply)}


class EventWriter:
    """Turns the lines of one stream into events; the time of the first line stands in all of them.

    Args:
        form: How the events are written.
    """

    def __init__(self, form: ReplyForm) -> None:
        self._form = form
        self._head: dict[str, Json] | None = None

    def events(self, line: JsonObject) -> Iterator[Json]:
        """Yield the events of one line of the stream; a text is not an object."""
        return self._chat_events(line) if self._form.chat else self._completion_events(line)

    def _chat_events(self, line: JsonObject) -> Iterator[Json]:
        first = self._head is None
        head = self._line_head(line, "chat.completion.chunk")
        content, done = chat_text(line), line.get("done") is True
        if first or content or not done:
            role: dict[str, Json] = {"role": "assistant"} if first else {}
            choice: dict[str, Json] = {"index": 0, "delta": {**role, "content": content}, "finish_reason": None}
            if line.get("logprobs"):
                choice["logprobs"] = {"content": line["logprobs"]}
            yield {**head, "choices": [choice]}
        if done:
            yield {
                **head,
                "choices": [{"index": 0, "delta": {}, "finish_reason": line.get("done_reason") or "stop"}],
            }
            if self._form.with_usage:
                yield {**head, "choices": [], "usage": _usage(line)}
            yield DONE

    def _completion_events(self, line: JsonObject) -> Iterator[Json]:
        head = self._line_head(line, "text_completion")
        choice: dict[str, Json] = {
            "text": text_field(line, "response"),
            "index": 0,
            "finish_reason": line.get("done_reason") or None,
        }
        last = {key: head.pop(key) for key in ("model", "system_fingerprint")}
        usage = {"usage": _usage({})} if self._form.with_usage else {}
        yield {**head, "choices": [choice], **last, **usage}
        if line.get("done") is True:
            if self._form.with_usage:
                yield {**head, "choices": [], **last, "usage": _usage(line)}
            yield DONE

    def _line_head(self, line: JsonObject, kind: str) -> dict[str, Json]:
        """Return the head of a line's events; a line that tells an error has no model."""
        self._head = self._head or _head(line, self._form, kind)
        return {**self._head, "model": text_field(line, "model")}


def model_object(name: str, modified_at: str) -> dict[str, Json]:
    """Return a model of `/v1/models`.

    Args:
        name: The model's name.
        modified_at: Time of its installation in RFC 3339.
    """
    return {
        "id": name,
        "object": "model",
        "created": unix_seconds(modified_at),
        "owned_by": parse_name(name).namespace,
    }


def _head(reply: JsonObject, form: ReplyForm, kind: str) -> dict[str, Json]:
    return {
        "id": form.reply_id,
        "object": kind,
        "created": unix_seconds(text_field(reply, "created_at")),
        "model": text_field(reply, "model"),
        "system_fingerprint": _FINGERPRINT,
    }


def _usage(reply: JsonObject) -> Json:
    prompt, completion = token_counts(reply)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chat_text(reply: JsonObject) -> str:
    """Return the text of a line or of a whole reply of the server's own chat."""
    return text_field(object_of(reply.get("message")), "content")


def token_counts(reply: JsonObject) -> tuple[int, int]:
    """Return the tokens of the prompt and of the answer, as the server counted them; 0 where it did not."""
    prompt, completion = (reply.get(name) for name in ("prompt_eval_count", "eval_count"))
    return prompt if isinstance(prompt, int) else 0, completion if isinstance(completion, int) else 0


def unix_seconds(time: str) -> int:
    """Return the whole seconds since 1970 of the server's timestamp."""
    return int(datetime.fromisoformat(time).timestamp())
