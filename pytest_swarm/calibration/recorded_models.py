"""What recordings tell of each model: load times, speeds, footprint, and how often it was right, by type of task.

Reads takes only: every figure was measured by the recorded server or by the client's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType
from typing import Final

import ollama
from pydantic import ValidationError

from pytest_swarm.calibration.recorded_answers import RecordedChat, Tally, TaskRecord, recorded_answers
from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.record import ResidentModel
from pytest_swarm.domain.task import TaskType
from pytest_swarm.ollama.cassette.takes import Exchange, ExchangeEnd, Take
from pytest_swarm.ollama.replies import ImpossibleReply, read_chat, read_resident
from pytest_swarm.ollama.transports.recording import last_json

_SLOWER: Final = 1.5  # a first load that takes so many times the others' median came from the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedModel:
    """The figures of one model; None where nothing was recorded that tells.

    `warm_load_s` is the median of the loads from page cache, `first_load_s` that of the first loads, where those took
    clearly longer; `loads` counts all of them. Speeds are tokens over the server's own seconds, over all `calls`.
    `overhead_s` is the median of what a call took besides load, prefill and decode, where no other call ran beside it.
    `size_bytes` is the most that the model took at `num_ctx` tokens of context, on the GPU and beside it.
    """

    tag: str
    digest: str | None
    num_ctx: int | None
    warm_load_s: float | None
    first_load_s: float | None
    loads: int
    prefill_tokens_per_s: float | None
    decode_tokens_per_s: float | None
    overhead_s: float | None
    calls: int
    size_bytes: int | None
    accuracy: Mapping[TaskType, Tally] = field(default_factory=dict)
    tokens: Mapping[TaskType, tuple[int, ...]] = field(default_factory=dict)
    tasks: tuple[TaskRecord, ...] = ()

    def __post_init__(self) -> None:
        for name in ("accuracy", "tokens"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def recorded_models(takes: Iterable[Take]) -> tuple[RecordedModel, ...]:
    """The figures of every model that was called or loaded, in the order of their tags."""
    takes = sorted(takes, key=lambda take: take.origin.recorded_ts_ms)
    chats: dict[str, list[RecordedChat]] = defaultdict(list)
    loads: dict[str, list[tuple[str, float]]] = defaultdict(list)
    sizes: dict[str, int] = {}
    for take in takes:
        for chat in _chats(take):
            chats[full_tag(chat.row.model or "")].append(chat)
        for row in take.exchanges:
            if _is_load(row):
                loads[full_tag(row.model or "")].append((take.origin.run, row.end_s))
            for resident in _listed(row):
                tag = full_tag(resident.tag)
                sizes[tag] = max(sizes.get(tag, 0), resident.size_bytes)
    rows = [row for take in takes for row in take.exchanges if row.model is not None]
    names = {full_tag(row.model): row for row in reversed(rows) if row.model is not None}
    return tuple(
        _model(names[tag], chats.get(tag, []), loads.get(tag, []), sizes.get(tag))
        for tag in sorted(names)
        if tag in chats or tag in loads
    )


def _model(
    named: Exchange, chats: list[RecordedChat], loads: list[tuple[str, float]], size_bytes: int | None
) -> RecordedModel:
    warm_s, first_s = _load_times(loads)
    replies = [chat.reply for chat in chats]
    digests = [chat.row.model_digest for chat in chats if chat.row.model_digest is not None]
    accuracy, tasks = recorded_answers(chats)
    tokens: dict[TaskType, list[int]] = defaultdict(list)
    for chat in chats:
        if chat.task is not None and chat.reply.completion_tokens:
            tokens[chat.task.type].append(chat.reply.completion_tokens)
    return RecordedModel(
        tag=named.model or "",
        digest=digests[-1] if digests else named.model_digest,
        num_ctx=_num_ctx(chats),
        warm_load_s=warm_s,
        first_load_s=first_s,
        loads=len(loads),
        prefill_tokens_per_s=_speed((reply.prompt_tokens, reply.prefill_s) for reply in replies),
        decode_tokens_per_s=_speed((reply.completion_tokens, reply.decode_s) for reply in replies),
        overhead_s=_overhead_s(chats),
        calls=len(chats),
        size_bytes=size_bytes,
        accuracy=accuracy,
        tokens={kind: tuple(each) for kind, each in tokens.items()},
        tasks=tasks,
    )


def _chats(take: Take) -> Iterator[RecordedChat]:
    rows = [row for row in take.exchanges if row.path == "/api/chat" and row.ending is ExchangeEnd.COMPLETE]
    for row in rows:
        try:
            reply = read_chat(ollama.ChatResponse.model_validate(last_json(row)), asked=row.model or "")
        except (ImpossibleReply, ValidationError):
            continue
        beside = any(
            other is not row and other.sent_s < row.sent_s + row.end_s and row.sent_s < other.sent_s + other.end_s
            for other in rows
        )
        if row.status == 200:
            yield RecordedChat(take=take, row=row, reply=reply, alone=not beside)


def _is_load(row: Exchange) -> bool:
    """Whether it loaded a model and nothing else: no prompt, answered, and not told to let it go at once."""
    body = row.body if isinstance(row.body, dict) else {}
    loading = row.path == "/api/generate" and not body.get("prompt") and body.get("keep_alive") != 0
    return loading and row.status == 200 and row.ending is ExchangeEnd.COMPLETE


def _listed(row: Exchange) -> tuple[ResidentModel, ...]:
    if row.path != "/api/ps" or row.status != 200 or row.ending is not ExchangeEnd.COMPLETE:
        return ()
    try:
        return read_resident(ollama.ProcessResponse.model_validate(last_json(row)))
    except (ImpossibleReply, ValidationError):
        return ()


def _load_times(loads: list[tuple[str, float]]) -> tuple[float | None, float | None]:
    """(warm, first) in seconds; each run's first load counts apart where they took clearly longer than the others."""
    if not loads:
        return None, None
    first: list[float] = []
    others: list[float] = []
    seen: set[str] = set()
    for run, seconds in loads:
        (others if run in seen else first).append(seconds)
        seen.add(run)
    if others and median(first) > _SLOWER * median(others):
        return median(others), median(first)
    return median(first + others), None


def _speed(parts: Iterable[tuple[int | None, float | None]]) -> float | None:
    """Tokens per second over all calls that report both; None where none does."""
    known = [(tokens, seconds) for tokens, seconds in parts if tokens and seconds]
    return sum(tokens for tokens, _ in known) / sum(seconds for _, seconds in known) if known else None


def _overhead_s(chats: list[RecordedChat]) -> float | None:
    rest = [
        max(0.0, chat.reply.total_s - (chat.reply.load_s or 0.0) - chat.reply.prefill_s - chat.reply.decode_s)
        for chat in chats
        if chat.alone
        and chat.reply.total_s is not None
        and chat.reply.prefill_s is not None
        and chat.reply.decode_s is not None
    ]
    return median(rest) if rest else None


def _num_ctx(chats: list[RecordedChat]) -> int | None:
    for chat in chats:
        options = chat.row.body.get("options") if isinstance(chat.row.body, dict) else None
        num_ctx = options.get("num_ctx") if isinstance(options, dict) else None
        if isinstance(num_ctx, int):
            return num_ctx
    return None
