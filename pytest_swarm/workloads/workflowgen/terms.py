"""What a step can take from its parents: terms, as a formula, in words and as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.formula import Value, evaluate
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Spot, record_step

FIRST_DAY: Final = "2025-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A number taken from a parent: as a formula, in words, and its value."""

    formula: str
    words: str
    value: float


def values_of(spot: Spot) -> dict[str, Value]:
    """Parent's id -> the value that it hands on, for those that hand on any."""
    return {name: step.value for name, step in spot.parents if step.value is not None}


def without_flags(spot: Spot) -> Spot:
    """The spot without the parents that said yes or no."""
    rest = tuple((name, step) for name, step in spot.parents if not isinstance(step.value, bool))
    return Spot(level=spot.level, parents=rest)


def terms_of(draw: Draw, spot: Spot) -> list[Term]:
    """One term for each parent that hands on a value."""
    values = values_of(spot)
    return [_term(draw, name, value, values) for name, value in values.items()]


def _term(draw: Draw, name: str, value: Value, values: Mapping[str, Value]) -> Term:
    if isinstance(value, bool):
        formula, words = f"(1 if {name} else 0)", f"1 if step {name} said yes and 0 if it said no"
    elif isinstance(value, dict):
        key = draw.pick(list(value))
        formula, words = _field_term(name, key, value[key])
    else:
        formula, words = name, f"the result of step {name}"
    number = evaluate(formula, values)
    assert isinstance(number, int | float)  # each formula above gives a number
    return Term(formula=formula, words=words, value=number)


def _field_term(name: str, key: str, value: Value) -> tuple[str, str]:
    place = f'"{key}" from step {name}'
    if not isinstance(value, str):
        return f"{name}.{key}", place
    if key == "date":
        return f"days('{FIRST_DAY}', {name}.{key})", f"the number of days from {FIRST_DAY} to the date {place}"
    return f"letters({name}.{key})", f"the number of letters of {place}"


def worth(formula: str, spot: Spot) -> float:
    """The number that a formula over the parents gives."""
    value = evaluate(formula, values_of(spot))
    assert isinstance(value, int | float)  # called for formulas of numbers only
    return value


def record_by_formulas(type_: TaskType, ask: str, formulas: Mapping[str, str], spot: Spot) -> GeneratedStep:
    """A record step whose fields are formulas over the parents."""
    derive = "{" + ", ".join(f"'{key}': {formula}" for key, formula in formulas.items()) + "}"
    value = evaluate(derive, values_of(spot))
    assert isinstance(value, dict)  # the formula is a record
    fields = {key: each for key, each in value.items() if isinstance(each, str | int)}
    return record_step(type_, ask, fields, derive)
