"""What the takes of recordings contain of each model: its chats, its loads, and its size in memory.

Finds and decodes exchanges, and leaves out what cannot be used. What follows from them is computed in `accuracy` and
`measured_models`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt import Message, given_answers
from pytest_swarm.domain.task import Task
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import Exchange, ExchangeEnd, Take
from pytest_swarm.ollama.messages import ChatReply
from pytest_swarm.ollama.official_package import ollama
from pytest_swarm.ollama.replies import ImpossibleReply, read_chat, read_resident
from pytest_swarm.ollama.transports.recording import last_json
from pytest_swarm.planner_problem import PlannerProblem, find_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChat:
    """A chat that was answered. `alone` tells that no other chat of its take ran at the same time.

    `residency` counts the loads and unloads of its model before it in its take: chats of one count ran on one loaded
    model, and `first_format` is the first of them with a format, for which a model may have to prepare itself.
    `evaluated_tokens` are the tokens of its prompt that were not in the server's cache; None: all, or not known.
    """

    take: Take
    exchange: Exchange
    reply: ChatReply
    alone: bool
    residency: int = 0
    evaluated_tokens: int | None = None
    first_format: bool = False

    @property
    def task(self) -> Task | None:
        """The task of the chat; None for a call of a planner or a judge."""
        return None if self.exchange.task is None else self.take.case.graph.task(self.exchange.task)

    @property
    def model(self) -> str:
        """The model's name as the request has it."""
        return self.exchange.model or ""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The valid messages of the request."""
        rows = self.exchange.fields.get("messages")
        texts = [(row.get("role"), row.get("content")) for row in _objects(rows)]
        return tuple(
            Message(role=role, content=content)
            for role, content in texts
            if isinstance(role, str) and isinstance(content, str)
        )

    @property
    def problem(self) -> PlannerProblem | None:
        """The routing problem that a planner is asked to solve; None for any other call."""
        return find_problem(self.messages[-1]["content"]) if self.task is None and self.messages else None

    @property
    def tokens_read(self) -> int | None:
        """The tokens of the prompt that the server evaluated, as far as they are known."""
        return self.reply.prompt_tokens if self.evaluated_tokens is None else self.evaluated_tokens

    @property
    def form(self) -> Json:
        """The format that the request asked for: a JSON schema, `json`, or None."""
        return self.exchange.fields.get("format") or None

    @property
    def has_format(self) -> bool:
        """Whether the request asked for a format."""
        return self.form is not None

    @property
    def overhead_s(self) -> float | None:
        """Seconds that the call took besides load, prefill and decode; None where it did not run alone."""
        reply = self.reply
        if not self.alone or reply.total_s is None or reply.prefill_s is None or reply.decode_s is None:
            return None
        return max(0.0, reply.total_s - (reply.load_s or 0.0) - reply.prefill_s - reply.decode_s)

    @property
    def usual_overhead_s(self) -> float | None:
        """`overhead_s` of a call for which the model did not have to prepare itself; None for others."""
        return None if self.first_format else self.overhead_s

    def option(self, name: str) -> int | None:
        """Return an option that is a whole number; None where the request does not set it."""
        value = self.exchange.options.get(name)
        return value if isinstance(value, int) else None

    def given_outputs(self) -> tuple[tuple[Task, str], ...]:
        """Return the tasks whose outputs the chat contained, with those outputs."""
        if self.task is None:
            return ()
        graph, outputs = self.take.case.graph, given_answers(self.task, self.messages) or {}
        return tuple((graph.task(each), outputs[each]) for each in graph.inputs(self.task.id) if each in outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLoad:
    """A request that loaded a model and did nothing else: its run, and its duration by the client's clock."""

    run: str
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecordings:
    """All that recordings contain of one model, in the order in which it was recorded.

    `size_bytes` is the most memory that the model occupied, on the GPU and beside it, `vram_bytes` the most on the GPU;
    None where no list of resident models was recorded. Loads and memory are those of its weights, `weights` is the tag
    of the model that stood for them; None where it had them alone.
    """

    tag: str
    digest: str | None
    chats: tuple[RecordedChat, ...]
    loads: tuple[RecordedLoad, ...]
    size_bytes: int | None
    vram_bytes: int | None = None
    weights: str | None = None


