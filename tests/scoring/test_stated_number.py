"""Numbers that a sentence only bounds, or gives beside another, are none."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    "answer",
    [
        "More than 30",
        "It is less than $30.",
        "The answer is over 30.",
        "There are fewer than 30 students in the class.",
        ">30",
        "x < 30",
        "30+",
        "30 people or more",
        "20-30",
        "anywhere from 20 to 30",
        "before 30",
        r"\boxed{>30}",
        "The answer is 30 to 40.",
        "The answer is 30-40.",
        "The answer is 30 apples or 8.",
    ],
)
def test_a_limit_is_no_answer(answer: str) -> None:
    assert score_text(Number(value=30), answer).value == 0


@pytest.mark.parametrize(
    "answer",
    [
        "She needs at least 30.",
        "He left after 30 minutes.",
        "> 30",
        "That adds up to 30",
        "12 more than 18 makes 30",
        "There are 40 - 10 = 30 students over 16.",
        "It rose from 20 to 30.",
        "It is 30 or, more precisely, 30.0",
        "Work out 50 - 20. That leaves more room. In the end it was over 30.",
    ],
)
def test_a_number_beside_the_same_words_is_one(answer: str) -> None:
    assert score_text(Number(value=30), answer).value == 1
