"""GSM8K (JSON lines): `question`, and `answer` whose last line is `#### 42`."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields

MARK: Final = "####"
TOKENS: Final = 350  # a question of about 60 tokens and a worked answer of about 200, with room
DIFFICULTY: Final = 2.5


def read_gsm8k(fields: Fields) -> Task:
    """The task of a row; raises the error of `fields` where there is no final number."""
    _, mark, final = fields.text("answer").rpartition(MARK)
    try:
        value = float(final.strip().replace(",", ""))
    except ValueError:
        mark = ""
    if not mark:
        raise fields.fail(f"'answer' must end in '{MARK} ' and a number")
    return Task(
        id="row",
        type=TaskType.MATH,
        prompt=f"{fields.text('question').strip()}\n\nWork it out step by step, and end your answer with the number.",
        estimated_tokens=TOKENS,
        difficulty=DIFFICULTY,
        expected=Number(value=value),
    )
