"""Questions about a passage, and summaries: SQuAD, DROP, XSum (JSON lines as Hugging Face has them)."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.expectation import RougeL, TokenF1
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields
from pytest_swarm.units import plural
from pytest_swarm.workloads.datasets.row_task import row_task

ANSWER_TOKENS: Final = 40
NO_ANSWER: Final = "unanswerable"
_ASK: Final = "Answer with the shortest words that answer the question, and nothing else."


def read_squad(fields: Fields) -> Task:
    """The task of a row of SQuAD 1.1: context, question, answers.text."""
    answers = fields.table("answers").texts("text")
    if not answers:
        raise fields.fail("'answers.text' is empty, as in SQuAD 2.0: read the file as 'squad_v2'")
    return _passage_task(fields.text("context"), fields.text("question"), "", answers, "squad")


def read_squad_v2(fields: Fields) -> Task:
    """The task of a row of SQuAD 2.0, where "unanswerable" is right without an answer, and offered in every row."""
    answers = fields.table("answers").texts("text") or (NO_ANSWER,)
    hint = f" If the passage does not tell, answer {NO_ANSWER}."
    return _passage_task(fields.text("context"), fields.text("question"), hint, answers, "squad")


def read_drop(fields: Fields) -> Task:
    """The task of a row: passage, question, answers_spans.spans, and answers_spans.types where it is given.

    In the validation set several annotators' answers stand in one list. A number or a date is one of them; which of
    the other spans belong together is not told, so they are one answer.
    """
    table = fields.table("answers_spans")
    spans, types = table.texts("spans"), table.texts("types")
    if not spans:
        raise fields.fail("'answers_spans.spans' is empty")
    if types and len(types) != len(spans):
        raise fields.fail(f"'answers_spans' has {plural(len(types), 'type')} for {plural(len(spans), 'span')}")
    kinds = dict(zip(spans, types or ("span",) * len(spans), strict=True))
    together = " ".join(span for span, kind in kinds.items() if kind == "span")
    answers = (*(span for span, kind in kinds.items() if kind != "span"), *([together] if together else []))
    return _passage_task(fields.text("passage"), fields.text("question"), "", answers, "drop")


def read_xsum(fields: Fields) -> Task:
    """The task of a row: document, summary. Its score needs the package rouge-score."""
    return row_task(
        f"Sum up this article in one sentence.\n\n{fields.text('document').strip()}",
        RougeL(reference=fields.text("summary").strip()),
        type_=TaskType.SUMMARIZE,
        answer_tokens=ANSWER_TOKENS,
    )


def _passage_task(passage: str, question: str, hint: str, answers: tuple[str, ...], style: str) -> Task:
    return row_task(
        f"{passage.strip()}\n\nQuestion: {question.strip()}\n{_ASK}{hint}",
        TokenF1(answers=answers, style=style),
        type_=TaskType.EXTRACTION,
        answer_tokens=ANSWER_TOKENS,
    )
