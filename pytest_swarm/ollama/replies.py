"""Reads the official client's replies and checks every value, because the server is not trusted.

A missing value is None, and so is a count of 0 tokens for a text that is there. An impossible one (negative, absurdly
large, a part longer than the whole) raises `ImpossibleReply`, whose message continues "the answer of the server ...".
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from pytest_swarm.domain.answer_state import ENDED_AT_LIMIT
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt import wire_text
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.fields import Json
from pytest_swarm.ollama.error_messages import quoted
from pytest_swarm.ollama.messages import ChatReply, ListedModel, ModelInfo, ResidentEntry

if TYPE_CHECKING:
    from pytest_swarm.ollama.official_package import ollama

    ChatAnswer: TypeAlias = "ollama.ChatResponse | PlainReply"
    GenerateAnswer: TypeAlias = "ollama.GenerateResponse | PlainReply"

REPEAT: Final = "repeat"  # our `done_reason` for a text that the server stopped because it repeats itself
_REPEATS: Final = 16  # half of the pieces at which the server stops
_LONGEST_PIECE: Final = 64  # characters of a token
_FOREVER_S: Final = 50 * 365 * 86_400.0  # a pinned model expires in about 290 years
_DEFAULT_LEFT_S: Final = 300.0  # the server's own keep_alive, where it gives no time, or one that is over
_NS_PER_S: Final = 1_000_000_000
_MOST_TOKENS: Final = 100_000_000  # a hundred times the longest context of any model
_LONGEST_S: Final = 7 * 86_400.0  # a week: longer than any call
_MOST_BYTES: Final = 1 << 50  # a pebibyte
_FILE: Final = re.compile(r"(FROM|ADAPTER|DRAFT) .*sha256[-:]([0-9a-f]{64})")  # a line of the Modelfile
_LAUNCH: Final = ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict")
"""Parameters for which the server loads a model again (`needsReload` in its server/sched.go), without the context."""
_SLACK_S: Final = 0.05  # parts and whole are timed separately
_REASONS: Final = ("stop", ENDED_AT_LIMIT, "load")  # what Ollama gives; any other text is quoted


class _PlainMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The message of a reply."""

    content: str | None = None
    thinking: str | None = None


