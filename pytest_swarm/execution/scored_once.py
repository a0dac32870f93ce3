"""Custom scorers of a case that may be played more than once: each answer is given to them once, as in a plain run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytest_swarm.domain.expectation import Custom
from pytest_swarm.domain.record import Case

CustomScorer = Callable[[str], float | None]


def with_custom_scorers(case: Case, change: Callable[[CustomScorer], CustomScorer]) -> Case:
    """Return a case with other functions in the place of its custom scorers.

    Args:
        case: The case.
        change: Returns the function that stands in for one.
    """
    tasks = tuple(
        replace(task, expected=replace(task.expected, function=change(task.expected.function)))
        if isinstance(task.expected, Custom) and task.expected.function is not None
        else task
        for task in case.graph.tasks
    )
    return replace(case, graph=replace(case.graph, tasks=tasks))


def scored_once(scorer: CustomScorer) -> CustomScorer:
    """Return a scorer that gives a text to another one the first time only; one that raises is asked again."""
    known: dict[str, float | None] = {}

    def score(text: str) -> float | None:
        if text not in known:
            known[text] = scorer(text)
        return known[text]

    return score
