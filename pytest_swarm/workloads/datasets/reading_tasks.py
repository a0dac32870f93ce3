"""Questions about a passage, and summaries: SQuAD, DROP, XSum (JSON lines as Hugging Face has them)."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.expectation import RougeL, TokenF1
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.datasets.row_task import row_task

ANSWER_TOKENS: Final = 40
NO_ANSWER: Final = "unanswerable"
_ASK: Final = "Answer with the shortest words that answer the question, and nothing else."


def read_squad(fields: Fields) -> Task:
    """The task of a row: context, question, answers.text.

    Without an answer, as in SQuAD 2.0, the right one is "unanswerable".
    """
    answers = fields.table("answers").texts("text") or (NO_ANSWER,)
    hint = f" If the passage does not tell, answer {NO_ANSWER}." if answers == (NO_ANSWER,) else ""
    return _passage_task(fields.text("context"), fields.text("question"), hint, answers, "squad")


def read_drop(fields: Fields) -> Task:
    """The task of a row: passage, question, answers_spans.spans, whose spans together are the one answer."""
    spans = fields.table("answers_spans").texts("spans")
    if not spans:
        raise fields.fail("'answers_spans.spans' is empty")
    answers = tuple(dict.fromkeys(spans))
    return _passage_task(fields.text("passage"), fields.text("question"), "", (" ".join(answers),), "drop")


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
