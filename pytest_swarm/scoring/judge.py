"""Scoring by a judge model: not pure, it asks a model."""

from __future__ import annotations

import math
from typing import Protocol

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.errors import BackendError
from pytest_swarm.scoring.verdict import Score, shown, unscored


class JudgeModel(Protocol):
    """A model that grades answers."""

    async def grade(self, rubric: str, prompt: str, answer: str) -> float | None:
        """A grade from 0 to 1, None where the judge gave none; raises BackendError."""


async def score_by_judge(judge: JudgeModel | None, expected: Judge, prompt: str, answer: str) -> Score:
    """The judge's grade; unscored where there is no judge, where it failed, or where its grade is none."""
    if judge is None:
        return unscored("graded by a judge only, and none was named")
    try:
        grade = await judge.grade(expected.rubric, prompt, answer)
    except BackendError as error:
        return unscored(f"the judge failed: {error}")
    if grade is None or not (math.isfinite(grade) and 0 <= grade <= 1):
        return unscored(f"the judge gave no grade from 0 to 1: {shown(grade)}")
    return Score(value=float(grade))
