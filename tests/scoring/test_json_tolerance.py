"""Numbers in JSON answers are equal within a billionth of their size, and no further."""

from __future__ import annotations

import json

import pytest

from pytest_swarm.domain.expectation import JsonFields
from pytest_swarm.scoring.scorers import score_text


def is_right(expected: float, answered: object) -> bool:
    return score_text(JsonFields(fields={"total": expected}), json.dumps({"total": answered})).value == 1.0


@pytest.mark.parametrize("expected", [48, 0.125, -7.5, 1_234_567])
def test_a_number_is_right_within_a_billionth_of_its_size(expected: float) -> None:
    assert is_right(expected, expected)
    assert is_right(expected, expected * (1 + 5e-10))
    assert not is_right(expected, expected * (1 + 1e-6))
    assert not is_right(expected, expected * (1 - 1e-6))


def test_near_zero_the_tolerance_is_absolute() -> None:
    assert is_right(0, 5e-10)
    assert not is_right(0, 1e-6)


@pytest.mark.parametrize(("answered", "right"), [(48.0, True), ("48", False), (48.02, False), ("48.02", False)])
def test_an_answer_that_is_off_by_less_than_a_thousandth_is_still_wrong(answered: object, right: bool) -> None:
    assert is_right(48, answered) is right
