"""Numbers in words, as digits: "twelve", "two and a half", "a dozen", "the third", "none left".

A text with digits keeps its words, but for those that are plainly its answer. In a text without digits the first that
is there is read: numerals and fractions; amounts and ranks. Words of other languages than English are no numbers.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.patterns import CONCLUDING

_SMALL: Final = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES: Final = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
}
_SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_RANKS: Final = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
]  # fmt: skip
_PARTS: Final = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10,
}  # fmt: skip
_PLURAL_PARTS: Final = {**_PARTS, **{f"{word}s": parts for word, parts in _PARTS.items()}, "halves": 2}
_AMOUNTS: Final = {
    "dozen": "12",
    "couple": "2",
    "pair": "2",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    **{word: f"1/{parts}" for word, parts in _PARTS.items()},
}

_WORD: Final = "|".join((*_VALUES, "hundred", *_SCALES))
_PHRASE: Final = re.compile(rf"\b(?:{_WORD})(?:(?:\s|-|\sand\s)(?:{_WORD})){{0,12}}\b", re.IGNORECASE)
_FRACTION: Final = re.compile(
    rf"\b(?:(?P<whole>{_WORD})\sand\sa\s(?P<rest>half|third|quarter|fourth|fifth)"
    rf"|(?P<over>{'|'.join(_SMALL[1:10])})[\s-](?P<under>{'|'.join(_PLURAL_PARTS)}))\b",
    re.IGNORECASE,
)
_LED: Final = re.compile(  # a number in words that is given as the answer, in a text with digits as well
    rf"(?P<lead>\A[\s*_\"'(]{{0,6}}|\banswers?\b[^.!?\n\d]{{0,60}}?(?:\b(?:is|are|was)\b|[:=])\s?:?[\s*_\"'(]{{0,6}}"
    rf"|\b(?:is|are|was|were|equals|makes|gives)\s(?=[\w -]{{1,60}}\W*\Z))"
    rf"(?P<words>{_PHRASE.pattern})(?P<fraction>\s(?:of|point|{'|'.join(_PLURAL_PARTS)})\b)?",
    re.IGNORECASE,
)
_CONCLUDED: Final = re.compile(rf"\b(?:{CONCLUDING}),?\s[^.!?\n\d]{{1,200}}[.!*\s]*\Z", re.IGNORECASE)
_BOLD: Final = re.compile(rf"(?<=\*\*)(?:{_PHRASE.pattern})(?=\*\*)", re.IGNORECASE)
_ONLY: Final = re.compile(r"^(?:(?:there (?:is|was|will be) )?(?:only|just|exactly) )")  # "Only one."
_ONE_OR: Final = re.compile(r"\bone(?=\s(?:or|to|in|out of)\s\d)", re.IGNORECASE)
_UNITS: Final = 10
_FIRST_TENS: Final = 20
_NOT_A_NUMBER: Final = ("one", "hundred", "thousand", "million", "billion")  # "no one", "a million reasons"

_HOUR_AND_A_HALF: Final = re.compile(r"\b(?:an?|one|(\d+)) ((?!and )[a-z]{3,12}) and a half\b", re.IGNORECASE)
_AND_A_PART: Final = re.compile(
    rf"(?<=\d) and (?:a|one)[ -]({'|'.join(_PARTS)})\b(?! of)", re.IGNORECASE
)  # 3 and a half
_HALF_DOZEN: Final = re.compile(r"\b(?:a\s)?half(?:\sa)?[\s-]dozen\b(?!\sor\s(?!so\b))", re.IGNORECASE)
_AMOUNT: Final = re.compile(
    rf"\b(?:an?|one)\s({'|'.join(_AMOUNTS)})\b(?!\s(?:or(?! so)|and|of dozens?|reasons|times|ways|things)\b)",
    re.IGNORECASE,
)
_COMPOUND_RANK: Final = re.compile(rf"\b({'|'.join(_TENS)})-({'|'.join(_RANKS[:9])})\b", re.IGNORECASE)
_RANK: Final = re.compile(rf"(?<!\bat\s)(?<!\ba\s)(?<!\ban\s)\b({'|'.join(_RANKS)})\b(?![,:-])", re.IGNORECASE)
_MAX_RANK_CHARS: Final = 60  # of a text that gives a rank; in a longer one "first" leads on
_NONE: Final = re.compile(  # "none" alone may say that there is no answer
    r"\A\W*(?:(?:there|the answer|it) (?:is|are|was|were|will be) (?:none|nothing)"
    r"|(?:none|nothing) of (?:them|it))\W*\Z"
    r"|\b(?:none|nothing|no (?:[a-z]{2,14} ){0,2}[a-z]{2,14})(?: of (?:them|it))?(?= (?:(?:is|are|will be) )?"
    r"(?:left(?: over)?|remains?|remaining)\W*\Z)",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    """Return the text with its numbers in words as digits.

    Where a text holds digits as well, only words that begin it, follow "answer is" or are bold count. "one" alone is
    a pronoun more often than a number, so it counts only where it is all of the text.
    """
    text = _NONE.sub("0", text)
    text = _HOUR_AND_A_HALF.sub(lambda match: f"{match[1] or 1} 1/2 {match[2]}", text)
    if any(char in "0123456789" for char in text):
        text = _AND_A_PART.sub(lambda match: f" 1/{_PARTS[match[1].lower()]}", text)
        text = _CONCLUDED.sub(lambda match: _PHRASE.sub(lambda words: _digits(words[0], ""), match[0]), text)
        return _LED.sub(_led_digits, _BOLD.sub(lambda match: _digits(match[0], ""), text))
    alone = _ONLY.sub("", text.strip(" \t\n*_.!`\"'").lower())
    if alone in ("half", "a half"):
        return "1/2"
    numerals = _with_numerals(text, alone)
    return _with_amounts_and_ranks(text) if numerals == text else numerals


def _with_numerals(text: str, alone: str) -> str:
    """The text with its numerals, fractions and ranks such as "twenty-first" as digits."""
    text = _FRACTION.sub(_fraction_digits, _COMPOUND_RANK.sub(_rank_digits, text))
    return _ONE_OR.sub("1", _PHRASE.sub(lambda match: _digits(match[0], alone), text))


def _led_digits(match: re.Match[str]) -> str:
    words = match["words"]
    if match["fraction"] or words.lower() == "one":
        return match[0]
    return match["lead"] + _digits(words, "")


def _rank_digits(match: re.Match[str]) -> str:
    return str(_VALUES[match[1].lower()] + _RANKS.index(match[2].lower()) + 1)


def _fraction_digits(match: re.Match[str]) -> str:
    if match["whole"]:
        value = _value([match["whole"].lower()])
        return match[0] if value is None else f"{value} 1/{_PARTS[match['rest'].lower()]}"
    return f"{_VALUES[match['over'].lower()]}/{_PLURAL_PARTS[match['under'].lower()]}"


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


def _with_amounts_and_ranks(text: str) -> str:
    """The text with its amounts as digits; where it has none, a short one with its only rank."""
    counted = _AMOUNT.sub(lambda match: _AMOUNTS[match[1].lower()], _HALF_DOZEN.sub("6", text))
    if counted == text and len(text) <= _MAX_RANK_CHARS and len(_RANK.findall(text)) == 1:
        return _RANK.sub(lambda match: str(_RANKS.index(match[1].lower()) + 1), text)
    return counted
