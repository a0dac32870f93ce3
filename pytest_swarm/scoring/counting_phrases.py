"""Amounts and ranks in words other than plain numerals: "a dozen", "a couple", "a third", "the third", "none"."""

from __future__ import annotations

import re
from typing import Final

PARTS: Final = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10,
}  # fmt: skip
TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_AMOUNTS: Final = {
    "dozen": "12",
    "couple": "2",
    "pair": "2",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    **{word: f"1/{parts}" for word, parts in PARTS.items()},
}
_HALF_DOZEN: Final = re.compile(r"\b(?:a\s)?half(?:\sa)?[\s-]dozen\b(?!\sor\s(?!so\b))", re.IGNORECASE)
_AMOUNT: Final = re.compile(
    rf"\b(?:an?|one)\s({'|'.join(_AMOUNTS)})\b"
    r"(?!\s(?:or(?! so)|and|of dozens?|reasons|times|ways|things)\b)",
    re.IGNORECASE,
)
_RANKS: Final = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
]  # fmt: skip
_COMPOUND: Final = re.compile(rf"\b({'|'.join(TENS)})-({'|'.join(_RANKS[:9])})\b", re.IGNORECASE)
_RANK: Final = re.compile(rf"(?<!\bat\s)(?<!\ba\s)(?<!\ban\s)\b({'|'.join(_RANKS)})\b(?![,:-])", re.IGNORECASE)
_MAX_RANK_CHARS: Final = 60  # of a text that gives a rank; in a longer one "first" leads on
_NONE: Final = re.compile(  # "none" alone may say that there is no answer
    r"\A\W*(?:(?:there|the answer|it) (?:is|are|was|were|will be)\s(?:none|nothing)"
    r"|(?:none|nothing)(?=\s(?:of (?:them|it)|is|are|left|remain))"
    r"|(?:there (?:is|are|were|will be) )?no (?:[a-z]{2,14} ){1,2}(?=(?:(?:is|are|will be) )?(?:left|remain)))"
    r"(?:\sof (?:them|it))?(?:\s?(?:(?:is|are|will be)\s)?(?:left(?: over)?|remains?|remaining))?\W*\Z",
    re.IGNORECASE,
)


def with_compound_ranks(text: str) -> str:
    """Return the text with "twenty-first" and the like as digits."""
    return _COMPOUND.sub(
        lambda match: str(20 + 10 * TENS.index(match[1].lower()) + _RANKS.index(match[2].lower()) + 1), text
    )


def with_amounts_and_ranks(text: str) -> str:
    """Return a text without numerals with its amounts as digits; where it has none, a short one with its only rank."""
    if _NONE.match(text):
        return "0"
    counted = _AMOUNT.sub(lambda match: _AMOUNTS[match[1].lower()], _HALF_DOZEN.sub("6", text))
    if counted == text and len(text) <= _MAX_RANK_CHARS and len(_RANK.findall(text)) == 1:
        return _RANK.sub(lambda match: str(_RANKS.index(match[1].lower()) + 1), text)
    return counted
