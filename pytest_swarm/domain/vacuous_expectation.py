"""Expectations that nearly every answer meets, or none: their scores say nothing of a model.

They are refused where a person writes them. What is derived from an answer, or read back from a recorded run, may be
one, and is scored as it stands.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import Final

from pytest_swarm.domain.expectation import (
    Exact,
    Expectation,
    Judge,
    Keywords,
    Number,
    PythonCode,
    Regex,
    RougeL,
    TokenF1,
)
from pytest_swarm.domain.expectation_codec import decode_expectation
from pytest_swarm.fields import Fields

_UNLIKE: Final = ("x", "7", "!", "é", "Aa 1,\n-b2.")
"""Texts with nothing in common: a pattern that is found in each of them is found in nearly every answer."""

_FAR_APART: Final = (-1e6, 0.0, 1e6)
"""A number that is right for each of them is right for nearly every number."""

_LOOKAROUND: Final = re.compile(r"\(\?<?[=!]")
"""A look around may ask for something at no place of its own, such as `^(?!.*sorry)`: such a pattern is not judged."""

_EMPTY_ONLY: Final = re.compile(r"(?:\^|\\A)(?:\\s\*)?(?:\$|\\Z)")

_ROUGE_WORD: Final = re.compile(r"[a-z0-9]", re.IGNORECASE | re.ASCII)
"""What rouge-score takes for a part of a word."""

_UNSEEN: Final = ("C", "M", "Z")  # Unicode's categories of control, combining and separating characters


def written_expectation(fields: Fields) -> Expectation:
    """Return the expectation of a table that a person wrote; raise the error of `fields` for one that says nothing."""
    expected = decode_expectation(fields)
    if (fault := vacuous(expected)) is not None:
        raise fields.fail(fault)
    return expected


def vacuous(expected: Expectation) -> str | None:
    """Return what is wrong with an expectation that nearly every answer meets, or none; None where it is well."""
    fault = _fault(expected)
    return None if fault is None else f"expected {expected.kind}: {fault}"


def _fault(expected: Expectation) -> str | None:
    match expected:
        case Exact(text=text) if _is_blank(text):
            return "the text is empty, and an empty answer scores 0; write the right answer, or leave 'expected' out"
        case Keywords(words=words) if any(map(_is_blank, words)):
            return "an empty word stands in nearly every answer; take it out of 'words'"
        case Number(value=value, tolerance=tolerance) if all(abs(value - each) <= tolerance for each in _FAR_APART):
            return f"nearly every number is within {tolerance:g} of {value:g}; write a smaller 'tolerance'"
        case TokenF1(answers=answers) if all(map(_is_blank, answers)):
            return "the answers are empty, and an empty answer scores 0; write the right answer"
        case RougeL(reference=reference) if _ROUGE_WORD.search(reference) is None:
            return "ROUGE-L compares words of a to z and 0 to 9, and the reference has none; use another kind"
        case Judge(rubric=rubric) if _is_blank(rubric):
            return "the rubric is empty; write what a good answer does"
        case PythonCode(entry_point=name) if keyword.iskeyword(name):
            return f"entry point {name!r} is a keyword of Python, which no function can have as its name; rename it"
        case Regex(pattern=pattern) if _LOOKAROUND.search(pattern) is None:
            return _pattern_fault(pattern)
    return None


def _pattern_fault(pattern: str) -> str | None:
    if _EMPTY_ONLY.fullmatch(pattern):
        return f"{pattern!r} is found in an empty answer only, which scores 0; write what a right answer has"
    if all(re.search(pattern, text) for text in _UNLIKE):
        return f"{pattern!r:.60} is found in nearly every answer; write a pattern that a wrong answer does not have"
    return None


def _is_blank(text: str) -> bool:
    """Whether a text has no character that can be seen."""
    return all(char.isspace() or unicodedata.category(char)[0] in _UNSEEN for char in text)
