"""Loads and prompts that took a server far longer than usual: a first load from the disk, a prompt that stalled.

The mode that runs first pays for them, whichever it is, so they are no merit of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median, median_low
from typing import Final, NamedTuple, TypeVar

from pytest_swarm.domain.prompt_speed import LEAST_STALL_S, STALLED_TIMES, is_stalled, prompt_speed
from pytest_swarm.metrics.measured_jobs import MeasuredJob

_SLOW: Final = 3.0  # times the usual seconds: loads of one model from the page cache differ by far less
_FEWEST: Final = 3  # loads of a model, or readings of a prompt; of fewer, none is usual
_Group = TypeVar("_Group")
_Key = TypeVar("_Key")


def usual_loads_s(jobs: Iterable[MeasuredJob]) -> dict[str, float]:
    """Return the median seconds of each model's loads; of an even number the lower one.

    A first load from the disk, which is slower by much, hardly moves it.
    """
    return {model: median_low(values) for model, values in _grouped(_loads(jobs)).items()}


def slow_loads_s(groups: Mapping[_Group, Collection[MeasuredJob]]) -> dict[_Group, float]:
    """Return the mean seconds of a job that slow loads took beyond the usual, by group.

    Slow is a load of over 0.3 s and three times the median of its model in all groups together.

    Args:
        groups: The jobs of each mode or policy, at least one each.
    """
    loads = {name: _loads(jobs) for name, jobs in groups.items()}
    every = _grouped(load for each in loads.values() for load in each)
    usual = {model: median_low(values) for model, values in every.items() if len(values) >= _FEWEST}
    return {
        name: sum(
            load_s - usual[model]
            for model, load_s in each
            if load_s > max(LEAST_STALL_S, _SLOW * usual.get(model, load_s))
        )
        / len(groups[name])
        for name, each in loads.items()
    }


def _loads(jobs: Iterable[MeasuredJob]) -> list[tuple[str, float]]:
    """Return the model and the seconds of each load."""
    return [
        (each.model, each.finished_s - each.started_s)
        for job in jobs
        for each in job.record.switches
        if each.action == "load"
    ]


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
    for prompt, values in _grouped(readings).items():
        speed = speeds[prompt.model]
        if len(values) >= _FEWEST:
            found[prompt] = median_low(values)
        elif speed is not None and speed.slowest:
            found[prompt] = prompt.tokens / speed.usual
    return found


def _beyond_s(readings: Sequence[tuple[_Prompt, float]], usual_s: Mapping[_Prompt, float]) -> Iterator[float]:
    """Give the seconds beyond the usual of each prompt of one group that stalled."""
    own = _grouped(readings)
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


def _grouped(rows: Iterable[tuple[_Key, float]]) -> dict[_Key, list[float]]:
    """Return the seconds of the loads of each model, or of the readings of each prompt."""
    found: dict[_Key, list[float]] = defaultdict(list)
    for key, seconds in rows:
        found[key].append(seconds)
    return found


def _readings(jobs: Iterable[MeasuredJob]) -> list[tuple[_Prompt, float]]:
    """Return each task's prompt, and the seconds that the server took to read it."""
    return [
        (_Prompt(job.record.case.graph.digest, each.task, each.model, each.prompt_tokens), each.prefill_s)
        for job in jobs
        for each in job.record.outcomes
        if each.model is not None and each.prompt_tokens and each.prefill_s
    ]
