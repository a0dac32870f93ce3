"""Parses requests of `/api/chat` and `/api/generate` and checks them in the server's order, with its error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import keep_alive_s
from pytest_swarm.simulator.server.go_values import go_int, go_quoted
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.model_library import LibraryModel, ModelLibrary
from pytest_swarm.simulator.server.prompt_window import NUM_KEEP
from pytest_swarm.simulator.server.request_bodies import read_request
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.request_values import (
    JsonObject,
    items_of,
    messages_of,
    object_of,
    rows_of,
    text_field,
)
from pytest_swarm.simulator.server.requested_names import requested_name

_INTEGERS: Final = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "seed", "num_predict"}
    | {"top_k", "repeat_last_n", "draft_num_predict"}
)
_FLOATS: Final = frozenset(
    {"top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"}
)
_LONGEST_CONTEXTS: Final = 10  # the longest reply, in lengths of the context
_MOST_ALTERNATIVES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """One checked request of `/api/chat` or `/api/generate`.

    `requested_name` is the model's name as the client wrote it, `listed_name` as the server lists it. Without messages
    the request only loads the model, or unloads it if `keep_alive_s` is 0. `context` are the
    tokens of an earlier reply, in front of the prompt. As on the server, `format` is checked after the
    load.
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
    truncate: bool
    format: Json
    template: str
    logprobs: int | None
    images: int = 0
    context: tuple[int, ...] = ()

    @property
    def unloads(self) -> bool:
        """Whether the request only unloads the model."""
        return not self.messages and self.keep_alive_s == 0

    @property
    def json_format(self) -> tuple[Json, bool]:
        """The JSON schema (or None), and whether plain JSON mode is on."""
        return self.format if isinstance(self.format, dict) and self.format else None, self.format in ("json", {})

    @property
    def format_fault(self) -> str | None:
        """Why the server refuses the format; None where it takes it."""
        if self.format in (None, "", "json") or isinstance(self.format, dict):
            return None
        told = go_quoted(json.dumps(self.format, ensure_ascii=False, separators=(",", ":")))
        return f'invalid format: {told}; expected "json" or a valid JSON Schema object'

    def most_tokens(self, num_ctx: int) -> int | None:
        """Return the most tokens to generate: `num_predict`, at most ten times `num_ctx`; None without any limit.

        A negative number is the longest limit. 0 is no limit at all.
        """
        wanted, longest = self.whole_option("num_predict", -1), _LONGEST_CONTEXTS * num_ctx
        if wanted == 0:
            return None
        return wanted if 0 < wanted <= longest else longest

    @property
    def num_keep(self) -> int:
        """Tokens at the beginning of a prompt that stay when it is cut; negative for as many as possible."""
        return self.whole_option("num_keep", NUM_KEEP)

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end a reply."""
        return tuple(each for each in items_of(self.options.get("stop")) if isinstance(each, str))

    def whole_option(self, name: str, default: int) -> int:
        """Return an option as a whole number.

        Args:
            name: The option.
            default: Its value if neither the request nor the model sets it.
        """
        value = self.options.get(name)
        return go_int(value) if isinstance(value, int | float) else default

    @property
    def seed(self) -> int | None:
        """The seed; None if the request has none."""
        seed = self.options.get("seed")
        return int(seed) if isinstance(seed, int | float) else None


def parse_request(body: bytes, library: ModelLibrary, *, chat: bool) -> ParsedRequest:
    """Return the checked request of a body.

    Args:
        body: The request body.
        library: The installed models.
        chat: True for `/api/chat`, False for `/api/generate`.

    Raises:
        RequestError: The server would reject the request; with its status and message.
    """
    return check_request(read_request(body, "ChatRequest" if chat else "GenerateRequest"), library, chat=chat)


def check_request(data: JsonObject, library: ModelLibrary, *, chat: bool) -> ParsedRequest:
    """Return the checked request of a JSON object.

    Args:
        data: The fields of the request, each of the type that the server reads.
        library: The installed models.
        chat: True for `/api/chat`, False for `/api/generate`.

    Raises:
        RequestError: The server would reject the request; with its status and message.
    """
    keep_s = keep_alive_s(data.get("keep_alive"))
    wants_thinking = bool(data.get("think"))
    logprobs = _logprobs(data)
    installed = _find(text_field(data, "model"), library, chat=chat)
    messages = messages_of(data.get("messages")) if chat else _prompt(data)
    options: dict[str, Json] = {}
    if messages or keep_s != 0:  # a request that unloads is not checked any further
        _check_support(data, installed, wants_thinking=wants_thinking)
        options = read_options(data, installed.spec)
    context = data.get("context")
    return ParsedRequest(
        chat=chat,
        requested_name=text_field(data, "model"),
        listed_name=installed.name,
        model=installed.spec,
        messages=messages
        if data.get("raw") is True
        else _with_model_messages(messages, installed, alone=context is not None),
        options=options,
        keep_alive_s=keep_s,
        stream=data.get("stream") is not False and bool(messages),
        raw=data.get("raw") is True,
        shift=data.get("shift") is not False,
        truncate=data.get("truncate") is not False,
        format=data.get("format"),
        template=text_field(data, "template"),
        logprobs=logprobs,
        images=_image_count(data),
        context=_tokens(context),
    )


def _check_support(data: JsonObject, installed: LibraryModel, *, wants_thinking: bool) -> None:
    """Raise RequestError for what the models cannot do, and for options of generate that exclude each other."""
    if data.get("raw") is True and any(data.get(name) for name in ("template", "system", "context")):
        raise RequestError(400, "raw mode does not support template, system, or context")
    if wants_thinking:
        raise RequestError(400, f"{go_quoted(text_field(data, 'model'))} does not support thinking")
    for field, what in (("suffix", "insert"), ("tools", "tools")):
        if data.get(field) and what not in installed.capabilities:
            raise RequestError(400, f"{parse_name(installed.name).full} does not support {what}")


def read_options(data: JsonObject, model: ModelSpec) -> dict[str, Json]:
    """Return the options of a request over those of its model; null is none.

    Args:
        data: The request.
        model: The model.

    Raises:
        RequestError: An option, or one of the model, is of a wrong type.
    """
    given = object_of(data.get("options"))
    _check_options(model.parameters)
    _check_options(given)
    return {**model.parameters, **{name: value for name, value in given.items() if value is not None}}


def _check_options(options: Mapping[str, Json]) -> None:
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


def _find(text: str, library: ModelLibrary, *, chat: bool) -> LibraryModel:
    named = bool(text.strip())
    if chat and not named:
        raise RequestError(400, "model is required")
    found = library.find(requested_name(text).full) if named else None
    if found is None:
        raise RequestError(404, f"model '{text}' not found")
    return found


def _with_model_messages(messages: tuple[Message, ...], installed: LibraryModel, *, alone: bool) -> tuple[Message, ...]:
    """Return the messages behind the model's own; a given system message replaces the model's.

    Args:
        messages: The request's messages.
        installed: The model, with its system message and its example messages.
        alone: Whether the model's example messages are left out.
    """
    if not messages:
        return ()
    system = installed.system if messages[0]["role"] != "system" else ""
    own = (Message(role="system", content=system),) if system else ()
    return (*own, *(() if alone else installed.messages), *messages)


def _tokens(context: Json) -> tuple[int, ...]:
    """Return the tokens of a context; null is 0."""
    return tuple(int(each) if isinstance(each, int) else 0 for each in items_of(context))


def _image_count(data: JsonObject) -> int:
    """Return the number of images in a request."""
    return sum(len(items_of(holder.get("images"))) for holder in (data, *rows_of(data.get("messages"))))


def _prompt(data: JsonObject) -> tuple[Message, ...]:
    prompt, system = text_field(data, "prompt"), text_field(data, "system")
    if not prompt:
        return ()
    question = Message(role="user", content=prompt)
    return (Message(role="system", content=system), question) if system else (question,)


def _logprobs(data: JsonObject) -> int | None:
    """Return the number of alternatives per token; None without logprobs."""
    top = data.get("top_logprobs") or 0
    assert isinstance(top, int | float)  # checked by read_object
    if not 0 <= top <= _MOST_ALTERNATIVES:
        raise RequestError(400, f"top_logprobs must be between 0 and {_MOST_ALTERNATIVES}")
    return int(top) if data.get("logprobs") is True else None
