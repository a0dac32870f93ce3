"""What the recordings of a model amount to: load times, speeds, footprint, and how often it was right.

Every value was measured by the recorded server or by the client's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median
from types import MappingProxyType
from typing import Final

from pytest_swarm.calibration.accuracy import AccuracyCount, ScoredAnswers, score_answers
from pytest_swarm.calibration.cost_fit import (
    MeasuredCost,
    decode_tokens_per_s,
    estimate_per_token,
    first_format_s,
    measured_cost,
    own_limit,
)
from pytest_swarm.calibration.planner_behaviour import PlannerBehaviour, planner_behaviour
from pytest_swarm.calibration.prompt_reading import prompt_reading, steady_prompts
from pytest_swarm.calibration.recorded_chats import ModelRecordings, RecordedChat, RecordedLoad, collect_recordings
from pytest_swarm.calibration.recorded_replies import recorded_answers
from pytest_swarm.calibration.shared_compute import AloneTimes, alone_times
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt_speed import STALLED_TIMES
from pytest_swarm.metrics.facts import mean_of_known, median_of_known
from pytest_swarm.ollama.cassette.takes import Take
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer
from pytest_swarm.simulator.server.prefix_cache import PrefixReuse

MIN_ANSWERS: Final = 5
"""With fewer scored answers of a type, a rate says next to nothing (5 of 5: Wilson's interval starts at 0.57)."""

_STALL_RATIO: Final = 4.0  # a load of over so many times the median waited for other programs
_DISK_RATIO: Final = 1.5  # first loads that take this many times the others' median came from the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMeasurement:
    """The measured values of one model; None where the recordings do not tell.

    `warm_load_s` is the median of the loads from page cache, `mean_load_s` their mean, which predicts sums of them.
    `first_load_s` is the median of each run's first load, where those took clearly longer. `load_count` counts all of
    them, `stalled_loads` those of over 4 times the median. Speeds are tokens over the server's own seconds, over the
    `call_count` calls, without the tokens of prompts that `prompt_cache` spared, and as if each call had been alone:
    beside another model that computes, a call takes `slowdown_beside` times as long. The speed of prefill leaves out
    `stalled_prompts`, which took `stalled_prompts_s` seconds more than at that speed, all together, and counts
    `mixed_prompts`, which were as slow beside the others, and are too many to have stalled.
    `first_format_s` is what the first call with a format takes more after each load.
    `plain` and `schema` are the costs of calls without and with a JSON schema,
    `own_limit` the model's own `num_predict`, `replies` its answers by request.
    `overhead_s` is the median of what a call took besides load, prefill and decode, where no other call overlapped it.
    `weights` is the model that stood for its weights, None where it had them alone.
    `size_bytes` is the most memory that the model occupied at `num_ctx` tokens of context, `vram_bytes` the most
    of it on the GPU. `max_ctx` is its longest context, which no recording tells. `completion_tokens` has the mean of
    each answered task, by type.
    """

    tag: str
    digest: str | None = None
    weights: str | None = None
    num_ctx: int | None = None
    max_ctx: int | None = None
    warm_load_s: float | None = None
    mean_load_s: float | None = None
    first_load_s: float | None = None
    load_count: int = 0
    stalled_loads: int = 0
    prefill_tokens_per_s: float | None = None
    stalled_prompts: int = 0
    stalled_prompts_s: float = 0.0
    mixed_prompts: int = 0
    decode_tokens_per_s: float | None = None
    overhead_s: float | None = None
    call_count: int = 0
    size_bytes: int | None = None
    vram_bytes: int | None = None
    plain: MeasuredCost | None = None
    schema: MeasuredCost | None = None
    own_limit: int | None = None
    prompt_cache: PrefixReuse | None = None
    slowdown_beside: float | None = None
    first_format_s: float | None = None
    estimate_per_token: float | None = None
    replies: tuple[RecordedAnswer, ...] = ()
    planner: PlannerBehaviour | None = None
    answers: ScoredAnswers = field(default_factory=ScoredAnswers)
    completion_tokens: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "completion_tokens", MappingProxyType(dict(self.completion_tokens)))

    @property
    def reliable_accuracy(self) -> dict[str, AccuracyCount]:
        """The accuracies that rest on at least MIN_ANSWERS answers."""
        return {kind: count for kind, count in self.answers.accuracy.items() if count.scored >= MIN_ANSWERS}


def measure_models(takes: Iterable[Take]) -> tuple[ModelMeasurement, ...]:
    """Return the measured values of every model that was called or loaded, in the order of their tags."""
    recorded = collect_recordings(takes)
    readings = [prompt_reading(model.chats) for model in recorded]
    alone = alone_times([reading.chats for reading in readings])
    return tuple(
        _measurement(model, reading.reuse, times)
        for model, reading, times in zip(recorded, readings, alone, strict=True)
    )


