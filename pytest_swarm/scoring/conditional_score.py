"""Local scores: an answer held against what is right for the inputs that the task really had.

A wrong answer early in a workflow makes every later task wrong by the reference, also where it did its own part well.
The local score tells the two apart. It follows the task's formula (`Task.derive`) over what its parents really
answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.domain.derived_expectation import derived
from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Letter, Number, YesNo
from pytest_swarm.domain.formula import UnusableError, Value, evaluate
from pytest_swarm.domain.task import Task
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.fences import unfenced
from pytest_swarm.scoring.json import find_fields, numeric
from pytest_swarm.scoring.kept_answers import once
from pytest_swarm.scoring.letters import read_letter
from pytest_swarm.scoring.numbers import last_number
from pytest_swarm.scoring.same_text import undressed
from pytest_swarm.scoring.text import read_text, score_exact
from pytest_swarm.scoring.yes_no import says_yes

MAX_TEXT_CHARS: Final = 500  # a longer answer to a task that expects an exact text is not that text


def local_expectation(task: Task, given: Sequence[tuple[Task, str]]) -> Expectation | None:
    """What is right for `given`, the parents and their answers; `task.expected` where it derives nothing.

    None where the parents' answers cannot be used: nobody could have answered this task rightly.
    """
    if task.formula is None or task.expected is None:
        return task.expected
    values = {
        parent.id: value for parent, answer in given if (value := read_value(parent.expected, answer)) is not None
    }
    try:
        return derived(task.expected, evaluate(task.formula, values))
    except UnusableError:
        return None


@once(kept=1024)
def read_value(expected: Expectation | None, answer: str) -> Value | None:
    """The value that an answer gives, read as its scorer reads it; None where it gives none.

    json: a record of the expected fields that the answer has, numbers as numbers; number: the one that is
    read; yes_no: true or false; letter: the letter; exact: the text. Other kinds hand on no value. A right answer hands
    on what is expected: "25%" for 0.25 hands on 0.25, and "The capital is Paris." hands on "Paris".
    """
    text = readable(answer)
    match expected:
        case JsonFields(fields=fields):
            found = find_fields(expected, text)
            quoted = expected.quoted_numbers
            read = {key: _typed(value, like=fields[key], quoted=quoted) for key, value in found.items()}
            return {key: value for key, value in read.items() if value is not None}
        case Number(value=value, tolerance=tolerance):
            numbers = last_number(text)
            right = any(abs(number - value) <= tolerance for number in numbers)
            return value if right else numbers[0] if numbers else None
        case YesNo():
            return says_yes(text)
        case Letter(choices=choices):
            letter = read_letter(text, choices=choices)
            return letter.values[0] if letter is not None and letter.values else None
        case Exact(strict=strict):
            if text and score_exact(expected, text).value == 1 and not strict:
                return expected.text
            said = unfenced(text) if strict else undressed(read_text(text).values[0]) if text else ""
            return said if len(said) <= MAX_TEXT_CHARS else None
    return None


def _typed(value: object, *, like: object, quoted: bool) -> Value | None:
    if isinstance(like, bool) or isinstance(value, bool):
        return value if isinstance(value, bool) and isinstance(like, bool) else None
    if isinstance(like, int | float):
        return numeric(value, quoted=quoted) if isinstance(value, str | int | float) else None
    return str(value).strip() if isinstance(value, str | int | float) else None
