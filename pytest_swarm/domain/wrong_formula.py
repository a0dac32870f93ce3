"""Formulas (`Task.derive`) that are wrong for the right answers of the parents: their local scores say nothing.

For right answers a formula must give what is expected. It is refused where a person wrote both. A task read back from a
recorded run may have one, and is scored as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_swarm.domain.derived_expectation import derived
from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Keywords, Letter, Number, YesNo
from pytest_swarm.domain.formula import UnusableError, Value, check_formula, evaluate
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import NEEDS_NO_INPUT, Task


def wrong_formula(graph: TaskGraph) -> str | None:
    """Return what is wrong with the first task whose formula contradicts what it expects; None if there is none.

    A formula over a parent without a known right answer is not judged, nor are the cases of a code task.
    """
    for task in graph.tasks:
        if (fault := _fault(task, {name: graph.task(name) for name in graph.parents(task.id)})) is not None:
            return f"graph {graph.name!r}: task {task.id!r}: {fault}"
    return None


def _fault(task: Task, parents: Mapping[str, Task]) -> str | None:
    if task.derive is None or task.derive == NEEDS_NO_INPUT or task.expected is None:
        return None
    given = {name: value for name, each in parents.items() if (value := _right_value(each.expected)) is not None}
    if not check_formula(task.derive) <= given.keys():
        return None
    try:
        value = evaluate(task.derive, given)
        agrees = _agrees(task.expected, derived(task.expected, value))
    except UnusableError as error:
        return f"for the right answers of its parents, {error}; correct 'derive'"
    if agrees:
        return None
    return (
        f"for the right answers of its parents, formula {task.derive!r} gives {value!r}, which is not what is "
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
