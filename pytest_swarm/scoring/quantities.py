"""Quantities with two units: "1 hour and 30 minutes" is 1.5 and 90, "2 hours, or 120 minutes" gives 2 and 120.

A time of day is one number of hours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pytest_swarm.scoring.kept_answers import KEPT_CHARS
from pytest_swarm.scoring.number_text import WrittenNumber, numbers_in

_SIZES: Final = (  # of units of time, length, mass, volume and money, each in the first of its table
    {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800, "month": 2_629_800, "year": 31_557_600},
    {"m": 1, "mm": 0.001, "cm": 0.01, "km": 1000, "in": 0.0254, "ft": 0.3048, "yard": 0.9144, "mi": 1609.344},
    {"g": 1, "kg": 1000, "oz": 28.35, "lb": 453.6},
    {"l": 1, "ml": 0.001, "cup": 0.24, "gallon": 3.785},
    {"cent": 1, "dollar": 100},
)
_PART_OF: Final = {  # a unit, and the smaller one that may follow it: "1 hour and 30 minutes"
    "h": "min", "min": "s", "day": "h", "week": "day", "year": "month", "ft": "in", "lb": "oz", "dollar": "cent",
}  # fmt: skip
_WORDS: Final = {  # in the singular
    "hour": "h", "hr": "h", "minute": "min", "second": "s", "sec": "s", "foot": "ft", "feet": "ft", "inch": "in",
    "inche": "in", "mile": "mi", "pound": "lb", "lbs": "lb", "ounce": "oz",
    **{
        long + word: short + unit
        for long, short in (("", ""), ("kilo", "k"), ("centi", "c"), ("milli", "m"))
        for word, unit in (("meter", "m"), ("metre", "m"), ("gram", "g"), ("liter", "l"), ("litre", "l"))
    },
}  # fmt: skip
_ROUNDED: Final = 0.06  # 5 km are 3 miles for a writer
_DEGREES: Final = {"°c": (1.0, 273.15), "°f": (5 / 9, 273.15 - 32 * 5 / 9), "°k": (1.0, 0.0)}  # kelvins: factor, zero
_ROUNDED_K: Final = 1.0  # 37 °C are 98 °F for a writer
_SIGNS: Final = sorted((unit for table in _SIZES for unit in table if len(unit) < 3), key=len, reverse=True)
_NAMES: Final = (*_WORDS, *(unit for table in _SIZES for unit in table if len(unit) >= 3))
_UNIT: Final = re.compile(rf"[ -]?(?P<unit>°\s?[CFK]|{'|'.join(_SIGNS)}|m?L|(?:{'|'.join(_NAMES)})s?)\b")
_CLOCK: Final = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d")  # 3:15 is 3.25, as 11:00 is 11
_RATIO: Final = re.compile(r"\d{1,9}:\d{1,9}(?!:)")  # 3:4 is no number
_EACH: Final = re.compile(r"(?: (?:an?|per|each|every)\b|/)")  # "5 days, 8 hours a day"
_THEN: Final = re.compile(_UNIT.pattern + r",?(?: and)? ")
_ABOUT: Final = r"(?:about |approximately |around |roughly )?"
_OR: Final = re.compile(
    rf"{_UNIT.pattern}(?:,? (?:or|=|i\.e\.,?|that is,?|which (?:is|are|equals)(?: equal to)?)"
    rf" {_ABOUT}| \()"
)
_IN: Final = re.compile(rf"{_UNIT.pattern} (?:in|make(?: up)?) {_ABOUT}(?:every |each |exactly )?")


def quantities_in(text: str) -> Iterator[WrittenNumber]:
    """The numbers of a simplified text, in order; a quantity of a unit and its parts is one number."""
    return iter(_kept_quantities(text)) if len(text) <= KEPT_CHARS else _quantities(text)


@lru_cache(maxsize=16)  # each rule for a number asks for those of the same text
def _kept_quantities(text: str) -> tuple[WrittenNumber, ...]:
    return tuple(_quantities(text))


def _quantities(text: str) -> Iterator[WrittenNumber]:
    held: WrittenNumber | None = None
    for number in numbers_in(text):
        whole = None if held is None else _joined(text, held, number)
        if held is not None and whole is None:
            yield held
        held = whole or number
    if held is not None:
        yield held


def is_restated(text: str, one: WrittenNumber, other: WrittenNumber) -> bool:
    """Whether a text gives one quantity in two units: "2 hours, or 120 minutes", "98.6 °F (37 °C)"."""
    return _are_equal(_OR, text, one, other)


def is_conversion(text: str, one: WrittenNumber, other: WrittenNumber) -> bool:
    """Whether a text says how many of a unit another quantity has: "1500 meters in 1.5 km"."""
    return _are_equal(_IN, text, one, other)


def _are_equal(joint: re.Pattern[str], text: str, one: WrittenNumber, other: WrittenNumber) -> bool:
    """Whether two numbers with units, and the joint between them, are the same quantity."""
    first, second = joint.fullmatch(text, one.end, other.start), _UNIT.match(text, other.end)
    if first is None or second is None or _name(first) == _name(second):
        return False
    sizes = next((table for table in _SIZES if _name(first) in table), None)
    if sizes is None:
        return abs(_kelvins(one, first) - _kelvins(other, second)) <= _ROUNDED_K
    size = one.values[0] * sizes[_name(first)]
    return math.isclose(size, other.values[0] * sizes.get(_name(second), math.inf), rel_tol=_ROUNDED)


def _kelvins(number: WrittenNumber, unit: re.Match[str]) -> float:
    """A temperature; NaN for anything else."""
    factor, zero = _DEGREES.get(_name(unit).replace(" ", ""), (math.nan, 0.0))
    return number.values[0] * factor + zero


def _joined(text: str, one: WrittenNumber, other: WrittenNumber) -> WrittenNumber | None:
    """The quantity that two numbers make, in its first unit and in its second; None where they make none."""
    clock = _CLOCK.fullmatch(text, one.start, other.end)
    if clock or _RATIO.fullmatch(text, one.start, other.end):
        values: tuple[float, ...] = (one.values[0] + other.values[0] / 60 if clock else math.nan,)
        return WrittenNumber(values=values, text=text[one.start : other.end], start=one.start, end=other.end)
    first, second = _THEN.fullmatch(text, one.end, other.start), _UNIT.match(text, other.end)
    if (
        first is None
        or second is None
        or _PART_OF.get(_name(first)) != _name(second)
        or _EACH.match(text, second.end())
    ):
        return None
    parts = _parts(_name(first))
    if len(one.values) > 1 or not 0 <= other.values[0] < parts:  # joined already, or no part of one
        return None
    part = -other.values[0] if one.values[0] < 0 else other.values[0]  # -1 h 30 min are -90 min
    values = (one.values[0] + part / parts, one.values[0] * parts + part)
    return WrittenNumber(values=values, text=text[one.start : other.end], start=one.start, end=other.end)


def _parts(unit: str) -> int:
    """How many of its parts a unit has: 60 minutes an hour."""
    table = next(table for table in _SIZES if unit in table)
    return round(table[unit] / table[_PART_OF[unit]])


def _name(match: re.Match[str]) -> str:
    """The short name of a unit: "h" for hours, "hr" and "h"."""
    unit = match["unit"].lower()
    unit = unit if unit in _WORDS or len(unit) < 3 else unit.removesuffix("s")
    return _WORDS.get(unit, unit)
