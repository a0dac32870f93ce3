"""Prompts that a server took far longer to read than in other cases, such as the first ones of a GPU runner.

The mode that runs first pays for them, whichever it is, so they are no merit of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median, median_low
from typing import Final, NamedTuple, TypeVar

from pytest_swarm.domain.prompt_speed import STALLED_TIMES, is_stalled, prompt_speed
from pytest_swarm.metrics.measured_jobs import MeasuredJob

_FEWEST: Final = 3  # readings of one prompt; of fewer, none of them is usual
_Group = TypeVar("_Group")


class _Prompt(NamedTuple):
    """One prompt as far as jobs of one graph share it: the same task, model and tokens."""

    graph: str
    task: str
    model: str
    tokens: int


def slow_prompts_s(groups: Mapping[_Group, Collection[MeasuredJob]]) -> dict[_Group, float]:
    """Return the mean seconds of a job that stalled prompts took beyond the usual, by group.

    Usual is the median of the same prompt in all groups together, or the speed of its model where it was read less than
    three times. What is usual in its own group did not stall, however fast others are: where a mode asks one model for
    all, the server has much of a prompt in its cache, and the mode that asks another one pays for its choice. Planners'
    prompts are not looked at.

    Args:
        groups: The jobs of each mode or policy, at least one each.
    """
    read = {name: _readings(jobs) for name, jobs in groups.items()}
    usual_s = _usual_s([row for rows in read.values() for row in rows])
    return {name: sum(_beyond_s(readings, usual_s)) / len(groups[name]) for name, readings in read.items()}


def _usual_s(readings: Sequence[tuple[_Prompt, float]]) -> dict[_Prompt, float]:
    """Return the usual seconds of each prompt; none for one that was read seldom, by a model without a usual speed."""
    models: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for prompt, seconds in readings:
        models[prompt.model].append((prompt.tokens, seconds))
    speeds = {model: prompt_speed(rows) for model, rows in models.items()}
    found: dict[_Prompt, float] = {}
    for prompt, values in _by_prompt(readings).items():
        speed = speeds[prompt.model]
        if len(values) >= _FEWEST:
            found[prompt] = median_low(values)
        elif speed is not None and speed.slowest:
            found[prompt] = prompt.tokens / speed.usual
    return found


def _beyond_s(readings: Sequence[tuple[_Prompt, float]], usual_s: Mapping[_Prompt, float]) -> Iterator[float]:
    """Give the seconds beyond the usual of each prompt of one group that stalled."""
    own = _by_prompt(readings)
    speeds: dict[str, list[float]] = defaultdict(list)
    for prompt, seconds in readings:
        speeds[prompt.model].append(prompt.tokens / seconds)
    for prompt, seconds in readings:
        if prompt in usual_s and _is_slow(prompt, seconds, usual_s=usual_s[prompt]):
            alone = len(own[prompt]) == 1
            own_s = prompt.tokens / median(speeds[prompt.model]) if alone else median_low(own[prompt])
            if _is_slow(prompt, seconds, usual_s=own_s):
                yield seconds - usual_s[prompt]


def _is_slow(prompt: _Prompt, seconds: float, *, usual_s: float) -> bool:
    return is_stalled(prompt.tokens, seconds, slowest=prompt.tokens / (STALLED_TIMES * usual_s))


def _by_prompt(readings: Iterable[tuple[_Prompt, float]]) -> dict[_Prompt, list[float]]:
    found: dict[_Prompt, list[float]] = defaultdict(list)
    for prompt, seconds in readings:
        found[prompt].append(seconds)
    return found


def _readings(jobs: Iterable[MeasuredJob]) -> list[tuple[_Prompt, float]]:
    """Return each task's prompt, and the seconds that the server took to read it."""
    return [
        (_Prompt(job.record.case.graph.digest, each.task, each.model, each.prompt_tokens), each.prefill_s)
        for job in jobs
        for each in job.record.outcomes
        if each.model is not None and each.prompt_tokens and each.prefill_s
    ]
