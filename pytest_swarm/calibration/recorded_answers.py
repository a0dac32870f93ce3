"""Recorded answers, scored: how often a model was right, by type of task, with Wilson's interval.

An answer that was given to the same request more than once counts once: it is one draw, not two.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from pytest_swarm.domain.prompt import Message, parent_outputs
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import Exchange, Take
from pytest_swarm.ollama.messages import ChatReply
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.scoring.scorers import score_text

WILSON_Z: Final = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of the scored answers were wholly right (score 1), and the mean difficulty of their tasks."""

    right: int
    scored: int
    difficulty: float

    @property
    def rate(self) -> float:
        """The share of right answers."""
        return self.right / self.scored

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return wilson(self.right, self.scored)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What one model did on one task of a job: a score and a token count for each distinct request.

    `handed_on`: the task was given outputs of its parents. Its scores are then those for the inputs that it had.
    `has_parents`: it could have been.
    """

    job: str
    task: str
    handed_on: bool
    has_parents: bool
    scores: tuple[float, ...]
    completion_tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChat:
    """A chat that was answered. `alone`: no other chat of its take ran at the same time."""

    take: Take
    row: Exchange
    reply: ChatReply
    alone: bool

    @property
    def task(self) -> Task | None:
        """The task that was asked; None for a planner's or judge's call."""
        return None if self.row.task is None else self.take.case.graph.task(self.row.task)

    @property
    def given(self) -> tuple[tuple[Task, str], ...]:
        """The parents whose outputs the task was given, with those outputs."""
        if self.row.task is None:
            return ()
        outputs, graph = parent_outputs(_messages(self.row.body)), self.take.case.graph
        return tuple((graph.task(each), outputs[each]) for each in graph.parents(self.row.task) if each in outputs)


def wilson(right: int, scored: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = right / n.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    n, z = scored, WILSON_Z
    p = right / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def recorded_answers(chats: Iterable[RecordedChat]) -> tuple[dict[TaskType, Tally], tuple[TaskRecord, ...]]:
    """Accuracy by type, and what is known of each task; each distinct request once.

    Accuracy is that of the model alone: an answer is held against what is right for the inputs that the task had, and
    does not count where those inputs were wrong and the task cannot say what is right for them.
    """
    verdicts: dict[TaskType, list[tuple[bool, float]]] = defaultdict(list)
    known: dict[tuple[str, str, bool, bool], list[tuple[float | None, int | None]]] = defaultdict(list)
    seen: set[str] = set()
    for chat in chats:
        task, given = chat.task, chat.given
        if task is None or chat.row.digest in seen:
            continue
        seen.add(chat.row.digest)
        own = _own_score(task, given, chat.reply.text)
        has_parents = bool(chat.take.case.graph.parents(task.id))
        known[chat.take.case.job, task.id, bool(given), has_parents].append((own, chat.reply.completion_tokens))
        if own is not None:
            verdicts[task.type].append((own >= 1, task.difficulty))
    accuracy = {
        kind: Tally(right=sum(right for right, _ in each), scored=len(each), difficulty=fmean(d for _, d in each))
        for kind, each in verdicts.items()
    }
    records = tuple(
        TaskRecord(
            job=job,
            task=task_id,
            handed_on=handed_on,
            has_parents=has_parents,
            scores=tuple(score for score, _ in each if score is not None),
            completion_tokens=tuple(tokens for _, tokens in each if tokens is not None),
        )
        for (job, task_id, handed_on, has_parents), each in sorted(known.items())
    )
    return accuracy, records


def _own_score(task: Task, given: tuple[tuple[Task, str], ...], answer: str) -> float | None:
    """The score for the inputs that the task had; None where those were wrong, and nothing says what is right then."""
    if task.derive is not None:
        expected = local_expectation(task, given)
        return None if expected is None else score_text(expected, answer).value
    inputs = [score_text(parent.expected, output).value for parent, output in given]
    if any(score is not None and score < 1 for score in inputs):
        return None
    return score_text(task.expected, answer).value


def _messages(body: Json) -> list[Message]:
    """The messages of a chat's body; what is none is left out."""
    found = body.get("messages") if isinstance(body, dict) else None
    rows = found if isinstance(found, list) else []
    texts = [(row.get("role"), row.get("content")) for row in rows if isinstance(row, dict)]
    return [
        Message(role=role, content=content)
        for role, content in texts
        if isinstance(role, str) and isinstance(content, str)
    ]
