"""Questions with lettered choices: MMLU, MMLU-Pro, ARC, CommonsenseQA; and BoolQ, whose choices are yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Final

from pytest_swarm.domain.expectation import Letter, YesNo
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields
from pytest_swarm.units import plural
from pytest_swarm.workloads.datasets.row_task import row_task

ANSWER_TOKENS: Final = 60
LETTERS: Final = ascii_uppercase


def read_mmlu(fields: Fields) -> Task:
    """The task of a row of MMLU or MMLU-Pro, in any of its published forms.

    Columns question, A to D and answer (the authors' CSV); or question, choices and answer (Hugging Face); or question,
    options and answer or answer_index (MMLU-Pro). The answer is a letter, or a number from 0.
    """
    if "A" in fields:
        choices = {letter: fields.text(letter) for letter in "ABCD"}
        return _choice_task(fields, fields.text("question"), choices, _numbered(fields))
    key = "options" if "options" in fields else "choices"
    choices = dict(zip(LETTERS, fields.texts(key), strict=False))
    return _choice_task(fields, fields.text("question"), choices, _numbered(fields))


def read_arc(fields: Fields) -> Task:
    """The task of a row of ARC or CommonsenseQA.

    Either the authors' layout (question.stem, question.choices) or the flat one of Hugging Face (choices.text).
    """
    if isinstance(fields.raw("question"), dict):
        question = fields.table("question")
        stem = question.text("stem")
        choices = {row.text("label"): row.text("text") for row in question.tables("choices")}
    else:
        stem, table = fields.text("question"), fields.table("choices")
        labels, texts = table.texts("label"), table.texts("text")
        if len(labels) != len(texts):
            raise fields.fail(f"'choices' has {plural(len(labels), 'label')} for {plural(len(texts), 'text')}")
        choices = dict(zip(labels, texts, strict=True))
    return _choice_task(fields, stem, _lettered(choices), _letter_of(fields.text("answerKey"), choices))


def read_boolq(fields: Fields) -> Task:
    """The task of a row: passage, question, answer (true or false)."""
    passage, question = fields.text("passage").strip(), fields.text("question").strip()
    return row_task(
        f"{passage}\n\nQuestion: {question.removesuffix('?')}?\nBegin your answer with yes or no.",
        YesNo(value=fields.flag("answer")),
        type_=TaskType.REASONING,
        answer_tokens=ANSWER_TOKENS,
    )


def _numbered(fields: Fields) -> str:
    """The letter of the right answer, which is given by its number from 0 or by its letter."""
    given = fields.raw("answer") if "answer" in fields else fields.raw("answer_index")
    if isinstance(given, str) and not given.strip().isdigit():
        return given.strip()
    number = int(given) if isinstance(given, str) else fields.whole("answer" if "answer" in fields else "answer_index")
    return LETTERS[number] if 0 <= number < len(LETTERS) else str(number)


def _choice_task(fields: Fields, question: str, choices: Mapping[str, str], right: str) -> Task:
    if right not in choices:
        raise fields.fail(f"the right answer {right!r} is none of the choices {', '.join(choices) or '(none)'}")
    listed = "\n".join(f"{letter}. {text.strip()}" for letter, text in choices.items())
    return row_task(
        f"{question.strip()}\n\n{listed}\n\nWhich one is right? End your answer with its letter alone.",
        Letter(value=right, choices=len(choices)),
        type_=TaskType.REASONING,
        answer_tokens=ANSWER_TOKENS,
    )


def _lettered(choices: Mapping[str, str]) -> dict[str, str]:
    """The choices under letters: some rows of ARC number them."""
    return dict(zip(LETTERS, choices.values(), strict=False))


def _letter_of(key: str, choices: Mapping[str, str]) -> str:
    labels = list(choices)
    return LETTERS[labels.index(key)] if key in labels[: len(LETTERS)] else key
