"""Parses requests of `/api/chat` and `/api/generate` and checks them in the server's order, with its error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import DurationError, keep_alive_s
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.model_library import ModelLibrary, is_valid_name, long_name
from pytest_swarm.simulator.server.request_bodies import InvalidBody, JsonObject, read_object, text_field

_INTEGERS: Final = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "seed", "num_predict"}
    | {"top_k", "repeat_last_n", "draft_num_predict"}
)
_FLOATS: Final = frozenset(
    {"top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"}
)
_THINK_LEVELS: Final = ("high", "medium", "low", "max")
_THINK_CHOICE: Final = '"high", "medium", "low", "max", true, or false'


class RequestError(Exception):
    """A response with an error status; the message is the `error` of its body."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """One checked request of `/api/chat` or `/api/generate`.

    `requested_name` is the model's name as the client wrote it, `listed_name` as the server lists it. Without messages
    the request only loads the model, or unloads it if `keep_alive_s` is 0. As on the server, `format` is checked after
    the load.
    """

    chat: bool
    requested_name: str
    listed_name: str
    model: ModelSpec
    messages: tuple[Message, ...]
    options: Mapping[str, Json]
    keep_alive_s: float | None
    stream: bool
    raw: bool
    shift: bool
    format: Json
    template: str
    logprobs: int | None

    @property
    def unloads(self) -> bool:
        """Whether the request only unloads the model."""
        return not self.messages and self.keep_alive_s == 0

    @property
    def json_format(self) -> tuple[Json, bool]:
        """The JSON schema (or None), and whether plain JSON mode is on; RequestError 500 for an invalid format."""
        if self.format in (None, "", {}):
            return None, self.format == {}
        if self.format == "json":
            return None, True
        if isinstance(self.format, dict):
            return self.format, False
        quoted = json.dumps(json.dumps(self.format))
        raise RequestError(500, f'invalid format: {quoted}; expected "json" or a valid JSON Schema object')

    @property
    def num_predict(self) -> int | None:
        """The most tokens to generate; None without a limit."""
        limit = self.options.get("num_predict")
        return int(limit) if isinstance(limit, int | float) and limit > 0 else None

    @property
    def seed(self) -> int | None:
        """The seed; None if the request has none."""
        seed = self.options.get("seed")
        return int(seed) if isinstance(seed, int | float) else None


def parse_request(body: bytes, library: ModelLibrary, *, chat: bool) -> ParsedRequest:
    """Return the checked request.

    Args:
        body: The request body.
        library: The installed models.
        chat: True for `/api/chat`, False for `/api/generate`.

    Raises:
        RequestError: The server would reject the request; with its status and message.
    """
    kind = "ChatRequest" if chat else "GenerateRequest"
    try:
        data = read_object(body, kind)
        keep_s = keep_alive_s(data.get("keep_alive"))
    except (InvalidBody, DurationError) as error:
        raise RequestError(400, str(error)) from error
    wants_thinking = _wants_thinking(data.get("think"))
    requested_name = text_field(data, "model")
    listed_name, model = _find(requested_name, library, chat=chat)
    messages = _messages(data) if chat else _prompt(data)
    if wants_thinking:
        raise RequestError(400, f'"{requested_name}" does not support thinking')
    for field, what in (("suffix", "insert"), ("tools", "tools")):
        if data.get(field):
            raise RequestError(400, f"{long_name(listed_name)} does not support {what}")
    given = data.get("options") or {}
    assert isinstance(given, dict)  # checked by read_object
    check_options(given)
    stream, shift = data.get("stream"), data.get("shift")
    return ParsedRequest(
        chat=chat,
        requested_name=requested_name,
        listed_name=listed_name,
        model=model,
        messages=messages,
        options={**model.parameters, **{name: value for name, value in given.items() if value is not None}},
        keep_alive_s=keep_s,
        stream=stream is not False and bool(messages),
        raw=data.get("raw") is True,
        shift=shift is not False,
        format=data.get("format"),
        template=text_field(data, "template"),
        logprobs=_logprobs(data),
    )


def check_options(options: Mapping[str, Json]) -> None:
    """Raise RequestError 500 for an option of a wrong type; ignore unknown options and null, as the server does."""
    for name, value in options.items():
        if value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in _INTEGERS and not number:
            raise RequestError(500, f'option "{name}" must be of type integer')
        if name in _FLOATS and not number:
            raise RequestError(500, f'option "{name}" must be of type float32')
        if name == "use_mmap" and not isinstance(value, bool):
            raise RequestError(500, f'option "{name}" must be of type boolean')
        if name == "stop":
            if not isinstance(value, list):
                raise RequestError(500, f'option "{name}" must be of type array')
            if not all(isinstance(item, str) for item in value):
                raise RequestError(500, f'option "{name}" must be of an array of strings')


def _find(requested_name: str, library: ModelLibrary, *, chat: bool) -> tuple[str, ModelSpec]:
    if chat and not requested_name:
        raise RequestError(400, "model is required")
    if chat and not is_valid_name(requested_name):
        raise RequestError(400, "invalid model name")
    found = library.find(requested_name) if requested_name else None
    if found is None:
        raise RequestError(404, f"model '{requested_name}' not found")
    return found


def _messages(data: JsonObject) -> tuple[Message, ...]:
    rows = data.get("messages") or []
    assert isinstance(rows, list)  # checked by read_object
    return tuple(
        Message(role=text_field(row, "role"), content=text_field(row, "content"))
        for row in rows
        if isinstance(row, dict)
    )


def _prompt(data: JsonObject) -> tuple[Message, ...]:
    prompt, system = text_field(data, "prompt"), text_field(data, "system")
    if not prompt:
        return ()
    question = Message(role="user", content=prompt)
    return (Message(role="system", content=system), question) if system else (question,)


def _wants_thinking(think: Json) -> bool:
    if think is None or isinstance(think, bool):
        return think is True
    if not isinstance(think, str):
        raise RequestError(400, f"think must be a boolean or string ({_THINK_CHOICE})")
    if think not in _THINK_LEVELS:
        raise RequestError(400, f"invalid think value: {json.dumps(think)} (must be {_THINK_CHOICE})")
    return True


def _logprobs(data: JsonObject) -> int | None:
    """Return the number of alternatives per token; None without logprobs."""
    if data.get("logprobs") is not True:
        return None
    top = data.get("top_logprobs")
    return int(top) if isinstance(top, int | float) else 0
