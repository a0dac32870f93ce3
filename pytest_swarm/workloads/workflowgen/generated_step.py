"""A generated step: the content of one task, and the constructors for each kind of answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_swarm.domain.expectation import Expectation, JsonFields, Keywords, Number, PythonCode, YesNo
from pytest_swarm.domain.formula import DECIMALS, Value
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream

LEVELS: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedStep:
    """The content of one task: the question, the expected answer, a right answer and a plausible wrong one.

    `right` scores 1 and `wrong` scores 0 by `expected`. `value` is what a right answer gives to later steps, None where
    they cannot compute with it. `derive` is the formula over the parents, None where the answer does not depend on
    them.
    """

    type: TaskType
    ask: str
    expected: Expectation
    right: str
    wrong: str
    value: Value | None = None
    derive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step is generated for: its level of difficulty from 1 to 5, and (id, step) of its parents, in order."""

    level: int
    parents: tuple[tuple[str, GeneratedStep], ...] = ()


StepGenerator: TypeAlias = Callable[[RandomStream, StepContext], GeneratedStep]


def number_step(type_: TaskType, ask: str, value: float, derive: str | None = None) -> GeneratedStep:
    """Return a step whose answer is a number; the wrong answer is larger by a tenth and one.

    Args:
        type_: Type of the task.
        ask: The question, without the form of the answer.
        value: The right number.
        derive: The formula over the parents, if any.
    """
    return GeneratedStep(
        type=type_,
        ask=f"{ask} End your answer with that number alone.",
        expected=Number(value=value, tolerance=0.005),
        right=f"Worked out step by step, it is {format_number(value)}.",
        wrong=f"Worked out step by step, it is {format_number(round(value + abs(value) * 0.1 + 1, 2))}.",
        value=value,
        derive=derive,
    )


def record_step(type_: TaskType, ask: str, fields: Mapping[str, str | int], derive: str | None = None) -> GeneratedStep:
    """Return a step whose answer is a JSON object; in the wrong answer every field is wrong.

    Args:
        type_: Type of the task.
        ask: The question, without the form of the answer.
        fields: The right values.
        derive: The formula over the parents, if any.
    """
    keys = ", ".join(f'"{key}"' for key in fields)
    many = "keys" if len(fields) > 1 else "key"
    false = {key: value + abs(value) + 1 if isinstance(value, int) else f"not {value}" for key, value in fields.items()}
    return GeneratedStep(
        type=type_,
        ask=f"{ask} Answer with one JSON object with the {many} {keys}, and nothing else.",
        expected=JsonFields(fields=fields),
        right=f"```json\n{json.dumps(dict(fields))}\n```",
        wrong=f"```json\n{json.dumps(false)}\n```",
        value=dict(fields),
        derive=derive,
    )


def yes_no_step(ask: str, value: bool, derive: str | None = None) -> GeneratedStep:
    """Return a step whose answer is yes or no.

    Args:
        ask: The question, without the form of the answer.
        value: True for yes.
        derive: The formula over the parents, if any.
    """
    words = ("Yes, it is.", "No, it is not.")
    return GeneratedStep(
        type=TaskType.REASONING,
        ask=f"{ask} Begin your answer with yes or no.",
        expected=YesNo(value=value),
        right=words[not value],
        wrong=words[value],
        value=value,
        derive=derive,
    )


def words_step(type_: TaskType, ask: str, words: tuple[str, ...], derive: str | None = None) -> GeneratedStep:
    """Return a step whose answer must contain words; the wrong answer contains none.

    Args:
        type_: Type of the task.
        ask: The question.
        words: The words.
        derive: The formula over the parents, if any.
    """
    return GeneratedStep(
        type=type_,
        ask=ask,
        expected=Keywords(words=words),
        right=f"In short: {', '.join(words)}.",
        wrong="That cannot be said in short.",
        derive=derive,
    )


def code_step(ask: str, expected: PythonCode, solution: str, derive: str | None = None) -> GeneratedStep:
    """Return a step whose answer is a Python function; the wrong answer gives the function another name.

    Args:
        ask: The question, without the form of the answer.
        expected: Name of the function, and its hidden cases.
        solution: Source of a right function.
        derive: The formula over the parents, if any.
    """
    other = solution.replace(f"def {expected.entry_point}(", "def answer_to_it(")
    return GeneratedStep(
        type=TaskType.CODE,
        ask=f"{ask} Answer with one fenced Python block that holds the function and what it imports.",
        expected=expected,
        right=f"```python\n{solution}\n```",
        wrong=f"```python\n{other}\n```",
        derive=derive,
    )


def format_number(value: float) -> str:
    """Return a number as text that reads back equal, to nine decimals; whole ones have no decimal point."""
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))
