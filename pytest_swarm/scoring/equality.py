"""When two values are the same for a scorer."""

from __future__ import annotations

import math
from typing import Final

RELATIVE_TOLERANCE: Final = 1e-9  # 0.1 + 0.2 is 0.3 for a reader


def same_number(left: float, right: float) -> bool:
    """Whether two numbers are the same: whole ones exactly, others within RELATIVE_TOLERANCE."""
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    try:
        return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)
    except OverflowError:  # a whole number that no float can hold
        return False


def same_result(expected: object, found: object, *, tolerance: float = 0.0) -> bool:
    """Whether a function's result is the expected one, as Python sees it (1 == 1.0 == True).

    Floats agree within RELATIVE_TOLERANCE or `tolerance` (absolute), whole numbers exactly. Where a list is expected, a
    tuple will do, because JSON has no tuples; where a tuple is expected, only a tuple.
    """
    try:
        return _same(expected, found, tolerance)
    except RecursionError:
        return False


def _same(expected: object, found: object, tolerance: float) -> bool:
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return same_number(expected, found) or _within(expected, found, tolerance)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        if isinstance(expected, tuple) and not isinstance(found, tuple):
            return False
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_same(left, right, tolerance) for left, right in pairs)
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            return False
        return all(_same(value, found[key], tolerance) for key, value in expected.items())
    return expected == found


def _within(left: float, right: float, tolerance: float) -> bool:
    try:
        return tolerance > 0 and abs(left - right) <= tolerance
    except OverflowError:
        return False
