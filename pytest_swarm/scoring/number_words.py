"""Numbers in words, such as "twelve", "one hundred and five" and "two and a half"."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.counting_phrases import PARTS, TENS, with_amounts_and_ranks, with_compound_ranks
from pytest_swarm.scoring.foreign_numbers import with_foreign_digits

_SMALL: Final = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_VALUES: Final = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(TENS, start=2)},
}
_SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORD: Final = "|".join((*_VALUES, "hundred", *_SCALES))
_PHRASE: Final = re.compile(rf"\b(?:{_WORD})(?:(?:\s|-|\sand\s)(?:{_WORD})){{0,12}}\b", re.IGNORECASE)
_PARTS: Final = {**PARTS, **{f"{word}s": value for word, value in PARTS.items()}, "halves": 2}
_FRACTION: Final = re.compile(
    rf"\b(?:(?P<whole>{_WORD})\sand\sa\s(?P<rest>half|third|quarter|fourth|fifth)"
    rf"|(?P<over>one|two|three|four|five|six|seven|eight|nine)[\s-](?P<under>{'|'.join(_PARTS)}))\b",
    re.IGNORECASE,
)
_LED: Final = re.compile(  # a number in words that is given as the answer, in a text with digits as well
    rf"(?P<lead>\A[\s*_\"'(]{{0,6}}|\banswers?\b[^.!?\n\d]{{0,60}}?(?:\b(?:is|are|was)\b|[:=])\s?:?[\s*_\"'(]{{0,6}}"
    rf"|\b(?:is|are|was|were|equals|makes|gives)\s(?=[\w -]{{1,60}}\W*\Z))"
    rf"(?P<words>{_PHRASE.pattern})(?P<fraction>\s(?:of|point|{'|'.join(_PARTS)})\b)?",
    re.IGNORECASE,
)
_ONE_OR: Final = re.compile(r"\bone(?=\s(?:or|to)\s\d)", re.IGNORECASE)
_BOLD: Final = re.compile(rf"(?<=\*\*)(?:{_PHRASE.pattern})(?=\*\*)", re.IGNORECASE)
_UNITS: Final = 10
_FIRST_TENS: Final = 20
_NOT_A_NUMBER: Final = ("one", "hundred", "thousand", "million", "billion")  # "no one", "a million reasons"


def with_digits(text: str) -> str:
    """Return the text with its numbers in words as digits.

    Where a text holds digits as well, only words that begin it, follow "answer is" or are bold count. "one" alone is
    a pronoun more often than a number, so it counts only where it is all of the text.
    """
    if any(char in "0123456789" for char in text):
        return _LED.sub(_led_digits, _BOLD.sub(lambda match: _digits(match[0], ""), text))
    alone = text.strip(" \t\n*_.`\"'").lower()
    if alone in ("half", "a half"):
        return "1/2"
    numerals = _FRACTION.sub(_fraction_digits, with_compound_ranks(text))
    english = _ONE_OR.sub("1", _PHRASE.sub(lambda match: _digits(match[0], alone), numerals))
    if english == text:
        english = with_amounts_and_ranks(text)
    return with_foreign_digits(text) if english == text else english


def _led_digits(match: re.Match[str]) -> str:
    words = match["words"]
    if match["fraction"] or words.lower() == "one":
        return match[0]
    return match["lead"] + _digits(words, "")


def _fraction_digits(match: re.Match[str]) -> str:
    if match["whole"]:
        value = _value([match["whole"].lower()])
        return match[0] if value is None else f"{value} 1/{_PARTS[match['rest'].lower()]}"
    return f"{_value([match['over'].lower()])}/{_PARTS[match['under'].lower()]}"


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
