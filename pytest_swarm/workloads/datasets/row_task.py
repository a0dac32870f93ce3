"""The task of one row of a data set."""

from __future__ import annotations

import math
from typing import Final

from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.domain.text_tokens import tokens_by_length

USUAL_DIFFICULTY: Final = 2.5


def row_task(
    prompt: str,
    expected: Expectation,
    *,
    type_: TaskType,
    answer_tokens: int,
    difficulty: float = USUAL_DIFFICULTY,
) -> Task:
    """Return a task whose estimated tokens are those of its prompt, plus `answer_tokens`; the loader sets its id."""
    return Task(
        id="row",
        type=type_,
        prompt=escaped(prompt),
        estimated_tokens=math.ceil(tokens_by_length(prompt)) + answer_tokens,
        difficulty=difficulty,
        expected=expected,
    )
