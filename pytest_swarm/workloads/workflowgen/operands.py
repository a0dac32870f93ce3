"""Numbers that a step can take from its parents' answers, and the formulas over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.formula import Value, evaluate
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.generated_step import GeneratedStep, StepContext, record_step
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream

FIRST_DAY: Final = "2025-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A number taken from a parent's answer: as a formula, in words, and its value."""

    formula: str
    words: str
    value: float


def parent_values(context: StepContext) -> dict[str, Value]:
    """Return parent's id -> value, for the parents whose answer can be computed with."""
    return {name: step.value for name, step in context.parents if step.value is not None}


def without_booleans(context: StepContext) -> StepContext:
    """Return the context without the parents whose answer is yes or no."""
    rest = tuple((name, step) for name, step in context.parents if not isinstance(step.value, bool))
    return StepContext(level=context.level, parents=rest)


def operands(rng: RandomStream, context: StepContext) -> list[Operand]:
    """Return one operand for each parent with a value; of a record, a random field."""
    values = parent_values(context)
    return [_operand(rng, name, value, values) for name, value in values.items()]


def _operand(rng: RandomStream, name: str, value: Value, values: Mapping[str, Value]) -> Operand:
    if isinstance(value, bool):
        formula, words = f"(1 if {name} else 0)", f"1 if step {name} said yes and 0 if it said no"
    elif isinstance(value, dict):
        key = rng.choice(list(value))
        formula, words = _field_operand(name, key, value[key])
    else:
        formula, words = name, f"the result of step {name}"
    number = evaluate(formula, values)
    assert isinstance(number, int | float)  # each formula above gives a number
    return Operand(formula=formula, words=words, value=number)


def _field_operand(name: str, key: str, value: Value) -> tuple[str, str]:
    place = f'"{key}" from step {name}'
    if not isinstance(value, str):
        return f"{name}.{key}", place
    if key == "date":
        return f"days('{FIRST_DAY}', {name}.{key})", f"the number of days from {FIRST_DAY} to the date {place}"
    return f"letters({name}.{key})", f"the number of letters of {place}"


def evaluate_number(formula: str, context: StepContext) -> float:
    """Return the number that a formula over the parents gives."""
    value = evaluate(formula, parent_values(context))
    assert isinstance(value, int | float)  # called for formulas of numbers only
    return value


def record_step_from_formulas(
    type_: TaskType, ask: str, formulas: Mapping[str, str], context: StepContext
) -> GeneratedStep:
    """Return a record step whose fields are formulas over the parents.

    Args:
        type_: Type of the task.
        ask: The question, without the form of the answer.
        formulas: Field -> formula.
        context: Gives the parents and their values.
    """
    derive = "{" + ", ".join(f"'{key}': {formula}" for key, formula in formulas.items()) + "}"
    value = evaluate(derive, parent_values(context))
    assert isinstance(value, dict)  # the formula is a record
    fields = {key: each for key, each in value.items() if isinstance(each, str | int)}
    return record_step(type_, ask, fields, derive)
