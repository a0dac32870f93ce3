"""Texts with a given score: right, partly right or wrong answers, as a model might write them.

Every text is checked with the real scorer before it is returned, so its score is certain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Final

from pytest_swarm.domain.expectation import (
    Exact,
    Expectation,
    JsonFields,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    RougeL,
    TokenF1,
    YesNo,
)
from pytest_swarm.domain.expectation_fields import JsonScalar
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.code_texts import broken_code, working_code
from pytest_swarm.simulator.models.regex_texts import matching_text

_CLOSE: Final = 1e-6
_FILLERS: Final = (
    "I am sorry, but I am not sure about that one.",
    "It depends on the details, which the question leaves open.",
    "Let me think about it from a different angle first.",
    "Unclear.",
    "...",
)
_FRAMES: Final = ("{}", "{}", "Sure! Here is what I found:\n\n{}", "{}\n\nLet me know if you need anything else.")


def parts(expected: Expectation | None) -> int:
    """Return the number of parts that are scored separately: fields or keywords, else 1."""
    match expected:
        case JsonFields():
            return len(expected.fields)
        case Keywords():
            return len(expected.words)
    return 1


def compose(expected: Expectation | None, target: float, rng: Random) -> str:
    """Return a text whose score is `target`, or as close to it as the expectation allows.

    Args:
        expected: What the scorer expects; None gives prose.
        target: The score in [0, 1]. Without separate parts, 0.5 and more gives a right answer.
        rng: Generator of the choices.
    """
    best, gap = rng.choice(_FILLERS), 2.0
    for text in _candidates(expected, target, rng):
        score = score_or_none(expected, text)
        if score is None:
            return text
        if abs(score - target) < gap:
            best, gap = text, abs(score - target)
        if gap < _CLOSE:
            break
    return best


def score_or_none(expected: Expectation | None, text: str) -> float | None:
    """Return the score of a text; None if it has none or a custom scorer fails.

    Args:
        expected: What the scorer expects.
        text: The answer.
    """
    try:
        return score_text(expected, text).value
    except ScoringError:
        return None


def prose(rng: Random) -> str:
    """Return text without meaning."""
    return " ".join(rng.sample(_FILLERS[:-1], 2))


def _candidates(expected: Expectation | None, target: float, rng: Random) -> Iterator[str]:
    right = target >= 0.5
    match expected:
        case JsonFields():
            yield from _json(expected, round(target * len(expected.fields)), rng)
        case Keywords():
            yield from _keywords(expected, target, rng)
        case Number():
            yield from _number(expected.value if right else _other_number(expected.value, expected.tolerance, rng), rng)
        case YesNo():
            yield from _yes_no(expected.value is right, rng)
        case Letter():
            yield from _letter(expected if right else _other_letter(expected, rng), rng)
        case TokenF1(answers=(text, *_)) | RougeL(reference=text) if right:
            yield text
        case Exact() if right:
            yield from (_framed_block(expected.text, rng), expected.text)
        case Regex() if right:
            yield from (matching_text(expected.pattern, rng) for _ in range(8))
        case PythonCode():
            code = working_code(expected) if right else broken_code(expected, rng)
            yield f"{rng.choice(_CODE_INTRODUCTIONS)}```python\n{code}```{rng.choice(_CODE_ENDS)}"
            yield f"```python\n{code}```"
        case _ if right:
            yield prose(rng)
    if not right:
        yield from rng.sample(_FILLERS, len(_FILLERS))


_CODE_INTRODUCTIONS: Final = ("", "Here is the function:\n\n", "Sure! This does what you asked for:\n\n")
_CODE_ENDS: Final = ("", "\n\nThe function runs in the time that its loop takes.")


def _json(expected: JsonFields, right: int, rng: Random) -> Iterator[str]:
    keys = list(expected.fields)
    kept = set(rng.sample(keys, min(right, len(keys))))
    answer = {key: value if key in kept else _other(value) for key, value in expected.fields.items()}
    text = json.dumps(answer, ensure_ascii=False)
    yield rng.choice((text, _framed_block(text, rng, "json"), f"The requested fields are:\n\n{text}"))
    yield text


def _other(value: JsonScalar) -> JsonScalar:
    """Return a value that the scorer takes for wrong."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value / 2 if abs(value) > 1e300 else value + max(1, abs(value))
        case None:
            return "none found"
    return "not stated" if value.strip().casefold() == "unknown" else "unknown"


def _keywords(expected: Keywords, target: float, rng: Random) -> Iterator[str]:
    """Yield sentences with different numbers of the words, nearest first: one word may contain another."""
    words = rng.sample(expected.words, len(expected.words))
    wanted = target * len(words)
    for count in sorted(range(len(words) + 1), key=lambda n: abs(n - wanted)):
        if count:
            listed = ", ".join(words[:count])
            yield rng.choice(("In short: {}.", "The main points are {}.", "It comes down to {}.")).format(listed)
            yield listed
        else:
            yield from _FILLERS


def _number(value: float, rng: Random) -> Iterator[str]:
    shown = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    forms = (
        "{}",
        "The answer is {}.",
        "Step by step, the parts add up, so the result is **{}**.",
        "We work through it one step at a time.\n\nFinal answer: {}",
        "\\boxed{{{}}}",
    )
    yield rng.choice(forms).format(shown)
    yield shown


def _other_number(value: float, tolerance: float, rng: Random) -> float:
    """Return a number out of tolerance, wrong by a plausible arithmetic error."""
    step = max(1.0, 2 * tolerance, abs(value) * 0.1)
    return value + rng.choice((-1, 1, 2)) * (float(round(step)) if value.is_integer() and step < 1e15 else step)


def _yes_no(yes: bool, rng: Random) -> Iterator[str]:
    word = "Yes" if yes else "No"
    yield rng.choice(
        (f"{word}.", f"{word}, that follows from what is given.", f"**{word}**", f"The answer is: {word.lower()}.")
    )
    yield word


def _letter(expected: Letter, rng: Random) -> Iterator[str]:
    letter = expected.value
    yield rng.choice((f"{letter}.", f"({letter})", f"**{letter}**", f"The answer is {letter}.", f"Answer: {letter}"))
    yield letter


def _other_letter(expected: Letter, rng: Random) -> Letter:
    letters = [chr(ord("A") + number) for number in range(expected.choices)]
    letters.remove(expected.value)
    return Letter(value=rng.choice(letters), choices=expected.choices)


def _framed_block(text: str, rng: Random, language: str = "") -> str:
    return rng.choice(_FRAMES if language else _FRAMES[:1]).format(f"```{language}\n{text}\n```")
