"""Replies of `/v1/responses`, translated from the server's own chat: the response object and the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.openai_replies import chat_text, token_counts, unix_seconds
from pytest_swarm.simulator.server.request_values import JsonObject, object_of, rows_of, text_field
from pytest_swarm.simulator.server.responses_requests import text_format

_WITH_EXPONENT: Final = 1e21  # Go writes a number from here on with an exponent
_TEXT_KEYS: Final = ("name", "schema", "strict")


def response_object(request: JsonObject, number: int, reply: JsonObject) -> dict[str, Json]:
    """Return a reply that is not streamed.

    Args:
        request: The request, whose settings the reply repeats.
        number: The number of the reply, for its IDs.
        reply: The server's own reply.
    """
    time_s = unix_seconds(text_field(reply, "created_at"))
    told: dict[str, Json] = {
        "reasoning": _reasoning(request, empty=False),
        "output": [_message(number, chat_text(reply), status="completed")],
    }
    return {**_head(request, number, time_s), **_end(reply, time_s), **told}


class ResponseEvents:
    """Turns the lines of one chat into the events of one response; they are numbered in order.

    Args:
        request: The request, whose settings the response repeats.
        number: The number of the response, for its IDs.
    """

    def __init__(self, request: JsonObject, number: int) -> None:
        self._request = request
        self._number = number
        self._sequence = 0
        self._text = ""
        self._started = self._has_text = False

    def events(self, line: JsonObject) -> Iterator[tuple[str, Json]]:
        """Yield the events of one line: each with its name."""
        if not self._started:
            yield from self._begin(unix_seconds(text_field(line, "created_at")))
        if text := chat_text(line):
            yield from self._more(text)
        if line.get("done") is True:
            yield from self._end(line, unix_seconds(text_field(line, "created_at")))

    def failure(self, status: int, text: str, *, time_s: int) -> Iterator[tuple[str, Json]]:
        """Yield the events of a response that failed before its first token.

        Args:
            status: HTTP status, which a stream that has begun does not show.
            text: What is wrong.
            time_s: Time of the failure, in seconds since 1970.
        """
        yield from self._begin(time_s)
        code = "rate_limit_exceeded" if status == HTTPStatus.TOO_MANY_REQUESTS else "api_error"
        yield self._event(
            "response.failed",
            response={
                "id": f"resp_{self._number}",
                "object": "response",
                "status": "failed",
                "model": text_field(self._request, "model"),
                "output": [],
                "error": {"code": code, "message": text},
                "usage": dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), 0),
            },
        )

    def _begin(self, time_s: int) -> Iterator[tuple[str, Json]]:
        self._started = True
        for name in ("response.created", "response.in_progress"):
            yield self._event(name, response=self._response(time_s))

    def _more(self, text: str) -> Iterator[tuple[str, Json]]:
        if not self._has_text:
            self._has_text = True
            item = _message(self._number, "", status="in_progress")
            yield self._event("response.output_item.added", output_index=0, item={**item, "content": []})
            yield self._part_event("response.content_part.added", part=_part(""))
        self._text += text
        yield self._part_event("response.output_text.delta", delta=text, logprobs=[])

    def _end(self, line: JsonObject, time_s: int) -> Iterator[tuple[str, Json]]:
        output: Json = None
        if self._has_text:
            item = _message(self._number, self._text, status="completed")
            output = [item]
            yield self._part_event("response.output_text.done", text=self._text, logprobs=[])
            yield self._part_event("response.content_part.done", part=_part(self._text))
            yield self._event("response.output_item.done", output_index=0, item=item)
        response = self._response(time_s) | _end(line, time_s) | {"output": output}
        yield self._event("response.completed", response=response)

    def _response(self, time_s: int) -> dict[str, Json]:
        return {**_head(self._request, self._number, time_s), "reasoning": _reasoning(self._request, empty=True)}

    def _part_event(self, name: str, **values: Json) -> tuple[str, Json]:
        return self._event(name, item_id=_item_id(self._number), output_index=0, content_index=0, **values)

    def _event(self, name: str, **values: Json) -> tuple[str, Json]:
        self._sequence += 1
        return name, {**values, "type": name, "sequence_number": self._sequence - 1}


def _end(reply: JsonObject, time_s: int) -> dict[str, Json]:
    return {"completed_at": time_s, "status": "completed", "usage": _usage(reply)}


def _head(request: JsonObject, number: int, time_s: int) -> dict[str, Json]:
    """Return a response that has no output yet, key for key as the server writes it: mostly settings of its request."""
    truncation, temperature, top_p = (request.get(name) for name in ("truncation", "temperature", "top_p"))
    form = text_format(request)
    told = {key: form[key] for key in _TEXT_KEYS if key in form and (key == "schema" or form[key] not in (None, ""))}
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": time_s,
        "completed_at": None,
        "status": "in_progress",
        "incomplete_details": None,
        "model": text_field(request, "model"),
        "previous_response_id": None,
        "instructions": text_field(request, "instructions") or None,
        "output": [],
        "error": None,
        "tools": list(_tools(request.get("tools"))),
        "tool_choice": "auto",
        "truncation": "disabled" if truncation is None else truncation,
        "parallel_tool_calls": True,
        "text": {"format": {"type": text_field(form, "type"), **told}},
        "top_p": 1 if top_p is None else _shortest(top_p),
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_logprobs": 0,
        "temperature": 1 if temperature is None else _shortest(temperature),
        "reasoning": None,
        "usage": None,
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": None,
        "store": False,
        "background": request.get("background") is True,
        "service_tier": "default",
        "metadata": {},
        "safety_identifier": None,
        "prompt_cache_key": None,
    }


def _tools(given: Json) -> Iterator[Json]:
    for tool in rows_of(given):
        names: dict[str, Json] = {key: text_field(tool, key) for key in ("type", "name")}
        yield names | {key: tool.get(key) for key in ("description", "strict", "parameters")}


def _shortest(number: Json) -> Json:
    """Return a number as Go writes it: without a fraction of zero."""
    if isinstance(number, float) and number.is_integer() and abs(number) < _WITH_EXPONENT:
        return int(number)
    return number


def _reasoning(request: JsonObject, *, empty: bool) -> Json:
    """Return the effort that a request asks for; with `empty` also the keys that it does not give."""
    given = object_of(request.get("reasoning"))
    values = {key: text_field(given, key) for key in ("effort", "summary")}
    if not any(values.values()):
        return None
    return {key: value or None for key, value in values.items() if value or empty}


def _message(number: int, text: str, *, status: str) -> dict[str, Json]:
    content: list[Json] = [_part(text)]
    return {
        "id": _item_id(number),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _part(text: str) -> dict[str, Json]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item_id(number: int) -> str:
    return f"msg_{number}"


def _usage(reply: JsonObject) -> dict[str, Json]:
    prompt, completion = token_counts(reply)
    return {
        "input_tokens": prompt,
        "output_tokens": completion,
        "total_tokens": prompt + completion,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
