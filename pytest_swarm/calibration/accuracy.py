"""Scored answers of a model: how often it was right, by type of task, with Wilson's interval.

Answers to the same request count once: they are one draw, not several. Answers to one task in several repeats resemble
each other, so the interval speaks of other tasks, and its width of how much tasks differ.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.task import Task
from pytest_swarm.ollama.messages import ChatReply
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.answer_texts import parts
from pytest_swarm.units import plural

T = TypeVar("T")
WILSON_Z: Final = 1.959964  # two-sided 95 % of the normal distribution
_FEW_TASKS: Final = 6  # with fewer, the variance between tasks is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyCount:
    """How many of the scored answers were entirely right (score 1), and the mean difficulty of their tasks.

    `effective` is how many answers to different tasks would say as much; answers to one task resemble each other.
    """

    right: int
    scored: int
    mean_difficulty: float
    tasks: int
    effective: float

    @property
    def rate(self) -> float:
        """The share of right answers, in [0, 1]."""
        return self.right / self.scored

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate on other tasks like these."""
        return wilson_interval(self.rate, self.effective)

    @property
    def summary(self) -> str:
        """The counts and the interval in words, for a comment in a file."""
        low, high = self.interval
        return (
            f"{self.right} of {self.scored} right on {plural(self.tasks, 'task')}, "
            f"Wilson 95 % interval {low:.3f} to {high:.3f}, mean difficulty {self.mean_difficulty:.2f}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSamples:
    """What one model did on one task of a job: a score and a token count for each call.

    An input that came often counts often, because it is as frequent in what is predicted.

    `has_parents` tells that the task has parents, `outputs_given` that the prompt contained their outputs. The scores
    are then relative to the inputs that the task was given. `scores_after_wrong_input` are those of answers to inputs
    of which one was wrong, where nothing tells what is right for them. `parts` are scored separately.
    """

    job: str
    task: str
    has_parents: bool
    outputs_given: bool
    parts: int
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


def wilson_interval(rate: float, answers: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate, clipped to [0, 1].

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = rate and n = answers.
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Args:
        rate: Share of right answers.
        answers: Number of independent answers, above 0; it need not be whole.
    """
    p, n, z = rate, answers, WILSON_Z
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def score_answers(chats: Iterable[RecordedChat]) -> ScoredAnswers:
    """Return the accuracy of one model by type, in which each distinct request counts once, and its samples by task.

    The accuracy is the model's own: an answer is compared with what is right for the inputs that the task was given.
    It does not count where those inputs were wrong and the task cannot tell what is right for them.
    """
    results: dict[str, list[tuple[tuple[str, str], bool, float]]] = defaultdict(list)
    samples: dict[tuple[str, str, bool, bool], list[_Answer]] = defaultdict(list)
    seen: set[str] = set()
    for chat in chats:
        task = chat.task
        if task is None:
            continue
        job, given = chat.take.case.job, chat.given_outputs()
        answer = _Answer(task, _own_score(task, given, chat.reply.text), chat.reply)
        samples[job, task.id, bool(chat.take.case.graph.parents(task.id)), bool(given)].append(answer)
        if answer.score is not None and chat.exchange.digest not in seen:
            results[task.type].append(((job, task.id), answer.score >= 1, task.difficulty))
        seen.add(chat.exchange.digest)
    return ScoredAnswers(
        accuracy={kind: _count(rows) for kind, rows in results.items()},
        tasks=tuple(
            TaskSamples(
                job=job,
                task=task_id,
                has_parents=has_parents,
                outputs_given=outputs_given,
                parts=parts(rows[0].task.expected),
                scores=_known(row.score for row in rows),
                completion_tokens=_known(row.reply.completion_tokens for row in rows),
                scores_after_wrong_input=_known(row.score_after_wrong_input for row in rows),
            )
            for (job, task_id, has_parents, outputs_given), rows in sorted(samples.items())
        ),
    )


class _Answer(NamedTuple):
    """An answer to a task; `score` is that for its inputs, None where nothing tells what is right for them."""

    task: Task
    score: float | None
    reply: ChatReply

    @property
    def score_after_wrong_input(self) -> float | None:
        if self.score is not None or self.task.derive is not None:
            return None
        return score_text(self.task.expected, self.reply.text).value


def _known(values: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(value for value in values if value is not None)


def _count(rows: list[tuple[tuple[str, str], bool, float]]) -> AccuracyCount:
    by_task: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for task, right, _ in rows:
        by_task[task].append(right)
    return AccuracyCount(
        right=sum(right for _, right, _ in rows),
        scored=len(rows),
        mean_difficulty=fmean(difficulty for _, _, difficulty in rows),
        tasks=len(by_task),
        effective=effective_answers([(sum(each), len(each)) for each in by_task.values()]),
    )


def effective_answers(tasks: Sequence[tuple[int, int]]) -> float:
    """Return how many answers to different tasks say as much as these.

    It is p (1 - p) / v, where v is the variance of the rate over tasks: k/(k-1) sum (r_i - p m_i)^2 / n^2 for k tasks
    with r_i right ones of m_i answers (J. N. K. Rao and A. J. Scott, Biometrics 48 (1992) 577). It lies between the
    number of tasks and that of answers; with few tasks, or where all answers are right or wrong, it is the former.

    Args:
        tasks: (right, scored) of each task.
    """
    right, scored = sum(each for each, _ in tasks), sum(each for _, each in tasks)
    rate, count = right / scored, len(tasks)
    if count < _FEW_TASKS or right in (0, scored):
        return float(count)
    spread = sum((each - rate * answers) ** 2 for each, answers in tasks) * count / (count - 1) / scored**2
    wanted = rate * (1 - rate) / spread if spread else float(scored)
    return min(float(scored), max(float(count), wanted))


def _own_score(task: Task, given: tuple[tuple[Task, str], ...], answer: str) -> float | None:
    """Return the score for the given inputs; None where those were wrong and nothing tells what is right for them."""
    if task.derive is not None:
        expected = local_expectation(task, given)
        return None if expected is None else score_text(expected, answer).value
    inputs = [score_text(parent.expected, output).value for parent, output in given]
    if any(score is not None and score < 1 for score in inputs):
        return None
    return score_text(task.expected, answer).value
