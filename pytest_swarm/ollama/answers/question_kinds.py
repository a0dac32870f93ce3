"""The kinds of questions that are no task's: a planner's and a judge's. A task's question has the type of the task."""

from __future__ import annotations

from typing import Final

from pytest_swarm.ollama.answers.questions import Question
from pytest_swarm.planner_problem import find_problem

PLANNER: Final = "planner"
JUDGE: Final = "judge"


def kind_beside_tasks(question: Question) -> str:
    """Return the kind of a question that no task asks, by whether it holds a planning problem."""
    return JUDGE if find_problem(question.last_message) is None else PLANNER
