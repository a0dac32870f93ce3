"""Questions with choices: MMLU (CSV), ARC (JSON lines), and BoolQ (JSON lines), whose choices are yes and no."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from pytest_swarm.domain.expectation import Regex, YesNo
from pytest_swarm.domain.limits import CHARS_PER_TOKEN
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields

ANSWER_TOKENS: Final = 60
DIFFICULTY: Final = 2.5
LETTERS: Final = "ABCDE"


def letter_pattern(letter: str) -> str:
    """A pattern for answers whose last single capital letter from A to E is `letter`: what they settle on."""
    return rf"(?s)(?<!\w){re.escape(letter)}(?!\w)(?!.*(?<!\w)[{LETTERS}](?!\w))"


def read_mmlu(fields: Fields) -> Task:
    """The task of a row: question, A, B, C, D, answer (a letter)."""
    choices = {letter: fields.text(letter) for letter in "ABCD"}
    return _choice_task(fields, fields.text("question"), choices, fields.text("answer").strip())


def read_arc(fields: Fields) -> Task:
    """The task of a row, in AI2's own layout (question.stem, question.choices) or the later flat one (choices.text)."""
    if isinstance(fields.raw("question"), dict):
        question = fields.table("question")
        stem = question.text("stem")
        choices = {row.text("label"): row.text("text") for row in question.tables("choices")}
    else:
        stem, table = fields.text("question"), fields.table("choices")
        labels, texts = table.texts("label"), table.texts("text")
        if len(labels) != len(texts):
            raise fields.fail(f"'choices' has {len(labels)} labels for {len(texts)} texts")
        choices = dict(zip(labels, texts, strict=True))
    return _choice_task(fields, stem, _lettered(choices), _letter_of(fields.text("answerKey"), choices))


def read_boolq(fields: Fields) -> Task:
    """The task of a row: passage, question, answer (true or false)."""
    passage, question = fields.text("passage").strip(), fields.text("question").strip()
    text = f"{passage}\n\nQuestion: {question}?\nBegin your answer with yes or no."
    return Task(
        id="row",
        type=TaskType.REASONING,
        prompt=text,
        estimated_tokens=math.ceil(len(text) / CHARS_PER_TOKEN) + ANSWER_TOKENS,
        difficulty=DIFFICULTY,
        expected=YesNo(value=fields.flag("answer")),
    )


def _choice_task(fields: Fields, question: str, choices: Mapping[str, str], right: str) -> Task:
    if right not in choices:
        raise fields.fail(f"the right answer {right!r} is none of the choices {', '.join(choices) or '(none)'}")
    listed = "\n".join(f"{letter}. {text.strip()}" for letter, text in choices.items())
    text = f"{question.strip()}\n\n{listed}\n\nWhich one is right? End your answer with its letter alone."
    return Task(
        id="row",
        type=TaskType.REASONING,
        prompt=text,
        estimated_tokens=math.ceil(len(text) / CHARS_PER_TOKEN) + ANSWER_TOKENS,
        difficulty=DIFFICULTY,
        expected=Regex(pattern=letter_pattern(right)),
    )


def _lettered(choices: Mapping[str, str]) -> dict[str, str]:
    """The choices under letters: some rows of ARC number them."""
    return dict(zip(LETTERS, choices.values(), strict=False))


def _letter_of(key: str, choices: Mapping[str, str]) -> str:
    labels = list(choices)
    return LETTERS[labels.index(key)] if key in labels[: len(LETTERS)] else key
