"""Reads the official client's replies and checks every value, because the server is not trusted.

A missing value is None. An impossible one (negative, absurdly large, a part longer than the whole) raises
`ImpossibleReply`, whose message continues "the answer of the server ...".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import ollama

from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.record import ResidentModel
from pytest_swarm.ollama.messages import ChatReply, ModelInfo

_NS_PER_S: Final = 1_000_000_000
_MOST_TOKENS: Final = 100_000_000  # a hundred times the longest context of any model
_LONGEST_S: Final = 7 * 86_400.0  # a week: longer than any call
_MOST_BYTES: Final = 1 << 50  # a pebibyte
_SLACK_S: Final = 0.05  # parts and whole are timed separately


class ImpossibleReply(Exception):  # noqa: N818 - a result, which the client turns into a BadReplyError
    """A reply that cannot be true; the message says why."""


def read_chat(response: ollama.ChatResponse, *, asked: str) -> ChatReply:
    """Return the checked reply of `/api/chat` to a request for the model `asked`.

    Args:
        response: The official client's reply.
        asked: The model that was requested.

    Raises:
        ImpossibleReply: The reply cannot be true.
    """
    if response.done is not True:
        raise ImpossibleReply("ends without `done`, so it was cut off")
    if response.model is None or full_tag(response.model) != full_tag(asked):
        raise ImpossibleReply(f"says that it comes from {response.model!r}")
    if response.message.content is None:
        raise ImpossibleReply("has no content")
    reply = ChatReply(
        text=response.message.content,
        prompt_tokens=_count(response.prompt_eval_count, "prompt_eval_count"),
        completion_tokens=_count(response.eval_count, "eval_count"),
        total_s=_seconds(response.total_duration, "total_duration"),
        load_s=_seconds(response.load_duration, "load_duration"),
        prefill_s=_seconds(response.prompt_eval_duration, "prompt_eval_duration"),
        decode_s=_seconds(response.eval_duration, "eval_duration"),
        done_reason=response.done_reason,
        thinking_chars=len(response.message.thinking) if response.message.thinking else None,
    )
    for part in (reply.load_s, reply.prefill_s, reply.decode_s):
        if part is not None and reply.total_s is not None and part > reply.total_s + _SLACK_S:
            raise ImpossibleReply("says that a part of the call took longer than the whole")
    return reply


def read_resident(response: ollama.ProcessResponse) -> tuple[ResidentModel, ...]:
    """Return the checked rows of `/api/ps`. Raises ImpossibleReply."""
    return tuple(_resident(row) for row in response.models)


def read_installed(response: ollama.ListResponse) -> tuple[str, ...]:
    """Return the checked names of `/api/tags`. Raises ImpossibleReply."""
    names = tuple(row.model for row in response.models)
    if not all(names):
        raise ImpossibleReply("lists a model without a name")
    return tuple(name for name in names if name)


def read_info(response: ollama.ShowResponse, *, tag: str) -> ModelInfo:
    """Return the checked reply of `/api/show` for the model `tag`.

    Args:
        response: The official client's reply.
        tag: The model that was requested.

    Raises:
        ImpossibleReply: The reply cannot be true.
    """
    details = response.details
    info = response.modelinfo or {}
    length = info.get(f"{info.get('general.architecture')}.context_length")
    if length is not None and (type(length) is not int or not 0 < length <= _MOST_TOKENS):
        raise ImpossibleReply(f"gives a context length of {length!r}")
    return ModelInfo(
        tag=tag,
        family=details.family if details else None,
        parameter_size=details.parameter_size if details else None,
        quantization=details.quantization_level if details else None,
        context_length=length,
        capabilities=_texts(response.capabilities),
    )


def _resident(row: ollama.ProcessResponse.Model) -> ResidentModel:
    tag = row.name or row.model
    if not tag:
        raise ImpossibleReply("lists a resident model without a name")
    if row.size is None or row.size_vram is None:
        raise ImpossibleReply(f"gives no size for {tag!r}")
    size, size_vram = int(row.size), int(row.size_vram)
    if not 0 <= size_vram <= size <= _MOST_BYTES:
        raise ImpossibleReply(f"says that {size_vram} of the {size} bytes of {tag!r} are in VRAM")
    return ResidentModel(tag=tag, size_bytes=size, size_vram_bytes=size_vram)


def _count(value: int | None, name: str) -> int | None:
    if value is not None and not 0 <= value <= _MOST_TOKENS:
        raise ImpossibleReply(f"gives {name} {value}")
    return value


def _seconds(value_ns: int | None, name: str) -> float | None:
    if value_ns is None:
        return None
    if not 0 <= value_ns <= _LONGEST_S * _NS_PER_S:
        raise ImpossibleReply(f"gives {name} {value_ns} ns")
    return value_ns / _NS_PER_S


def _texts(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(values) if values else ()