def collect_recordings(takes: Iterable[Take]) -> tuple[ModelRecordings, ...]:
    """Return what the takes contain of every model that was called or loaded, in the order of their tags."""
    chats: dict[str, list[RecordedChat]] = defaultdict(list)
    loads: dict[str, list[RecordedLoad]] = defaultdict(list)
    sizes: dict[str, int] = {}
    vram: dict[str, int] = {}
    named: dict[str, Exchange] = {}
    holder: dict[str, str] = {}
    for take in sorted(takes, key=lambda take: take.origin.recorded_ts_ms):
        for group in take.origin.same_weights:
            holder.update(dict.fromkeys(map(full_tag, group), full_tag(group[0])))
        for chat in recorded_chats(take):
            chats[full_tag(chat.exchange.model or "")].append(chat)
        for exchange in take.exchanges:
            if exchange.model is not None:
                named.setdefault(full_tag(exchange.model), exchange)
            if is_load(exchange):
                load = RecordedLoad(run=take.origin.run, duration_s=exchange.end_s)
                loads[_weights(exchange.model or "", holder)].append(load)
            for resident in resident_models(exchange):
                if not resident.size_bytes:  # a runner that reports an offload to a GPU that is not there
                    continue
                tag = _weights(resident.tag, holder)
                sizes[tag] = max(sizes.get(tag, 0), resident.size_bytes)
                vram[tag] = max(vram.get(tag, 0), resident.size_vram_bytes)
    called = chats.keys() | {tag for tag in named if _weights(tag, holder) in loads}
    return tuple(
        ModelRecordings(
            tag=named[tag].model or "",
            digest=_digest(named[tag], chats[tag]),
            chats=tuple(chats[tag]),
            loads=tuple(loads[_weights(tag, holder)]),
            size_bytes=sizes.get(_weights(tag, holder)),
            vram_bytes=vram.get(_weights(tag, holder)),
            weights=holder.get(tag),
        )
        for tag in sorted(named)
        if tag in called
    )


def _weights(tag: str, holder: Mapping[str, str]) -> str:
    """Return the full tag of the model that stood for a model's weights."""
    return holder.get(full_tag(tag), full_tag(tag))


def _digest(named: Exchange, chats: list[RecordedChat]) -> str | None:
    """Return the digest of the model's file in its latest chat; models can be replaced under the same tag."""
    digests = [chat.exchange.model_digest for chat in chats if chat.exchange.model_digest is not None]
    return digests[-1] if digests else named.model_digest


def recorded_chats(take: Take) -> Iterator[RecordedChat]:
    """Yield the answered chats of a take, in the order in which they were sent."""
    rows = [row for row in take.exchanges if row.path == "/api/chat" and row.ending is ExchangeEnd.COMPLETE]
    formatted: set[tuple[str, int]] = set()
    for row in rows:
        try:
            reply = read_chat(ollama.ChatResponse.model_validate(last_json(row)), asked=row.model or "")
        except (ImpossibleReply, ValueError):  # ValueError: the reply does not have the fields of a chat
            continue
        if row.status == 200:
            alone = not _overlapping(row, rows)
            chat = RecordedChat(take=take, exchange=row, reply=reply, alone=alone, residency=_loads_before(take, row))
            loaded = (full_tag(chat.model), chat.residency)
            yield replace(chat, first_format=chat.has_format and loaded not in formatted)
            formatted |= {loaded} if chat.has_format else set()


def _loads_before(take: Take, chat: Exchange) -> int:
    """Return how often the chat's model was loaded or unloaded before it."""
    tag = full_tag(chat.model or "")
    moves = (row for row in take.exchanges if row.path == "/api/generate" and full_tag(row.model or "") == tag)
    return sum(row.sent_s < chat.sent_s for row in moves)


def is_load(row: Exchange) -> bool:
    """Return whether the request only loaded a model: no prompt, answered, and not told to unload at once."""
    loading = row.path == "/api/generate" and not row.fields.get("prompt") and row.fields.get("keep_alive") != 0
    return loading and row.status == 200 and row.ending is ExchangeEnd.COMPLETE


def overlapping_chats(chat: RecordedChat) -> int:
    """Return how many other chats of its take ran at the same time."""
    row = chat.exchange
    return _overlapping(row, [each for each in chat.take.exchanges if each.path == row.path])


def _overlapping(row: Exchange, rows: Iterable[Exchange]) -> int:
    return sum(each.overlaps(row) for each in rows if each is not row)


def resident_models(row: Exchange) -> tuple[ResidentModel, ...]:
    """Return the resident models that an exchange lists; empty for any other exchange."""
    if row.path != "/api/ps" or row.status != 200 or row.ending is not ExchangeEnd.COMPLETE:
        return ()
    try:
        return read_resident(ollama.ProcessResponse.model_validate(last_json(row)))
    except (ImpossibleReply, ValueError):  # ValueError: the reply does not have the fields of a list of models
        return ()


def _objects(rows: Json) -> list[dict[str, Json]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
