"""Tasks whose answer is a number, a word or a formula: GSM8K, MATH, BIG-Bench Hard."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pytest_swarm.domain.bare_formula import bare_formula
from pytest_swarm.domain.expectation import Exact, Expectation, Letter, Number, YesNo
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.datasets.row_task import USUAL_DIFFICULTY, row_task

GSM8K_MARK: Final = "####"
GSM8K_TOKENS: Final = 350  # a question of about 60 tokens and a worked answer of about 200, with room
WORKED_TOKENS: Final = 300
LEAST_NUMBER: Final = 1e-4  # a smaller one would be right within the tolerance of another
_LEVEL: Final = re.compile(r"(?:Level )?([1-5])")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_WHOLE: Final = r"\d{1,3}(?:,\d{3})+|\d+"
_DECIMAL: Final = re.compile(rf"-?(?:(?:{_WHOLE})(?:\.\d+)?|\.\d+)")
_PART: Final = rf"\s?(?:\{{({_WHOLE})\}}|(\d))"
_FRACTION: Final = re.compile(  # "3/4", "\frac{3}{4}", "\frac34", "2\frac{3}{4}"
    rf"(-?)\s?(?:(\d+)?\s?\\[dt]?frac{_PART}{_PART}|(\d+)/(\d+))"
)
_LETTER: Final = re.compile(r"\(([A-R])\)")
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}


def read_gsm8k(fields: Fields) -> Task:
    """The task of a row: question, and answer whose last line is `#### 42`."""
    _, mark, final = fields.text("answer").rpartition(GSM8K_MARK)
    try:
        value = float(final.strip().replace(",", ""))
    except ValueError:
        mark = ""
    if not mark:
        raise fields.fail(f"'answer' must end in '{GSM8K_MARK} ' and a number")
    asked = f"{fields.text('question').strip()}\n\nWork it out step by step, and end your answer with the number."
    task = row_task(asked, Number(value=value), type_=TaskType.MATH, answer_tokens=0)
    return replace(task, estimated_tokens=GSM8K_TOKENS)


def read_math(fields: Fields) -> Task:
    """The task of a row: problem, and answer or a solution whose last box holds it; level 1 to 5 is the difficulty."""
    right = fields.text("answer") if "answer" in fields else _last_box(fields)
    level = _LEVEL.fullmatch(str(fields.raw("level")).strip()) if "level" in fields else None
    return row_task(
        f"{fields.text('problem').strip()}\n\nWork it out step by step, and put your final answer within \\boxed{{}}.",
        _math_expectation(right),
        type_=TaskType.MATH,
        answer_tokens=WORKED_TOKENS,
        difficulty=float(level[1]) if level else USUAL_DIFFICULTY,
    )


def read_bbh(fields: Fields) -> Task:
    """The task of an example: input and target, a choice "(B)", yes or no, true or false, a number or a text."""
    target = fields.text("target").strip()
    return row_task(
        f"{fields.text('input').strip()}\n\nThink step by step, and end with: So the answer is ...",
        _bbh_expectation(target),
        type_=TaskType.REASONING,
        answer_tokens=WORKED_TOKENS,
    )


def _math_expectation(right: str) -> Expectation:
    """A number where the answer is one, perhaps in a unit; else the text, which may be any formula, or several numbers.

    As the authors compare answers, "x =" before a number and its unit, degree, percent or dollar sign do not count.
    """
    value = _math_value(right)
    is_too_small = value is not None and 0 < abs(value) < LEAST_NUMBER
    return Exact(text=right) if value is None or is_too_small else Number(value=value)


def _math_value(right: str) -> float | None:
    plain = bare_formula(right.replace("\\! ", "").replace("\\!", "").replace("{,}", ",").strip()).removeprefix("\\$")
    if _DECIMAL.fullmatch(plain):
        return float(plain.replace(",", ""))
    fraction = _FRACTION.fullmatch(plain)
    if fraction is None:
        return None
    sign, whole, *parts = fraction.groups()
    above, below = (int(part.replace(",", "")) for part in parts if part)
    if not below:
        return None
    value = int(whole or 0) + above / below
    return -value if sign else value


def _bbh_expectation(target: str) -> Expectation:
    letter = _LETTER.fullmatch(target)
    if letter:
        return Letter(value=letter[1])
    if target.lower() in _TRUTH:
        return YesNo(value=_TRUTH[target.lower()])
    return Number(value=float(target)) if _NUMBER.fullmatch(target) else Exact(text=target)


def _last_box(fields: Fields) -> str:
    """What the last \\boxed{} or \\fbox{} of a solution holds."""
    solution = fields.text("solution")
    start = max(solution.rfind("\\boxed"), solution.rfind("\\fbox"))
    if start >= 0:
        after = solution[start:].removeprefix("\\boxed").removeprefix("\\fbox")
        if after.startswith(" "):  # \boxed 5
            return after[1:2]
        depth = 0
        for at, char in enumerate(after):
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0 and at:
                return after[1:at].strip()
    raise fields.fail("'solution' holds no \\boxed{} with the answer")
