"""The measured server of an answer store: means of loads, speeds of calls that ran alone, footprints, and limits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean, median
from typing import TypeVar

from pytest_swarm.calibration.cost_fit import decode_tokens_per_s
from pytest_swarm.domain.prompt_speed import PromptSpeed, prompt_speed
from pytest_swarm.execution.played_world import UNLIMITED_BYTES, ModelFigures, PlayedWorld
from pytest_swarm.metrics.facts import median_of_known
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.stored_values import LoadSample, SpeedSample, StoredAnswer


def measured_world(store: AnswerStore, gpu_bytes: int | None = None) -> PlayedWorld:
    """Return the measured server of a store.

    Args:
        store: The answers, loads and speeds.
        gpu_bytes: The memory of the server's GPUs; None = not known.
    """
    answers: dict[str, list[StoredAnswer]] = defaultdict(list)
    for digest, answer in store.answers():
        answers[digest].append(answer)
    every, speeds = store.loads(), store.speeds()
    loads: dict[str, list[LoadSample]] = defaultdict(list)
    for load in every:
        loads[load.digest].append(load)
    return PlayedWorld(
        models={
            digest: _figures(samples, answers[digest], [each for each in speeds if each.digest == digest])
            for digest, samples in loads.items()
        },
        num_parallel=_parallel(speeds),
        gpu_bytes=_gpu_bytes(every, gpu_bytes),
        list_s=_whole_ms(median([each.list_s for each in every if each.list_s is not None] or [0.0])),
    )


def _figures(loads: list[LoadSample], answers: Iterable[StoredAnswer], speeds: Iterable[SpeedSample]) -> ModelFigures:
    """Return the figures of a model; of its loads the mean of those from the page cache, which predicts their sum."""
    warm = [load.load_s for load in loads if not load.first]
    sizes: dict[int, list[int]] = defaultdict(list)
    for load in loads:
        sizes[load.num_ctx].append(load.size_bytes)
    alone = [answer for answer in answers if not answer.beside and answer.unanswered_s is None]
    clients = [answer.client_s for answer in alone if answer.client_s is not None]
    factors: dict[int, list[float]] = defaultdict(list)
    for speed in speeds:
        if speed.running > 1 and speed.decode_tokens_per_s:
            factors[speed.running].append(max(1.0, speed.alone_tokens_per_s / speed.decode_tokens_per_s))
    prompts = _prompt_speed(alone)
    return ModelFigures(
        load_s=_rounded(fmean(warm or [load.load_s for load in loads])),
        footprints={num_ctx: max(found) for num_ctx, found in sizes.items()},
        prefill_tokens_per_s=None if prompts is None else _rounded(prompts.usual),
        slowest_prompt_tokens_per_s=0.0 if prompts is None else _power_of_two(prompts.slowest),
        decode_tokens_per_s=_rounded(decode_tokens_per_s((each.completion_tokens, each.decode_s) for each in alone)),
        overhead_s=_rounded(median_of_known(answer.overhead_s for answer in alone)),
        client_s=_whole_ms(median(clients)) if clients else None,
        slowdowns={running: _rounded(median(found)) for running, found in sorted(factors.items())},
    )


Figure = TypeVar("Figure", float, float | None)


def _rounded(value: Figure) -> Figure:
    """Return a figure in four digits: a change of less than that is no reason to play cases again."""
    return value if value is None else float(f"{value:.3e}")


def _whole_ms(seconds: float) -> float:
    """Return seconds in whole milliseconds, which is as far as those of two calls agree."""
    return round(seconds, 3)


def _prompt_speed(answers: Iterable[StoredAnswer]) -> PromptSpeed | None:
    """Return the speed of prompts that were read in full."""
    read = [
        (answer.prompt_tokens, answer.prefill_s)
        for answer in answers
        if answer.prompt_tokens and answer.prefill_s and not answer.cached
    ]
    return prompt_speed(read, whole=True)


def _power_of_two(value: float) -> float:
    """Return the power of two at or below a value, which seldom changes as more is measured; 0 for 0."""
    return 2.0 ** math.floor(math.log2(value)) if value else 0.0


def _parallel(speeds: Iterable[SpeedSample]) -> int:
    """Return how many calls of one model ran together: the most of any model, because the server has one setting."""
    return max((speed.running for speed in speeds), default=1)


def _gpu_bytes(loads: Iterable[LoadSample], known_bytes: int | None) -> int | None:
    """Return the memory of the server's GPUs as far as it is known; None where every model was loaded to the CPU."""
    sizes = [load.size_vram_bytes for load in loads]
    return None if sizes and not any(sizes) else known_bytes or UNLIMITED_BYTES
