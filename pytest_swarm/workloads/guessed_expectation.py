"""Which scorer fits an expected value, guessed from its shape: a number, yes or no, a letter, JSON, or text.

The guess is made for each row. Letters are one only where the texts of the whole column are letters, because "I" and
"A" are words too. A table with `kind` is no guess: it is read as in a graph file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Final, TypeGuard

from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Keywords, Letter, Number, TokenF1, YesNo
from pytest_swarm.domain.vacuous_expectation import written_expectation
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.table_rows import TableRow

_NUMBER: Final = re.compile(r"[+-]?(?=\.?\d)(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)?(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MOST_DIGITS: Final = 15  # more, and a float does not hold them all: the number of a card or an account
_LETTER: Final = re.compile(r"\(?([A-Z])[).]?")
_YES, _NO = ("yes", "true"), ("no", "false")
_FEWEST_CHOICES: Final = 4
_EXACT_WORDS: Final = 8  # a longer text is hardly ever repeated word by word, so shared words are counted

EXPECTED: Final = "expected"


def guess_expectations(rows: Sequence[TableRow]) -> tuple[Expectation | None, ...]:
    """Return what each row's column `expected` asks for; None for a row without one, which stays unscored.

    Raises:
        GraphError: A value has no shape that can be scored; the message names the place.
    """
    texts = [value for row in rows if (value := _text(row.values.get(EXPECTED)))]
    letters = [found[1] if (found := _LETTER.fullmatch(text)) else None for text in texts]
    choices = 0
    if letters and None not in letters:
        choices = max(_FEWEST_CHOICES, *(ord(letter) - ord("A") + 1 for letter in letters if letter))
    return tuple(_guess(row, choices) for row in rows)


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _guess(row: TableRow, choices: int) -> Expectation | None:
    value = row.values.get(EXPECTED)
    match value:
        case bool():
            return YesNo(value=value)
        case int() | float():
            return _number(row, float(value))
        case dict():
            return _json(row, value)
        case list():
            if _are_words(value):
                return Keywords(words=tuple(value))
            raise _no_shape(row, "a list must hold texts, which are the words that the answer must mention")
        case str():
            return _from_text(row, value.strip(), choices) if value.strip() else None
        case _:
            return None


def _from_text(row: TableRow, text: str, choices: int) -> Expectation:
    letter = _LETTER.fullmatch(text)
    if choices and letter:
        return Letter(value=letter[1], choices=choices)
    word = text.lower().rstrip(".")
    if word in (*_YES, *_NO):
        return YesNo(value=word in _YES)
    if _NUMBER.fullmatch(text) and 1 <= sum(each.isdigit() for each in text) <= _MOST_DIGITS:
        value = float(text.replace(",", ""))
        if math.isfinite(value):
            return Number(value=value)
    if text.startswith(("{", "[")):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return _json(row, found)
        if isinstance(found, list) and _are_words(found):
            return Keywords(words=tuple(found))
    if len(text.split()) > _EXACT_WORDS:
        return TokenF1(answers=(text,))
    return Exact(text=text)


def _are_words(values: list[object]) -> TypeGuard[list[str]]:
    return bool(values) and all(isinstance(each, str) and each.strip() for each in values)


def _number(row: TableRow, value: float) -> Number:
    if not math.isfinite(value):
        raise _no_shape(row, f"{value} is too large for a number; put it in quotes")
    return Number(value=value)


def _json(row: TableRow, value: dict[object, object]) -> Expectation:
    if "kind" in value:
        return written_expectation(Fields(value, where=f"{row.where}, 'expected'", error=GraphError))
    fields: dict[str, str | int | float | bool | None] = {}
    for key, each in value.items():
        if not (each is None or isinstance(each, str | int | float | bool)):
            raise _no_shape(row, f"field {key!r} is nested, but only flat JSON is compared field by field")
        fields[str(key)] = each
    if not fields:
        raise _no_shape(row, "the JSON object is empty, so every answer would be right")
    return JsonFields(fields=fields)


def _no_shape(row: TableRow, reason: str) -> GraphError:
    return GraphError(f"{row.where}, 'expected': {reason}")
