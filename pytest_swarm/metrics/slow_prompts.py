"""Prompts that a server took far longer to read than in other cases, such as the first ones of a GPU runner.

The mode that runs first pays for them, whichever it is, so they are no merit of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from statistics import median_low
from typing import Final, NamedTuple, TypeVar

from pytest_swarm.domain.prompt_speed import STALLED_TIMES, is_stalled
from pytest_swarm.metrics.measured_jobs import MeasuredJob

_FEWEST: Final = 3  # readings of one prompt; of fewer, none is usual
_Group = TypeVar("_Group")


class _Prompt(NamedTuple):
    """One prompt as far as jobs of one graph share it: the same task, model and tokens."""

    graph: str
    task: str
    model: str
    tokens: int


def slow_prompts_s(groups: Mapping[_Group, Collection[MeasuredJob]]) -> dict[_Group, float]:
    """Return the mean seconds of a job that stalled prompts took beyond the usual, by group.

    Usual is the median of the same prompt in all groups together. Planners' prompts are not looked at.

    Args:
        groups: The jobs of each mode or policy, at least one each.
    """
    read = {name: _readings(jobs) for name, jobs in groups.items()}
    every: dict[_Prompt, list[float]] = defaultdict(list)
    for readings in read.values():
        for prompt, seconds in readings:
            every[prompt].append(seconds)
    usual = {prompt: median_low(values) for prompt, values in every.items() if len(values) >= _FEWEST}
    return {
        name: sum(
            seconds - usual[prompt]
            for prompt, seconds in readings
            if prompt in usual
            and is_stalled(prompt.tokens, seconds, slowest=prompt.tokens / (STALLED_TIMES * usual[prompt]))
        )
        / len(groups[name])
        for name, readings in read.items()
    }


def _readings(jobs: Iterable[MeasuredJob]) -> list[tuple[_Prompt, float]]:
    """Return each task's prompt, and the seconds that the server took to read it."""
    return [
        (_Prompt(job.record.case.graph.digest, each.task, each.model, each.prompt_tokens), each.prefill_s)
        for job in jobs
        for each in job.record.outcomes
        if each.model is not None and each.prompt_tokens and each.prefill_s
    ]