class PlainReply(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a reply of `/api/chat` or `/api/generate`, where it does not come by the official client."""

    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None
    message: _PlainMessage = _PlainMessage()


class ImpossibleReply(Exception):  # noqa: N818 - a result, which the client turns into a BadReplyError
    """A reply that cannot be true; the message says why."""


def check_loaded(response: GenerateAnswer, *, asked: str) -> None:
    """Raise ImpossibleReply for a reply to a request without a prompt that does not confirm the load of a model."""
    if response.done is not True:
        raise ImpossibleReply("does not confirm that the model was loaded")
    _check_model(response, asked)


def _check_model(response: ChatAnswer | GenerateAnswer, asked: str) -> None:
    """Raise ImpossibleReply for a reply of another model than the one that was asked."""
    if not response.model:
        raise ImpossibleReply("does not say which model it comes from")
    if full_tag(response.model) != full_tag(asked):
        raise ImpossibleReply(f"says that it comes from model {response.model!r}")


def read_chat(response: ChatAnswer, *, asked: str) -> ChatReply:
    """Return the checked reply of `/api/chat` to a request for the model `asked`.

    Args:
        response: The reply, of the official client or plain.
        asked: The model that was requested.

    Raises:
        ImpossibleReply: The reply cannot be true.
    """
    if response.done is not True and not _ended_by_repeats(response):
        raise ImpossibleReply("ends without `done`, so it was cut off")
    _check_model(response, asked)
    if response.message.content is None:
        raise ImpossibleReply("has no content")
    generated = _count(response.eval_count, "eval_count")
    is_text = bool(response.message.content or response.message.thinking)
    reply = ChatReply(
        text=response.message.content,
        prompt_tokens=_count(response.prompt_eval_count, "prompt_eval_count") or None,
        completion_tokens=None if generated == 0 and is_text else generated,
        total_s=_seconds(response.total_duration, "total_duration"),
        load_s=_seconds(response.load_duration, "load_duration"),
        prefill_s=_seconds(response.prompt_eval_duration, "prompt_eval_duration"),
        decode_s=_seconds(response.eval_duration, "eval_duration"),
        done_reason=_reason(response.done_reason) if response.done is True else REPEAT,
        thinking=response.message.thinking or None,
        thinking_chars=len(response.message.thinking) if response.message.thinking else None,
    )
    for part in (reply.load_s, reply.prefill_s, reply.decode_s):
        if part is not None and reply.total_s is not None and part > reply.total_s + _SLACK_S:
            raise ImpossibleReply("says that a part of the call took longer than the whole")
    return reply


def _ended_by_repeats(response: ChatAnswer) -> bool:
    """Return whether the server stopped a text that repeats itself: then it sends the text, and no reason or figures.

    It stops at 32 pieces in a row that are equal without the white space around them. Fewer may show in the text,
    because it also counts pieces without text.
    """
    if response.done is not False or response.done_reason:
        return False
    text = response.message.content or response.message.thinking or ""
    if len(text) - len(text.rstrip()) >= _REPEATS:
        return True
    tail = "".join(text[-_LONGEST_PIECE * _REPEATS * 2 :].split())
    return any(tail.endswith(tail[-size:] * _REPEATS) for size in range(1, min(_LONGEST_PIECE, len(tail)) + 1))


def read_resident(response: ollama.ProcessResponse) -> tuple[ResidentModel, ...]:
    """Return the checked rows of `/api/ps`.

    Raises ImpossibleReply, also for a model in two rows: its VRAM would count twice. A replaced one has another digest.
    """
    found = tuple(_resident(row) for row in response.models)
    rows = Counter((full_tag(row.name or row.model or ""), row.digest) for row in response.models)
    if twice := next((tag for (tag, _), count in rows.items() if count > 1), None):
        raise ImpossibleReply(f"lists {twice!r} as resident more than once")
    return found


def read_entries(response: ollama.ProcessResponse, *, now: datetime) -> tuple[ResidentEntry, ...]:
    """Return the checked rows of `/api/ps` with context and expiry.

    Args:
        response: The official client's reply.
        now: The present time, with a time zone.

    Raises:
        ImpossibleReply: A row cannot be true.
    """
    return tuple(_entry(*each, now) for each in zip(read_resident(response), response.models, strict=True))


def _entry(found: ResidentModel, row: ollama.ProcessResponse.Model, now: datetime) -> ResidentEntry:
    left_s: float | None = _DEFAULT_LEFT_S
    if row.expires_at is not None and row.expires_at.tzinfo is not None:
        left_s = (row.expires_at - now).total_seconds()
        left_s = None if left_s > _FOREVER_S else left_s if left_s > 0 else _DEFAULT_LEFT_S
    return ResidentEntry(
        tag=found.tag,
        size_bytes=found.size_bytes,
        size_vram_bytes=found.size_vram_bytes,
        num_ctx=_count(row.context_length, "context_length") or None,
        left_s=left_s,
        digest=_text(row.digest),
    )


def read_installed(body: Json) -> tuple[ListedModel, ...]:
    """Return the checked rows of `/api/tags`. Raises ImpossibleReply."""
    rows = body.get("models") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise ImpossibleReply("has no list of models")
    return tuple(map(_installed, rows))


def _installed(row: Json) -> ListedModel:
    fields = row if isinstance(row, dict) else {}
    tag = _text(fields.get("model") or fields.get("name"))
    if tag is None:
        raise ImpossibleReply("lists a model without a name")
    return ListedModel(tag=tag, digest=_text(fields.get("digest")), remote_host=_text(fields.get("remote_host")))


def read_version(body: Json) -> str:
    """Return the version of the reply of `/api/version`. Raises ImpossibleReply."""
    version = _text(body.get("version")) if isinstance(body, dict) else None
    if version is None:
        raise ImpossibleReply("has no version")
    return version


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
    files = _files(response.modelfile or "")
    return ModelInfo(
        tag=tag,
        family=_text(details.family) if details else None,
        parameter_size=_text(details.parameter_size) if details else None,
        quantization=_text(details.quantization_level) if details else None,
        context_length=length,
        capabilities=tuple(map(wire_text, response.capabilities or ())),
        weights=files[0][1] if files else None,
        launch=(*(" ".join(each) for each in files[1:]), *_launch_parameters(response.parameters or "")),
    )


def _files(modelfile: str) -> list[tuple[str, str]]:
    """Return the files that a Modelfile names, as instruction and digest, the weights first.

    They stand before every text, which may hold such lines too.
    """
    files: list[tuple[str, str]] = []
    for line in modelfile.splitlines():
        if found := _FILE.fullmatch(line):
            files.append((found[1], found[2]))
        elif line and not line.startswith("#"):
            break
    return files


def _launch_parameters(parameters: str) -> list[str]:
    rows = (line.split() for line in wire_text(parameters).splitlines())
    return sorted(" ".join(row) for row in rows if row and row[0] in _LAUNCH)


def _resident(row: ollama.ProcessResponse.Model) -> ResidentModel:
    tag = _text(row.name or row.model)
    if tag is None:
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


def _reason(told: str | None) -> str | None:
    """Return the server's word for why a text ended, bounded like all that is quoted of it."""
    return told if told is None or told in _REASONS else quoted(told)


def _text(value: Json) -> str | None:
    """Return a name or another short text of the server, in a form that files can hold; None if it is none."""
    return wire_text(value) if isinstance(value, str) and value else None
