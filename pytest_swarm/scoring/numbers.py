"""Scoring a number: the last one in the answer, as people write numbers.

Understood: thousands (1,234,567 and 1_000), decimals, a trailing full stop (`25.`), bold, signs (also the typographic
minus), scientific notation (1.5e3, 1.5 x 10^3), fractions (3/4, \\frac{3}{4}), percent, currency in front and units
behind. A LaTeX \\boxed{...} names the final answer, so the last box wins over whatever follows it. Not a number:
digits glued to a word (s0, H2O), an exponent (cm^2), parts of a date or version (2026-02-21 gives 21: a date is no
number to begin with). A comma is never a decimal comma.
"""

from __future__ import annotations

import math
import re
from typing import Final

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.verdict import RIGHT, Score, wrong

_DIGITS: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d[\d_]*)(?:\.\d+)?|\.\d+"
_SIGNED: Final = rf"(?<![\w^])(?<!\d\.)(?<!\^\{{)(?:(?<![\w)\]])[-+\u2212])?(?:{_DIGITS})"
_POWER: Final = (
    r"(?:[eE][-+]?\d{1,4}|\s?(?:[x\u00d7*]|\\times|\\cdot)\s?10\s?\^\s?\{?(?P<power>[-+\u2212]?\d{1,4})\}?)?"
)
_NUMBER: Final = re.compile(
    rf"\\[dt]?frac\{{(?P<over>[-\u2212]?\d{{1,20}})\}}\{{(?P<under>\d{{1,20}})\}}"
    rf"|(?P<base>{_SIGNED}){_POWER}(?:\s?/\s?(?P<divisor>\d{{1,20}})(?![\d/.]))?(?P<percent>\s?\\?%)?"
)
_BOXED: Final = re.compile(r"\\(?:boxed|fbox)\{((?:[^{}]|\{[^{}]*\}){1,200})\}")


def score_number(expected: Number, text: str) -> Score:
    """1 where the last number of the answer is `expected.value` within its tolerance, else 0.

    `25%` is right for 25 and for 0.25: which of the two a task means is a matter of its wording.
    """
    readings = last_number(text)
    if not readings:
        return wrong("the answer holds no number")
    if any(abs(value - expected.value) <= expected.tolerance for value in readings):
        return RIGHT
    return wrong(f"the last number is {readings[0]:.10g}, not {expected.value:.10g}")


def last_number(text: str) -> tuple[float, ...]:
    """What the last number of a text may mean: nothing where there is none, two values for a percentage, else one."""
    boxes = _BOXED.findall(text)
    for part in (*reversed(boxes[-1:]), text):
        matches = list(_NUMBER.finditer(part))
        if matches:
            return _values(matches[-1])
    return ()


def _values(match: re.Match[str]) -> tuple[float, ...]:
    if match["over"]:
        under = float(match["under"])
        return (_float(match["over"]) / under,) if under else (math.nan,)
    whole = match[0]
    mantissa = match["base"]
    tail = whole[len(mantissa) :]
    exponent = re.match(r"[eE][-+]?\d{1,4}", tail)
    value = _float(mantissa + (exponent[0] if exponent else ""))
    if match["power"]:
        value *= float(f"1e{_plain(match['power'])}")
    if match["divisor"]:
        divisor = float(match["divisor"])
        value = value / divisor if divisor else math.nan
    return (value, value / 100) if match["percent"] else (value,)


def _plain(text: str) -> str:
    return text.replace("\u2212", "-").replace(",", "").replace("_", "")


def _float(text: str) -> float:
    return float(_plain(text))
