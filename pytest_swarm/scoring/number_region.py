"""The number of a place that holds the answer of a text: a box, or what follows "answer is".

In a box it is the number that the content gives, after "answer is" the first one at once, else the one that the
statement gives (`stated_number`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from pytest_swarm.scoring.number_text import WrittenNumber
from pytest_swarm.scoring.patterns import ADVERB
from pytest_swarm.scoring.plain_text import MAX_STATEMENT_CHARS, first_statement
from pytest_swarm.scoring.quantities import is_restated, quantities_in
from pytest_swarm.scoring.stated_number import (
    are_alternatives,
    is_limit,
    is_of_subject,
    is_term,
    is_third_of_list,
    result_of_equation,
    stated_number,
)
from pytest_swarm.scoring.verdict import AnswerPlace, Reading

_LEAD_IN: Final = re.compile(
    r"(?:[\s*_`\"'$:=≈~(\[{]|\\[(\[]|(?:approximately|about|around|roughly|exactly|only|just|simply|almost|nearly"
    r"|therefore|thus|then|now|indeed|clearly|a total of|in total|equal to|the number|given by|be)\b,?|[A-Za-z]\s?=)*",
    re.IGNORECASE,
)
_DENIAL: Final = re.compile(rf"[\s*_`\"':]{{0,6}}(?:{ADVERB}\s)?not\b", re.IGNORECASE)
_JOINT: Final = re.compile(r"[\s{}\\$]*(?:,[\s{}\\$]*)?(?:or|and|and/or)[\s{}\\$]*(?:[a-z]\s?=\s?)?", re.IGNORECASE)
_COMMA: Final = re.compile(r"\s*,\s*")
_ENDED: Final = re.compile(r"[\s*_`\"'$)}\]]*\.?\s*")
_GIVES: Final = re.compile(  # also "50% of 80, which is 40" and "5 + 7, which is 12"
    r"((?:\bof|\d\s?[-+*×·÷])\s?[$€£]?\d[\d.,]{0,20}(?=,\s(?:which|that)\sis\s))?"
    r",?\s(?:which|that|this)\s(?:gives|equals|makes|leaves|is equal to|comes to|(?(1)is|(?!)))(?:\sus)?\s"
)
_RATHER: Final = re.compile(r"\b(?:but|rather|instead|it(?:'s| is))\b", re.IGNORECASE)


def number_of_region(text: str, place: AnswerPlace) -> Reading[float] | None:
    """The number of a place that holds the answer: the first of its statement, or the one that this gives."""
    if place in (AnswerPlace.BOX, AnswerPlace.TAG):
        return _single(text, _result(text), place)
    denial = _DENIAL.match(text)
    if denial is not None:
        rather = _RATHER.search(first_statement(text[denial.end() :]))
        if rather is None:
            denied = first_statement(text)
            return Reading(values=(), text=denied, place=place) if next(quantities_in(denied), None) else None
        text = text[text.index(rather[0], denial.end()) + len(rather[0]) :]
    statement = _GIVES.sub(r"\1 = ", _first_with_a_number(text))
    if statement.endswith("?"):
        return None
    return _single(statement, _result(statement), place)


def _single(statement: str, number: WrittenNumber | None, place: AnswerPlace) -> Reading[float] | None:
    """The reading of a number that stands where the answer does: without a value where it is one of several there."""
    if number is None:
        return None
    numbers = list(quantities_in(statement[:MAX_STATEMENT_CHARS]))
    for one, other in pairwise(numbers):
        if number in (one, other) and one.values != other.values:
            between = statement[one.end : other.end - len(other.text)]
            listed = _COMMA.fullmatch(between) and (other is not numbers[-1] or _ENDED.fullmatch(statement, other.end))
            if listed or _JOINT.fullmatch(between):
                return Reading(values=(), text=statement[one.start : other.end], place=place)
    return reading_of(statement, number, numbers, place)


def reading_of(
    statement: str, number: WrittenNumber, numbers: list[WrittenNumber], place: AnswerPlace
) -> Reading[float]:
    """The reading of one of the numbers of a statement.

    Both values where it is given in two units; none where it only bounds the answer, or where another is given for it.
    """
    if is_limit(statement, number) or is_term(statement, number):
        return Reading(values=(), text=number.text, place=place)
    if is_third_of_list(statement, numbers[: numbers.index(number) + 1]):
        return Reading(values=(), text=statement[numbers[0].start : number.end], place=place)
    for one, other in pairwise(numbers):
        if number not in (one, other):
            continue
        both = statement[one.start : other.end]
        if is_restated(statement, one, other):
            return Reading(values=(*one.values, *other.values), text=both, place=place)
        if set(one.values).isdisjoint(other.values) and are_alternatives(statement, one, other):
            return Reading(values=(), text=both, place=place)
    return Reading(values=number.values, text=number.text, place=place)


def _first_with_a_number(text: str) -> str:
    """The first line of a text that holds a number, up to the end of its sentence, with the "?" of a question."""
    first = next(quantities_in(text), None)
    if first is None:
        return ""
    start = text.rfind("\n", 0, first.start) + 1
    end = re.compile(r"[.!?](?=\s|$)|\n").search(text, first.end)
    return text[start : len(text) if end is None else end.start() + (end[0] == "?")]


def _result(statement: str) -> WrittenNumber | None:
    statement = statement[:MAX_STATEMENT_CHARS]
    numbers = list(quantities_in(statement))
    if not numbers:
        return None
    if statement.find("=") > 0 and (result := result_of_equation(statement, numbers)) is not None:
        return result
    return numbers[0] if _is_direct(statement) else stated_number(statement, numbers)


def _is_direct(statement: str) -> bool:
    """Whether a statement begins with the number that it gives."""
    first = next(quantities_in(statement[:MAX_STATEMENT_CHARS]), None)
    lead_in = _LEAD_IN.match(statement)
    return (
        first is not None
        and lead_in is not None
        and first.start <= lead_in.end()
        and not is_of_subject(statement, first)
    )
