"""Amounts and ranks in words, and spaces and commas within numbers."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("a dozen", 12),
        ("half a dozen eggs", 6),
        ("a dozen or so", 12),
        ("The answer is two dozen.", 24),
        ("3 dozen", 36),
        ("a couple of them", 2),
        ("a hundred dollars", 100),
        ("one fifth", 0.2),
        ("an eighth", 0.125),
        ("a third", pytest.approx(1 / 3)),
        ("the third one", 3),
        ("twenty-first", 21),
        ("There are none left.", 0),
        ("The product of 6 and 7 is forty-two.", 42),
        ("1 500 km", 1500),
        ("12 000", 12000),
        ("€1.500,50", 1500.5),
        ("18,00 €", 18),
        ("18,00 miles", 18),
        ("0,3", 0.3),
        ("1969-07-20", 1969),
        ("She has 7 coins: 3 old ones and 4 new ones.", 7),
    ],
)
def test_it_is_read_as(answer: str, value: float) -> None:
    wanted = value if isinstance(value, int | float) else value.expected
    assert score_text(Number(value=wanted), answer).value == 1


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("dozens of them", 12),
        ("a couple of dozen", 2),
        ("a dozen or two", 12),
        ("Wait a second.", 2),
        ("At first I did not know.", 1),
        ("First, we think.", 1),
        ("None", 0),
        ("none of the above", 0),
        ("one or two", 2),
        ("It takes 3 100-watt bulbs", 3100),
    ],
)
def test_it_is_not_read_as(answer: str, value: float) -> None:
    assert score_text(Number(value=value), answer).value == 0
