"""Whole numbers in words, such as "twelve" and "one hundred and five", for answers that hold no digit."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES: Final = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
}
_SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORD: Final = "|".join((*_VALUES, "hundred", *_SCALES))
_PHRASE: Final = re.compile(rf"\b(?:{_WORD})(?:(?:\s|-|\sand\s)(?:{_WORD})){{0,12}}\b", re.IGNORECASE)
_UNITS: Final = 10
_FIRST_TENS: Final = 20
_NOT_A_NUMBER: Final = ("one", "hundred", "thousand", "million", "billion")  # "no one", "a million reasons"


def with_digits(text: str) -> str:
    """Return the text with its numbers in words as digits; as it is where it holds a digit already.

    "one" alone is a pronoun more often than a number, so it counts only where it is all of the text.
    """
    if any(char.isdigit() for char in text):
        return text
    alone = text.strip(" \t\n*_.`\"'").lower()
    return _PHRASE.sub(lambda match: _digits(match[0], alone), text)


def _digits(phrase: str, alone: str) -> str:
    words = [word for word in re.split(r"[\s-]+", phrase.lower()) if word != "and"]
    if words[0] in _NOT_A_NUMBER and len(words) == 1 and phrase.lower() != alone:
        return phrase
    value = _value(words)
    return phrase if value is None else str(value)


def _value(words: list[str]) -> int | None:
    """The number that the words make; None where they are several numbers, such as "two three"."""
    total, group, last = 0, 0, 1_000
    for word in words:
        if word in _SCALES:
            total, group, last = total + max(1, group) * _SCALES[word], 0, 1_000
        elif word == "hundred":
            group, last = max(1, group) * 100, 100
        elif _VALUES[word] >= last:
            return None
        else:
            group += _VALUES[word]
            last = _UNITS if _VALUES[word] >= _FIRST_TENS else 0  # "twenty one", never "one two"
    return total + group