def stall_notes(model: ModelMeasurement) -> list[str]:
    """Return what to know of a model's figures where loads or prompts stalled; of loads, once for shared weights."""
    loads = load_note(model) if model.weights in (None, full_tag(model.tag)) else None
    return [note for note in (loads, prompt_note(model)) if note is not None]


def prompt_note(model: ModelMeasurement) -> str | None:
    """Return what to know of a model's speed of prefill where prompts stalled; None where none did."""
    if model.mixed_prompts and model.prefill_tokens_per_s is not None:
        return (
            f"{model.tag}: {model.mixed_prompts} of {model.call_count} prompts took over {STALLED_TIMES:g} times as "
            f"long to read as the others, too many for exceptions; the profile's {model.prefill_tokens_per_s:.0f} "
            "tokens/s hold both, and predict neither: record again on a server that is warm and quiet"
        )
    if not model.stalled_prompts:
        return None
    return (
        f"{model.tag}: {model.stalled_prompts} of {model.call_count} prompts took over {STALLED_TIMES:g} times as long "
        f"to read as usual, {model.stalled_prompts_s:.1f} s more all together, as where a server prepares itself for "
        "its first ones; the profile leaves that out"
    )


def load_note(model: ModelMeasurement) -> str | None:
    """Return what to know of the mean of a model's loads where some stalled; None where none did."""
    if not model.stalled_loads or model.warm_load_s is None or model.mean_load_s is None:
        return None
    return (
        f"{model.tag}: {model.stalled_loads} of {model.load_count} loads took over {_STALL_RATIO:g} times the median"
        f" of {model.warm_load_s:.2f} s, as where other programs use the machine; the profile's mean of "
        f"{model.mean_load_s:.2f} s predicts their sum, and no single load"
    )


def missing_measurement(model: ModelMeasurement) -> str | None:
    """Return why a model cannot be simulated; None where everything that the simulator needs was measured."""
    if model.decode_tokens_per_s is None or model.prefill_tokens_per_s is None:
        return "no recorded chat reports its speed"
    if model.size_bytes is None:
        return "no recorded list of resident models shows its size"
    return "no load of it was recorded" if model.warm_load_s is None else None


def _measurement(recorded: ModelRecordings, reuse: PrefixReuse | None, alone: AloneTimes) -> ModelMeasurement:
    warm, first = _load_times(recorded.loads)
    steady = steady_prompts(alone.chats)
    return ModelMeasurement(
        tag=recorded.tag,
        digest=recorded.digest,
        weights=recorded.weights,
        num_ctx=next((num_ctx for chat in recorded.chats if (num_ctx := chat.option("num_ctx")) is not None), None),
        warm_load_s=median_of_known(warm),
        mean_load_s=mean_of_known(warm),
        first_load_s=median_of_known(first),
        load_count=len(recorded.loads),
        stalled_loads=sum(load > _STALL_RATIO * median(warm) for load in warm),
        prefill_tokens_per_s=steady.tokens_per_s,
        stalled_prompts=steady.stalled,
        stalled_prompts_s=steady.lost_s,
        mixed_prompts=steady.mixed,
        decode_tokens_per_s=decode_tokens_per_s(
            (each.reply.completion_tokens, each.reply.decode_s) for each in alone.chats
        ),
        overhead_s=median_of_known(chat.overhead_s for chat in recorded.chats),
        plain=measured_cost(recorded.chats, schema=False),
        schema=measured_cost(recorded.chats, schema=True),
        own_limit=own_limit(recorded.chats),
        prompt_cache=reuse,
        slowdown_beside=alone.slowdown,
        first_format_s=first_format_s(recorded.chats),
        estimate_per_token=estimate_per_token(recorded.chats),
        replies=recorded_answers(steady.chats),
        planner=planner_behaviour(recorded.chats),
        call_count=len(recorded.chats),
        size_bytes=recorded.size_bytes,
        vram_bytes=recorded.vram_bytes,
        answers=score_answers(recorded.chats),
        completion_tokens=_tokens_by_type(recorded.chats),
    )


def _tokens_by_type(chats: Iterable[RecordedChat]) -> dict[str, tuple[int, ...]]:
    """Return the mean tokens of the answers to each task, by type: answers to one task resemble each other."""
    tasks: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for chat in chats:
        if chat.task is not None and chat.reply.completion_tokens:
            tasks[chat.task.type, chat.take.case.job, chat.task.id].append(chat.reply.completion_tokens)
    found: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for (kind, _, _), counts in sorted(tasks.items()):
        found[kind] += (round(fmean(counts)),)
    return found


def _load_times(loads: tuple[RecordedLoad, ...]) -> tuple[list[float], list[float]]:
    """Return (warm, first) in seconds; first loads count apart where they took clearly longer than the others."""
    first: list[float] = []
    others: list[float] = []
    seen: set[str] = set()
    for load in loads:
        (others if load.run in seen else first).append(load.duration_s)
        seen.add(load.run)
    if others and median(first) > _DISK_RATIO * median(others):
        return others, first
    return first + others, []
