"""Step: the content of one place of a job, before it becomes a task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_swarm.domain.expectation import Expectation, JsonFields, Keywords, Number, PythonCode, YesNo
from pytest_swarm.domain.formula import Value
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw

LEVELS: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedStep:
    """What is asked, what is right, and a wrong answer that a hasty reader might give.

    `value` is what a right answer hands on to later steps, None where there is nothing to compute with. `right`
    scores 1 and `wrong` scores 0 by `expected`. `derive` is the formula over the parents, None for a step that
    needs none.
    """

    type: TaskType
    ask: str
    expected: Expectation
    right: str
    wrong: str
    value: Value | None = None
    derive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place of the job: its difficulty from 1 to 5, and its parents' ids and steps, in order."""

    level: int
    parents: tuple[tuple[str, GeneratedStep], ...] = ()


Maker: TypeAlias = Callable[[Draw, Spot], GeneratedStep]


def number_step(type_: TaskType, ask: str, value: float, derive: str | None = None) -> GeneratedStep:
    """A step whose answer is a number; the wrong answer is off by a tenth and one."""
    return GeneratedStep(
        type=type_,
        ask=f"{ask} End your answer with that number alone.",
        expected=Number(value=value, tolerance=0.005),
        right=f"Worked out step by step, it is {shown(value)}.",
        wrong=f"Worked out step by step, it is {shown(round(value * 1.1 + 1, 2))}.",
        value=value,
        derive=derive,
    )


def record_step(type_: TaskType, ask: str, fields: Mapping[str, str | int], derive: str | None = None) -> GeneratedStep:
    """A step whose answer is a JSON object with these fields; in the wrong answer every one of them is wrong."""
    keys = ", ".join(f'"{key}"' for key in fields)
    many = "keys" if len(fields) > 1 else "key"
    false = {key: value * 2 + 1 if isinstance(value, int) else f"not {value}" for key, value in fields.items()}
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
    """A step whose answer is yes or no."""
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
    """A step whose answer must mention these words; the wrong answer mentions none."""
    return GeneratedStep(
        type=type_,
        ask=ask,
        expected=Keywords(words=words),
        right=f"In short: {', '.join(words)}.",
        wrong="That cannot be said in short.",
        derive=derive,
    )


def code_step(ask: str, expected: PythonCode, solution: str, derive: str | None = None) -> GeneratedStep:
    """A step whose answer is a Python function; the wrong answer has the function's body under another name."""
    other = solution.replace(f"def {expected.entry_point}(", "def answer_to_it(")
    return GeneratedStep(
        type=TaskType.CODE,
        ask=f"{ask} Answer with one fenced Python block that holds the function and what it imports.",
        expected=expected,
        right=f"```python\n{solution}\n```",
        wrong=f"```python\n{other}\n```",
        derive=derive,
    )


def shown(value: float) -> str:
    """A number as it is written down: whole ones without a decimal point."""
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}".rstrip("0")
