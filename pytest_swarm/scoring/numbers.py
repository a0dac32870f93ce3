"""Scoring a number: which number of an answer is its answer.

In a box and after "answer is" `number_region` reads it. In a whole text (`_own`) it is the first of these that there
is: a number on a first line of its own, the one that an only statement gives, the last. How numbers are spelled is
owned by `number_text`, what a sentence says of them by `stated_number`.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.answer_regions import AnswerRules, answer_field, read_answer
from pytest_swarm.scoring.asides import without_list_marks, without_notes, without_offers, without_reason
from pytest_swarm.scoring.kept_answers import once_of_text
from pytest_swarm.scoring.number_region import number_of_region, reading_of
from pytest_swarm.scoring.number_text import WrittenNumber, simplified
from pytest_swarm.scoring.number_words import with_digits
from pytest_swarm.scoring.plain_text import MAX_STATEMENT_CHARS, breaks_off
from pytest_swarm.scoring.quantities import is_conversion, is_restated, quantities_in
from pytest_swarm.scoring.stated_number import (
    is_denied,
    stated_number,
)
from pytest_swarm.scoring.verdict import AnswerPlace, Reading, Score, score_reading, wrong

_SHORT_END: Final = 2000
_CUT_OFF: Final = 500  # a number nearer to the start of an end may have lost its first digits
_REMARK: Final = re.compile(
    r"(?<=[\w.!?%*]\s)\((?!\s?=)(?:(?=[^()]{0,300}[A-Za-z]{2})|(?=[^()=]{0,300}\d\s?[-+*/×·÷]\s?\$?\d[^()=]{0,300}\)))"
    r"[^()\n]{1,300}\)[\s.!*_]{0,4}$"
)
_SENTENCE_END: Final = re.compile(r"(?<![ie]\.[eg])[.!?]\s(?!=)|\n")  # not "i.e." and "5! = 120"
_BETWEEN_ITEMS: Final = re.compile(r"(?:[\s,;*_`•()\[\]]|^[ \t]*(?:-|\(?[a-h][.)])(?=\s)|\band\b)*", re.MULTILINE)
_BOLD: Final = re.compile(r"(?<![*\w])\*\*[$€£¥₹]?$")
_HEADLINE_CHARS: Final = 60
_UNIT_WORDS: Final = 2
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_LIST_MARK: Final = re.compile(
    r"\s*(?:#{1,6}|\d{1,2}[.)])(?:\s|$)|\s*(?:step|part|case|chapter|section|page)\b", re.IGNORECASE
)
_FINAL: Final = re.compile(r"\bfinal (?:solution|result)[*_\s]{0,3}[:\]]", re.IGNORECASE)
_UNDETERMINED: Final = re.compile(
    r"\b(?:can(?:no|')t|cannot|could not|couldn't|unable to|not able to|impossible to"
    r"|not possible to)\s(?:be\s)?(?:\w+\s)?"
    r"(?:determined?|answer(?:ed)?|help|say|tell|solved?|calculated?|computed?|know)\b"
    r"|\b(?:not|isn't|insufficient) enough (?:information|data|context)|\binsufficient (?:information|data)"
    r"|\b(?:have no|don't have|do not have) (?:enough |any )?(?:access|information|data)\b"
    r"|\bneed more (?:information|data|context|details)\b",
    re.IGNORECASE,
)
_ESTIMATE: Final = re.compile(r"\b(?:but|however|estimate|guess|approximately|roughly|probably)\b", re.IGNORECASE)


def score_number(expected: Number, text: str) -> Score:
    """1 where the number that the answer gives is `expected.value` within its tolerance, else 0.

    `25%` is right for 25 and for 0.25: which of the two a task means is a matter of its wording.
    """
    reading = read_number(text)
    if reading is None:
        return wrong("the answer holds no number")
    if not reading.values:
        return score_reading(reading, right=False, detail="the answer gives no single number")
    right = any(abs(value - expected.value) <= expected.tolerance for value in reading.values)
    which = "last number" if reading.place is AnswerPlace.LAST else "number read"
    return score_reading(
        reading, right=right, detail=f"the {which} is {reading.values[0]:.10g}, not {expected.value:.10g}"
    )


@once_of_text(kept=256)  # it is scored, and handed on to later tasks
def read_number(text: str) -> Reading[float] | None:
    """Return the number that an answer gives: boxed, after "answer is", else the last one; None where there is none.

    A reading without a value: the answer gives two numbers, or only says which one is wrong.
    """
    return read_answer(simplified(without_list_marks(with_digits(text))), _RULES)


def last_number(text: str) -> tuple[float, ...]:
    """What the number that an answer gives may mean: nothing where there is none, two values for a percentage."""
    reading = read_number(text)
    return () if reading is None else reading.values


def _own(text: str) -> Reading[float] | None:
    """A number on a first line of its own, the one that an only statement gives, else the last number of the text."""
    field = answer_field(text)
    text = field if field is not None and next(quantities_in(field), None) is not None else text
    offers_off = without_offers(text)
    before_notes = without_notes(offers_off)
    if next(quantities_in(before_notes), None) is not None:
        text = before_notes
    final = _FINAL.split(text)[-1]
    if next(quantities_in(final), None) is not None:
        text = final
    if _is_list(text):
        return Reading(values=(), text=text, place=AnswerPlace.WHOLE)
    headline = _headline(text) or _headline(f"{without_reason(text)}\n\n" if "\n" in text else "")
    if headline is not None:
        return Reading(values=headline.values, text=headline.text, place=AnswerPlace.FIRST_LINE)
    text = _without_remark(text)
    return _broken_off(text) or _only_statement(text) or _last(text)


def _is_list(text: str) -> bool:
    """Whether a text is nothing but several numbers, none of which alone is bold."""
    numbers = list(quantities_in(text)) if len(text) <= MAX_STATEMENT_CHARS else []
    if any(text.startswith("**", each.end) for each in _bold(text, numbers)):
        return False
    ends = [0, *(number.end for number in numbers)]
    starts = [*(number.start for number in numbers), len(text)]
    return len({number.values for number in numbers}) > 1 and all(
        _BETWEEN_ITEMS.fullmatch(text, end, start) for end, start in zip(ends, starts, strict=True)
    )


def _broken_off(text: str) -> Reading[float] | None:
    """A reading without a value where a text ends in the middle of the sentence of its last number."""
    end = text[-MAX_STATEMENT_CHARS:]
    last = next(reversed(list(quantities_in(end))), None)
    if last is None or not breaks_off(end, last.end):
        return None
    return Reading(values=(), text=end[last.start :].strip(), place=AnswerPlace.LAST)


def _headline(text: str) -> WrittenNumber | None:
    """The number of a first line that holds no more than it and its unit, with a blank line after it."""
    first, blank, _ = text.partition("\n\n")
    if not blank or len(first) > _HEADLINE_CHARS or "\n" in first or _LIST_MARK.match(first):
        return None
    numbers = list(quantities_in(first))
    if len(numbers) != 1 or first.rstrip("*_ ").endswith(":"):
        return None
    rest = first[: numbers[0].start] + first[numbers[0].end :]
    return numbers[0] if len(_LETTERS.findall(rest)) <= _UNIT_WORDS else None


def _only_statement(text: str) -> Reading[float] | None:
    """The number that the only sentence with numbers gives; None where there are several such sentences."""
    if len(text) > MAX_STATEMENT_CHARS:
        return None
    every = list(quantities_in(text))
    numbers = [number for number in every if not is_denied(text, number)]
    if not numbers:
        return None
    denied = {number.values for number in every if number not in numbers}
    if all(number.values in denied for number in numbers):  # "It can't be 9, because 9 is odd."
        return Reading(values=(), text=numbers[-1].text, place=AnswerPlace.LAST)
    end = _SENTENCE_END.search(text, numbers[0].end)
    start = max((match.end() for match in _SENTENCE_END.finditer(text, 0, numbers[0].start)), default=0)
    statement = text[: len(text) if end is None else end.start()]
    if numbers[-1].start >= len(statement):
        return None
    undetermined = _UNDETERMINED.search(text)
    if undetermined is not None and not _ESTIMATE.search(text, undetermined.end(), numbers[-1].start):
        return Reading(values=(), text=text[start : len(statement)].strip(), place=AnswerPlace.STATEMENT)
    bold = _bold(statement, numbers)
    stated = bold[0] if len(bold) == 1 else stated_number(statement, numbers)
    return reading_of(statement, stated, numbers, AnswerPlace.LAST)


def _bold(text: str, numbers: list[WrittenNumber]) -> list[WrittenNumber]:
    return [number for number in numbers if _BOLD.search(text, number.start - 4, number.start)]


def _last(text: str) -> Reading[float] | None:
    """The last number, looked for in ever longer ends of the text: the last one stands near the end of most."""
    numbers: list[WrittenNumber] = []
    for length in (_SHORT_END, len(text) or 1):
        end = text[-length:]
        numbers = list(quantities_in(end))
        left = [number for number in numbers if not is_denied(end, number)]
        if len(left) > 1 and is_conversion(end, *left[-2:]):
            del left[-1]
        line = end.rfind("\n", 0, left[-1].start) if left else 0
        bold = _bold(end, [each for each in left if each.start > line])
        left = bold if len(bold) == 1 else left
        if left and (left[-1].start > _CUT_OFF or len(end) == len(text)):
            return Reading(values=left[-1].values, text=left[-1].text, place=AnswerPlace.LAST)
    return Reading(values=(), text=numbers[-1].text, place=AnswerPlace.LAST) if numbers else None


def _without_remark(text: str) -> str:
    """The text without words in parentheses at its end, where a number stands before them on their line."""
    remark = _REMARK.search(text, max(0, len(text) - _SHORT_END))
    if remark is None:
        return text
    start = max(0, text.rfind("\n", 0, remark.start()) + 1, remark.start() - _SHORT_END)
    before = list(quantities_in(text[start : remark.start()]))
    if not before:
        return text
    whole = list(quantities_in(text[start:]))
    restated = len(before) + 1 == len(whole) and is_restated(text[start:], before[-1], whole[-1])
    return text if restated else text[: remark.start()]


_RULES: Final = AnswerRules(region=number_of_region, own=_own)
