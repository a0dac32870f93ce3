"""A step that puts a figure of its parents into a function."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.expectation import PythonCode, derived
from pytest_swarm.domain.formula import evaluate
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Spot, code_step, shown
from pytest_swarm.workloads.workflowgen.terms import terms_of, values_of

LISTS: Final = (1, 2, 3)  # lengths of the lists that the hidden cases call the function with


def apply_figure(draw: Draw, spot: Spot) -> GeneratedStep:
    """A function that adds a figure to each number of a list.

    From level 2 each is multiplied first, from level 3 the order is turned round, from level 4 there is a cap.
    """
    term = draw.pick(terms_of(draw, spot))
    factor, cap = draw.between(2, 9), draw.between(50, 500) + int(term.value)
    item, words, body = f"{{0}} + {term.formula}", f"increased by {term.words}", f"number + {shown(term.value)}"
    if spot.level >= 2:
        item, words, body = f"{factor} * {item}", f"multiplied by {factor} and then {words}", f"{factor} * {body}"
    if spot.level >= 4:
        item, words, body = f"min({item}, {cap})", f"{words}, but never above {cap}", f"min({body}, {cap})"
    backwards = spot.level >= 3
    cases = [_case(item, [draw.between(-20, 80) for _ in range(size)], backwards=backwards) for size in LISTS]
    derive = f"[{', '.join(cases)}]"
    order = "in reverse order" if backwards else "in the same order"
    ask = (
        f"Write a Python function apply_figure(numbers) that returns the list of the numbers {order}, each {words}. "
        "Write that figure into the function."
    )
    source = "reversed(numbers)" if backwards else "numbers"
    solution = f"def apply_figure(numbers):\n    return [{body} for number in {source}]"
    expected = derived(PythonCode(entry_point="apply_figure"), evaluate(derive, values_of(spot)))
    assert isinstance(expected, PythonCode)  # `derived` keeps the kind
    return code_step(ask, expected, solution, derive)


def _case(item: str, numbers: list[int], *, backwards: bool) -> str:
    """One case as a formula: the list, and what must come out of it."""
    results = [item.format(number) for number in (reversed(numbers) if backwards else numbers)]
    return f"{{'args': [{numbers}], 'returns': [{', '.join(results)}]}}"
