"""The same answer in other spellings, and other answers that look like it: right and wrong ones of each."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Letter, Number
from pytest_swarm.scoring.number_words import with_digits
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    ("expected", "text", "score"),
    [
        ("Paris", "Paris. That is wrong, it is Lyon.", 0),
        ("Paris", "Paris. Wait, no: it is Lyon.", 0),
        ("Paris", "Paris. It is the seat of the government.", 1),
        ("] ]", "]]", 0),
        ("(1, 2)", "(1,2)", 1),
        ("(1,2)", "( 1 , 2 )", 1),
        ("(1, 2)", "(1, 3)", 0),
        ("[0, 1)", r"\boxed{[0,1)}", 1),
        ("x^2 + 1", "$x^2+1$", 1),
        ("x^2 + 1", "$x^2-1$", 0),
        ("-5", "\u22125", 1),
        ("-5", "5", 0),
    ],
)
def test_exact(expected: str, text: str, score: float) -> None:
    assert score_text(Exact(text=expected), text).value == score


@pytest.mark.parametrize(
    ("expected", "text", "score"),
    [
        (12, "twelve", 1),
        (12, "There are twelve apples.", 1),
        (25, "It takes twenty-five days.", 1),
        (105, "The answer is one hundred and five.", 1),
        (2_003_000, "two million three thousand", 1),
        (1, "One.", 1),
        (1, "No one knows.", 0),
        (12, "The answer is 13, not twelve.", 0),
        (3000, "$3k", 1),
        (2_500_000, "It costs €2.5M.", 1),
        (3000, "3 km", 0),
        (4, "The answer is 4 since 2 + 2 makes it.", 1),
        (2, "The answer is 4 since 2 + 2 makes it.", 0),
        (15, "The answer is 20 - 5 = 15.", 1),
    ],
)
def test_number(expected: float, text: str, score: float) -> None:
    assert score_text(Number(value=expected), text).value == score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Anything but B", 0),
        ("All but (B)", 0),
        ("Any option other than B", 0),
        ("A \u274c\nB \u2705\nC \u274c", 1),
        ("A) \u2717 wrong\nB) \u2713 right\nC) \u2717 wrong\nD) \u2717 wrong", 1),
        ("A) \u2713\nB) \u2717\nC) \u2717\nD) \u2717", 0),
        ("A) \u2713\nB) \u2713\nC) \u2717", 0),
        (r"\boxed{Paris}", 0),
        ("None but B", 1),
    ],
)
def test_letter(text: str, score: float) -> None:
    assert score_text(Letter(value="B", choices=4), text).value == score


@pytest.mark.parametrize(
    ("value", "text", "score"),
    [
        (True, '{"ok": true}', 1),
        (True, '{"ok": "true"}', 0),
        (True, '{"ok": 1}', 0),
        ("true", '{"ok": true}', 0),
        ("true", '{"ok": "True"}', 1),
        (False, '{"ok": false}', 1),
        (False, '{"ok": 0}', 0),
        (False, '{"ok": null}', 0),
    ],
)
def test_json_booleans_are_no_texts(value: bool | str, text: str, score: float) -> None:
    expected: Expectation = JsonFields(fields={"ok": value})
    assert score_text(expected, text).value == score


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


def test_a_quoted_truth_value_counts_where_quoted_numbers_do() -> None:
    expected = JsonFields(fields={"ok": True}, quoted_numbers=True)
    assert [score_text(expected, f'{{"ok": {each}}}').value for each in ('"true"', '"no"', "1")] == [1, 0, 0]
