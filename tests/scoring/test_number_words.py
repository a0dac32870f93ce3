"""Numbers in words, as digits; answers with such numbers are rows of tests/data/labeled_answers.jsonl."""

from __future__ import annotations

import pytest

from pytest_swarm.scoring.number_words import with_digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("ninety nine", "99"),
        ("one thousand two hundred and thirty-four", "1234"),
        ("two three", "two three"),
        ("a hundred reasons", "a hundred reasons"),
        ("zero", "0"),
        ("twelve of 12", "twelve of 12"),
    ],
)
def test_numbers_in_words(text: str, digits: str) -> None:
    assert with_digits(text) == digits
