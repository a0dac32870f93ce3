"""Scored answers of a model: how often it was right, by type of task, with Wilson's interval.

In an accuracy, answers to the same request count once: they are one draw, not several.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.task import Task
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.scoring.scorers import score_text

WILSON_Z: Final = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyCount:
    """How many of the scored answers were entirely right (score 1), and the mean difficulty of their tasks."""

    right: int
    scored: int
    mean_difficulty: float

    @property
    def rate(self) -> float:
        """The share of right answers, in [0, 1]."""
        return self.right / self.scored

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return wilson_interval(self.right, self.scored)

    @property
    def summary(self) -> str:
        """The counts and the interval in words, for a comment in a file."""
        low, high = self.interval
        return (
            f"{self.right} of {self.scored} right, Wilson 95 % interval {low:.3f} to {high:.3f}, "
            f"mean difficulty {self.mean_difficulty:.2f}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSamples:
    """What one model did on one task of a job: a score and a token count for each call.

    An input that came often counts often, because it is as frequent in what is predicted.

    `has_parents` tells that the task has parents, `outputs_given` that the prompt contained their outputs. The scores
    are then relative to the inputs that the task was given. `scores_after_wrong_input` are those of answers to inputs
    of which one was wrong, where nothing tells what is right for them.
    """

    job: str
    task: str
    has_parents: bool
    outputs_given: bool
    scores: tuple[float, ...]
    completion_tokens: tuple[int, ...]
    scores_after_wrong_input: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswers:
    """The scored answers of one model: the accuracy by type of task, and the samples of each task."""

    accuracy: Mapping[str, AccuracyCount] = field(default_factory=dict)
    tasks: tuple[TaskSamples, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "accuracy", MappingProxyType(dict(self.accuracy)))


def wilson_interval(right: int, scored: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate, clipped to [0, 1].

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = right / n and n = scored.
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Args:
        right: Number of right answers.
        scored: Number of scored answers, at least 1.
    """
    n, z = scored, WILSON_Z
    p = right / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def score_answers(chats: Iterable[RecordedChat]) -> ScoredAnswers:
    """Return the accuracy of one model by type, in which each distinct request counts once, and its samples by task.

    The accuracy is the model's own: an answer is compared with what is right for the inputs that the task was given.
    It does not count where those inputs were wrong and the task cannot tell what is right for them.
    """
    results: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    samples: dict[tuple[str, str, bool, bool], list[tuple[float | None, int | None]]] = defaultdict(list)
    misled: dict[tuple[str, str, bool, bool], list[float]] = defaultdict(list)
    seen: set[str] = set()
    for chat in chats:
        task = chat.task
        if task is None:
            continue
        first = chat.exchange.digest not in seen
        seen.add(chat.exchange.digest)
        given = chat.given_outputs()
        score = _own_score(task, given, chat.reply.text)
        has_parents = bool(chat.take.case.graph.parents(task.id))
        key = (chat.take.case.job, task.id, bool(given), has_parents)
        samples[key].append((score, chat.reply.completion_tokens))
        if score is None and task.derive is None:
            after = score_text(task.expected, chat.reply.text).value
            misled[key] += [] if after is None else [after]
        if score is not None and first:
            results[task.type].append((score >= 1, task.difficulty))
    return ScoredAnswers(
        accuracy={kind: _count(rows) for kind, rows in results.items()},
        tasks=tuple(
            TaskSamples(
                job=job,
                task=task_id,
                has_parents=has_parents,
                outputs_given=outputs_given,
                scores=tuple(score for score, _ in rows if score is not None),
                completion_tokens=tuple(tokens for _, tokens in rows if tokens is not None),
                scores_after_wrong_input=tuple(misled[job, task_id, outputs_given, has_parents]),
            )
            for (job, task_id, outputs_given, has_parents), rows in sorted(samples.items())
        ),
    )


def _count(rows: list[tuple[bool, float]]) -> AccuracyCount:
    return AccuracyCount(
        right=sum(right for right, _ in rows),
        scored=len(rows),
        mean_difficulty=fmean(difficulty for _, difficulty in rows),
    )


def _own_score(task: Task, given: tuple[tuple[Task, str], ...], answer: str) -> float | None:
    """Return the score for the given inputs; None where those were wrong and nothing tells what is right for them."""
    if task.derive is not None:
        expected = local_expectation(task, given)
        return None if expected is None else score_text(expected, answer).value
    inputs = [score_text(parent.expected, output).value for parent, output in given]
    if any(score is not None and score < 1 for score in inputs):
        return None
    return score_text(task.expected, answer).value
