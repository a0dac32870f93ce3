"""Scoring free texts against references: token F1 as SQuAD and DROP publish it, and ROUGE-L."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache
from importlib import import_module
from typing import Any, Final

from pytest_swarm.domain.expectation import RougeL, TokenF1
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.text import read_text
from pytest_swarm.scoring.verdict import AnswerPlace, Reading, Score, score_reading, shown

MAX_ROUGE_CHARS: Final = 20_000  # ROUGE-L takes time that grows with the product of both lengths
_PUNCTUATION: Final = frozenset(string.punctuation)
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")


def score_token_f1(expected: TokenF1, text: str) -> Score:
    """Return the best F1 of the answer's words over all reference answers.

    F1 = 2 p r / (p + r), p and r the shares of the answer's and of the reference's words that both have, counted with
    their number. Words are compared without case, punctuation and articles (Rajpurkar et al. 2016). In the style of
    DROP (Dua et al. 2019) numbers are compared by value, and a reference with numbers needs one of them.
    """
    reading = read_text(text)
    best, cut = max((_f1(expected, value), -number) for number, value in enumerate(reading.values[:4]))
    read = Reading(values=(reading.values[-cut],), text=reading.values[-cut], place=reading.place)
    detail = f"the answer is {shown(read.text)}, the nearest reference {shown(expected.answers[0])}"
    score = score_reading(read, right=best == 1, detail=detail)
    return Score(value=best, detail=score.detail, read=score.read, where=score.where)


def score_rouge_l(expected: RougeL, text: str) -> Score:
    """Return ROUGE-L's F measure, words stemmed, as `rouge-score` computes it (Lin 2004).

    Raises ScoringError where the package is not installed.
    """
    scores = _rouge_scorer().score(expected.reference, text[:MAX_ROUGE_CHARS])
    value = min(1.0, float(scores["rougeL"].fmeasure))
    return Score(value=value, read=shown(text, 200), where=AnswerPlace.WHOLE.value)


@cache
def _rouge_scorer() -> Any:
    try:
        module = import_module("rouge_score.rouge_scorer")
    except ImportError as error:
        raise ScoringError("an expectation of kind rouge_l needs rouge-score; pip install rouge-score") from error
    return module.RougeScorer(["rougeL"], use_stemmer=True)


def _f1(expected: TokenF1, text: str) -> float:
    words = _drop_words if expected.style == "drop" else _squad_words
    answer = words(text)
    return max(_pair_f1(answer, words(reference), style=expected.style) for reference in expected.answers)


def _pair_f1(answer: list[str], reference: list[str], *, style: str) -> float:
    if not answer or not reference:
        return float(answer == reference)
    if style == "drop":
        numbers = {word for word in reference if _number(word) is not None}
        if numbers and not numbers & set(answer):
            return 0.0
        shared = len(set(answer) & set(reference))
        sizes = len(set(answer)), len(set(reference))
    else:
        shared = sum((Counter(answer) & Counter(reference)).values())
        sizes = len(answer), len(reference)
    if not shared:
        return 0.0
    precision, recall = shared / sizes[0], shared / sizes[1]
    return 2 * precision * recall / (precision + recall)


def _squad_words(text: str) -> list[str]:
    """Words as SQuAD's script takes them: lower case, no punctuation, no articles."""
    bare = "".join(char for char in text.lower() if char not in _PUNCTUATION)
    return _ARTICLES.sub(" ", bare).split()


def _drop_words(text: str) -> list[str]:
    """Words as DROP's script takes them: also split at hyphens, with numbers as floats."""
    words = []
    for word in re.split(r"[ \n\t-]", text.lower()):
        number = _number(word)
        bare = "".join(char for char in word if char not in _PUNCTUATION)
        plain = str(number if number is not None else _number(bare) if _number(bare) is not None else bare)
        words += _ARTICLES.sub(" ", plain).split()
    return words


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
