"""Steps that ask for code: small functions and patterns, each with a solution and hidden cases.

The functions below the line are the solutions: their source is the reference answer, and their values are the cases.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Final

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.fields import Json
from pytest_swarm.workloads.workflowgen import solutions
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Maker, Spot, code_step

CASES: Final = 5
_Argument = Callable[[Draw], "list[Json]"]


def _numbers(draw: Draw) -> list[Json]:
    return [[draw.between(-20, 60) for _ in range(draw.between(1, 7))]]


def _text(draw: Draw) -> list[Json]:
    return ["".join(draw.pick("aabbcdeeiou xyz") for _ in range(draw.between(1, 12)))]


def _pair(draw: Draw) -> list[Json]:
    return [draw.between(1, 400), draw.between(1, 400)]


def _one(draw: Draw) -> list[Json]:
    return [draw.between(1, 900)]


def _brackets(draw: Draw) -> list[Json]:
    balanced = ("()", "([]{})", "[()()]", "{}", "a(b)c")
    return [draw.pick((*balanced, "(]", "([)]", "((", "())", "}{"))]


def _numeral(draw: Draw) -> list[Json]:
    return [draw.pick(("III", "IV", "XIV", "XL", "XCIX", "CDXLIV", "MCMXCIV", "MMXXVI"))]


def _words(draw: Draw) -> list[Json]:
    return ["".join(draw.pick("abc") for _ in range(draw.between(1, 6))) for _ in range(2)]


# Per level: each solution, and how its arguments are drawn.
_FUNCTIONS: Final[tuple[tuple[tuple[Callable[..., object], _Argument], ...], ...]] = (
    ((solutions.largest, _numbers), (solutions.count_vowels, _text), (solutions.total, _numbers)),
    ((solutions.count_even, _numbers), (solutions.initials, _text), (solutions.gcd, _pair)),
    ((solutions.run_lengths, _text), (solutions.digit_root, _one), (solutions.second_largest, _numbers)),
    ((solutions.balanced, _brackets), (solutions.from_roman, _numeral), (solutions.prime_factors, _one)),
    ((solutions.longest_rise, _numbers), (solutions.edit_distance, _words), (solutions.best_sum, _numbers)),
)


def function(draw: Draw, spot: Spot) -> GeneratedStep:
    """A function of the level, with hidden cases."""
    solution, argument = draw.pick(_FUNCTIONS[spot.level - 1])
    calls: dict[str, list[Json]] = {}
    while len(calls) < CASES:
        args = argument(draw)
        calls.setdefault(json.dumps(args), args)
    cases = tuple(
        CodeCase(args=tuple(args), returns=json.loads(json.dumps(solution(*args)))) for args in calls.values()
    )
    name, source = solution.__name__, inspect.getsource(solution).rstrip()
    signature = source[source.index("(") : source.index(")") + 1]
    first = cases[0]
    ask = (
        f"Write a Python function {name}{signature}. {inspect.getdoc(solution)} For example, {name}"
        f"({', '.join(map(repr, first.args))}) gives {first.returns!r}."
    )
    return code_step(ask, PythonCode(entry_point=name, cases=cases), source)


# Per level: what the pattern describes, the pattern, texts that fit, and texts that do not.
_PATTERNS: Final = (
    ("one or more digits and nothing else", r"[0-9]+", ("7", "2026", "00"), ("", "7a", "-7", "1.5")),
    (
        "two capital letters, a dash and four digits",
        r"[A-Z]{2}-[0-9]{4}",
        ("AB-1234", "ZZ-0000"),
        ("ab-1234", "AB1234"),
    ),
    ("a time from 00:00 to 23:59", r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", ("00:00", "23:59"), ("24:00", "7:30", "12:60")),
    (
        "a colour: a # and then three or six hexadecimal digits, in either case",
        r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
        ("#fff", "#A0b1C2"),
        ("#ffff", "fff", "#ggg", "#"),
    ),
    (
        "a whole number from 0 to 255 without leading zeros",
        r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
        ("0", "9", "99", "199", "255"),
        ("256", "007", "", "1a", "300"),
    ),
)


def pattern(draw: Draw, spot: Spot) -> GeneratedStep:
    """A function that tells by a regular expression whether a text has a form; stricter forms with the level."""
    said, regex, fit, misfit = _PATTERNS[spot.level - 1]
    texts = draw.shuffled((*fit, *misfit))
    cases = tuple(CodeCase(args=(text,), returns=re.fullmatch(regex, text) is not None) for text in texts)
    solution = f'import re\n\n\ndef fits(text):\n    return re.fullmatch(r"{regex}", text) is not None'
    ask = (
        f"Write a Python function fits(text) that uses a regular expression to return True where the whole text is "
        f"{said}, and False otherwise. For example, fits({texts[0]!r}) gives {cases[0].returns}."
    )
    return code_step(ask, PythonCode(entry_point="fits", cases=cases), solution)


CODING: Final[tuple[Maker, ...]] = (function, pattern)
