"""Answers that are known in hindsight: what mode `oracle` chooses by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class HindsightAnswers(Protocol):
    """What each model answers to each task of a job, given the answers before it; known in hindsight only."""

    def inputs(self, task: str) -> tuple[str, ...]:
        """Return the tasks whose answers a task is given."""

    def answer(self, task: str, model: str, given: Mapping[str, str]) -> tuple[str, float]:
        """Return the text of an answer and the score that the job gets for it; 0 where it has none.

        Args:
            task: The task.
            model: The tag of the model.
            given: The texts that the task is given, by task.
        """
