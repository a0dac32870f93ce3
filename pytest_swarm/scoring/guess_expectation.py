"""Expectations guessed from the shape of a reference answer: a JSON object, yes or no, a number, a short or long text.

A guess is to be looked over by a person: the shape of one answer does not say what else would be right.
"""

from __future__ import annotations

import math
import re
from typing import Final

from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Keywords, Number, YesNo
from pytest_swarm.scoring.answer_regions import enclosed_region
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.json import find_objects
from pytest_swarm.scoring.numbers import last_number
from pytest_swarm.scoring.yes_no import says_yes

MAX_NUMBER_CHARS: Final = 80  # in a longer answer, a number is one fact of several
MAX_YES_NO_CHARS: Final = 300
MAX_EXACT_CHARS: Final = 60
MIN_KEYWORD_CHARS: Final = 6
MAX_KEYWORDS: Final = 8
_YES_NO: Final = re.compile(r"\W*(?:yes|no)\b", re.IGNORECASE)
_ENDS_WITH_NUMBER: Final = re.compile(r"\d[\s%.)*]*\Z")
_WORD: Final = re.compile(r"[^\W\d_]+")


def guess_expectation(answer: str) -> Expectation | None:
    """Return what to hold other answers against, given a reference answer; None for one without any words.

    The first that fits: a JSON object is expected by its fields that are no lists or tables; an answer that begins with
    yes or no, by that; a short one that ends with a number, by the number; one short line, to the letter; any other
    text by its longest words. Of an answer with a `\\boxed{}` or `<answer>`, that alone is looked at.
    """
    text = readable(answer)
    if (region := enclosed_region(text)) is not None:
        text = region[0].strip()
    for found in find_objects(text, ()):
        fields = {
            key: value
            for key, value in found.items()
            if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
        }
        if fields:
            return JsonFields(fields=fields)
    if _YES_NO.match(text) and len(text) <= MAX_YES_NO_CHARS and (said := says_yes(text)) is not None:
        return YesNo(value=said)
    numbers = last_number(text)
    if numbers and math.isfinite(numbers[0]) and len(text) <= MAX_NUMBER_CHARS and _ENDS_WITH_NUMBER.search(text):
        return Number(value=numbers[0])
    if text and len(text) <= MAX_EXACT_CHARS and "\n" not in text:
        return Exact(text=text)
    words = {word.lower(): None for word in _WORD.findall(text) if len(word) >= MIN_KEYWORD_CHARS}
    longest = sorted(words, key=lambda word: -len(word))[:MAX_KEYWORDS]
    return Keywords(words=tuple(word for word in words if word in longest)) if longest else None
