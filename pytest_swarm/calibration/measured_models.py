"""What the recordings of a model amount to: load times, speeds, footprint, and how often it was right.

Every value was measured by the recorded server or by the client's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType
from typing import Final

from pytest_swarm.calibration.accuracy import AccuracyCount, ScoredAnswers, score_answers
from pytest_swarm.calibration.recorded_chats import ModelRecordings, RecordedChat, RecordedLoad, collect_recordings
from pytest_swarm.domain.task import TaskType
from pytest_swarm.ollama.cassette.takes import Take

MIN_ANSWERS: Final = 5
"""With fewer scored answers of a type, a rate says next to nothing (5 of 5: Wilson's interval starts at 0.57)."""

_DISK_RATIO: Final = 1.5  # first loads that take this many times the others' median came from the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMeasurement:
    """The measured values of one model; None where the recordings do not tell.

    `warm_load_s` is the median of the loads from page cache. `first_load_s` is the median of each run's first load,
    where those took clearly longer. `load_count` counts all of them. Speeds are tokens over the server's own seconds,
    over all `call_count` calls. `overhead_s` is the median of what a call took besides load, prefill and decode, where
    no other call overlapped it. `size_bytes` is the most memory that the model occupied at `num_ctx` tokens of context,
    on the GPU and beside it. `completion_tokens` are those of every answered task, by type.
    """

    tag: str
    digest: str | None = None
    num_ctx: int | None = None
    warm_load_s: float | None = None
    first_load_s: float | None = None
    load_count: int = 0
    prefill_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    overhead_s: float | None = None
    call_count: int = 0
    size_bytes: int | None = None
    answers: ScoredAnswers = field(default_factory=ScoredAnswers)
    completion_tokens: Mapping[TaskType, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "completion_tokens", MappingProxyType(dict(self.completion_tokens)))

    @property
    def reliable_accuracy(self) -> dict[TaskType, AccuracyCount]:
        """The accuracies that rest on at least MIN_ANSWERS answers."""
        return {kind: count for kind, count in self.answers.accuracy.items() if count.scored >= MIN_ANSWERS}


def measure_models(takes: Iterable[Take]) -> tuple[ModelMeasurement, ...]:
    """Return the measured values of every model that was called or loaded, in the order of their tags."""
    return tuple(map(_measurement, collect_recordings(takes)))


def missing_measurement(model: ModelMeasurement) -> str | None:
    """Return why a model cannot be simulated; None where everything that the simulator needs was measured."""
    if model.decode_tokens_per_s is None or model.prefill_tokens_per_s is None:
        return "no recorded chat reports its speed"
    if model.size_bytes is None:
        return "no recorded list of resident models shows its size"
    return "no load of it was recorded" if model.warm_load_s is None else None


def _measurement(recorded: ModelRecordings) -> ModelMeasurement:
    warm_s, first_s = _load_times(recorded.loads)
    replies = [chat.reply for chat in recorded.chats]
    tokens: dict[TaskType, list[int]] = defaultdict(list)
    for chat in recorded.chats:
        if chat.task is not None and chat.reply.completion_tokens:
            tokens[chat.task.type].append(chat.reply.completion_tokens)
    return ModelMeasurement(
        tag=recorded.tag,
        digest=recorded.digest,
        num_ctx=next((chat.num_ctx for chat in recorded.chats if chat.num_ctx is not None), None),
        warm_load_s=warm_s,
        first_load_s=first_s,
        load_count=len(recorded.loads),
        prefill_tokens_per_s=_speed((reply.prompt_tokens, reply.prefill_s) for reply in replies),
        decode_tokens_per_s=_speed((reply.completion_tokens, reply.decode_s) for reply in replies),
        overhead_s=_overhead_s(recorded.chats),
        call_count=len(recorded.chats),
        size_bytes=recorded.size_bytes,
        answers=score_answers(recorded.chats),
        completion_tokens={kind: tuple(each) for kind, each in tokens.items()},
    )


def _load_times(loads: tuple[RecordedLoad, ...]) -> tuple[float | None, float | None]:
    """Return (warm, first) in seconds; first loads count apart where they took clearly longer than the others."""
    if not loads:
        return None, None
    first: list[float] = []
    others: list[float] = []
    seen: set[str] = set()
    for load in loads:
        (others if load.run in seen else first).append(load.duration_s)
        seen.add(load.run)
    if others and median(first) > _DISK_RATIO * median(others):
        return median(others), median(first)
    return median(first + others), None


def _speed(parts: Iterable[tuple[int | None, float | None]]) -> float | None:
    """Return tokens per second over all calls that report both; None where no call does."""
    known = [(tokens, seconds) for tokens, seconds in parts if tokens and seconds]
    return sum(tokens for tokens, _ in known) / sum(seconds for _, seconds in known) if known else None


def _overhead_s(chats: Iterable[RecordedChat]) -> float | None:
    rest = [
        max(0.0, chat.reply.total_s - (chat.reply.load_s or 0.0) - chat.reply.prefill_s - chat.reply.decode_s)
        for chat in chats
        if chat.alone
        and chat.reply.total_s is not None
        and chat.reply.prefill_s is not None
        and chat.reply.decode_s is not None
    ]
    return median(rest) if rest else None
