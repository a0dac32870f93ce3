"""Scoring by a judge model: not pure, it asks a model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Final, Protocol

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.errors import BackendError
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.json import find_objects, numeric
from pytest_swarm.scoring.verdict import EMPTY, Score, shown, unscored

_FIELD: Final = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a judge gave: a grade from 0 to 1, None where its reply holds none, and the reply itself."""

    value: float | None
    reply: str


class JudgeModel(Protocol):
    """A model that grades answers."""

    async def grade(self, rubric: str, prompt: str, answer: str) -> Grade | float | None:
        """A grade from 0 to 1, with or without the reply that gave it, None for no grade; raises BackendError."""


async def score_by_judge(judge: JudgeModel | None, expected: Judge, prompt: str, answer: str) -> Score:
    """Return the judge's grade; unscored where there is no judge, where it failed, or where its grade is none.

    An empty answer scores 0 and is not shown to the judge.
    """
    text = readable(answer)
    if not text:
        return EMPTY
    if judge is None:
        return unscored("graded by a judge only, and none was named")
    try:
        given = await judge.grade(expected.rubric, prompt, text)
    except BackendError as error:
        return unscored(f"the judge failed: {error}")
    grade = given if isinstance(given, Grade) else Grade(value=given, reply="")
    reply = grade.reply or None
    if grade.value is None or not (math.isfinite(grade.value) and 0 <= grade.value <= 1):
        found = shown(grade.reply) if grade.value is None and reply else shown(grade.value)
        return Score(value=None, detail=f"the judge gave no grade from 0 to 1: {found}", judge_reply=reply)
    return Score(value=float(grade.value), judge_reply=reply)


def read_grade(reply: str) -> Grade:
    """Return the grade in a judge's reply: `score` in its last JSON object that has one, fenced or after thinking.

    Objects within one that has a score do not count.
    A number in quotes counts. No grade where there is none, or where it is not from 0 to 1.
    """
    text = readable(reply)
    value = None
    for candidate in find_objects(text, (_FIELD,)):
        if _FIELD in candidate:
            value = _grade(candidate[_FIELD])
    if value is None:
        value = _grade(_bare(text))
    return Grade(value=value, reply=reply)


def _bare(text: str) -> object:
    """A reply that is nothing but a JSON value."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _grade(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    number = numeric(found, quoted=True)
    return float(number) if number is not None and 0 <= number <= 1 else None
