"""Graphs with a task whose score says nothing of a model. A person who writes one is told.

Either nearly every answer meets what the task expects, or none (`vacuous_expectation`), or its formula (`Task.derive`)
is wrong: for right answers of its parents a formula must give what is expected. A graph read back from a recorded run
may be such a one, and is scored as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pytest_swarm.domain.derived_expectation import derived
from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Keywords, Letter, Number, YesNo
from pytest_swarm.domain.formula import UnusableError, Value, evaluate
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task
from pytest_swarm.domain.vacuous_expectation import vacuous

_KEPT: Final = 64  # graphs: the cases of one come together


@lru_cache(maxsize=_KEPT)
def graph_fault(graph: TaskGraph) -> str | None:
    """Return what is wrong with the first task whose score says nothing; None if there is none.

    A formula over a parent without a known right answer is not judged, nor are the cases of a code task.
    """
    right = {task.id: _right_value(task.expected) for task in graph.tasks}
    known = {name: value for name, value in right.items() if value is not None}
    for task in graph.tasks:
        if task.expected is None:
            continue
        if (fault := vacuous(task.expected) or _wrong_formula(task, task.expected, known)) is not None:
            return f"graph {graph.name!r}: task {task.id!r}: {fault}"
    return None


def _wrong_formula(task: Task, expected: Expectation, known: Mapping[str, Value]) -> str | None:
    if task.formula is None or not task.derives_from <= known.keys():
        return None
    try:
        value = evaluate(task.formula, known)
        agrees = _agrees(expected, derived(expected, value))
    except UnusableError as error:
        return f"for the right answers of its parents, {error}; correct 'derive'"
    if agrees:
        return None
    return (
        f"for the right answers of its parents, formula {task.formula!r} gives {value!r}, which is not what is "
        "expected; correct 'derive' or 'expected'"
    )


def _right_value(expected: Expectation | None) -> Value | None:
    """The value of a parent's right answer in a formula; None where its kind hands on none."""
    match expected:
        case JsonFields(fields=fields):
            return {key: value for key, value in fields.items() if value is not None}
        case Number(value=number):
            return number
        case YesNo(value=truth):
            return truth
        case Letter(value=text) | Exact(text=text):
            return text
    return None


def _agrees(expected: Expectation, found: Expectation) -> bool:
    """Whether the right answer is right by the formula, too."""
    match expected, found:
        case Number(value=right, tolerance=tolerance), Number(value=value):
            return math.isclose(value, right, rel_tol=1e-9, abs_tol=max(tolerance, 1e-9))
        case JsonFields(fields=right), JsonFields(fields=fields):
            return all(key in right and _same(value, right[key]) for key, value in fields.items())
        case Keywords(words=right), Keywords(words=words):
            return set(map(_folded, words)) <= set(map(_folded, right))
        case (Exact(text=right), Exact(text=text)) | (Letter(value=right), Letter(value=text)):
            return _folded(text) == _folded(right)
        case YesNo(value=right), YesNo(value=value):
            return value == right
    return True


def _same(value: object, right: object) -> bool:
    if isinstance(value, int | float) and isinstance(right, int | float):
        return math.isclose(value, right, rel_tol=1e-9, abs_tol=1e-6)
    return _folded(str(value)) == _folded(str(right))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
