"""JSON answers: which object counts, which values are equal, what each field is worth."""

from __future__ import annotations

import json

import pytest

from pytest_swarm.domain.expectation import JsonFields
from pytest_swarm.scoring.judge import read_grade
from pytest_swarm.scoring.scorers import score_text

LEGS = JsonFields(fields={"A": 3, "B": 4})


@pytest.mark.parametrize(
    "answer",
    [
        '{"A": 3, "B": 4}',
        '```json\n{"A": 3, "B": 4}\n```',
        '```\n{"B": 4, "A": 3}',
        'Here you are: {"A": 3, "B": 4}. I hope that helps {really}!',
        '{"A": 3, "B": 4.0}',
        '<answer>{"A": 3, "B": 4}</answer> and not {"A": 1, "B": 1}',
        '{"a": 3, "b": 4}',
        '{"result": {"A": 3, "B": 4}}',
        '[{"A": 3, "B": 4}]',
        'Format: {"A": 0, "B": 0}\nAnswer: {"A": 3, "B": 4}',
        'Answer: {"A": 3, "B": 4}, confidence {"level": "high"}',
        '<think>{"A": 9}</think>{"A": 3, "B": 4, "unit": "m"}',
    ],
)
def test_right_however_it_is_wrapped(answer):
    assert score_text(LEGS, answer).value == 1


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"A": 3}', 0.5),
        ('{"A": 3, "B": 5}', 0.5),
        ('{"A": 3, "B": null}', 0.5),
        ('{"A": true, "B": [4]}', 0),
        ("{'A': 3, 'B': 4}", 0),
        ("A is 3 and B is 4", 0),
        ('{"A": 3, "B": 4', 0),
        ("{" * 50_000, 0),
        ('{"a":[' * 20_000, 0),
    ],
)
def test_partial_credit_and_none(answer, value):
    score = score_text(LEGS, answer)
    assert score.value == value
    assert score.detail


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"A": 3, "B": 4, "C": {"A": 1, "B": 2}}', 1),
        ('{"A": 1, "B": 2, "C": {"A": 3, "B": 4}}', 0),
        ('{"A": 3, "rest": [{"A": 3, "B": 4}]}', 0.5),
        ('{"x": {"A": 1, "B": 1}, "A": 3, "B": 4}', 1),
        ('{"result": {"a": 3, "b": 4, "of": {"A": 0, "B": 0}}}', 1),
    ],
)
def test_an_object_counts_rather_than_those_within_it(answer, value):
    assert score_text(LEGS, answer).value == value


def test_a_judges_grade_is_not_one_of_its_details():
    assert read_grade('{"score": 0.2, "details": {"score": 1}}').value == 0.2
    assert read_grade('{"details": {"score": 1}, "score": 0.2}').value == 0.2


def test_the_detail_names_each_wrong_field():
    assert score_text(LEGS, '{"A": 7}').detail == "A is 7, not 3; B is missing"


@pytest.mark.parametrize(
    ("expected", "found", "equal"),
    [
        (3, '"3"', False),
        ("3", "3", True),
        (1000, '"1,000"', False),
        ("007", "7", False),
        (10**17, str(10**17 + 1), False),
        (1e17, str(10**17 + 1), True),
        (3, str(10**400), False),
        (0.3, "0.30000000000000004", True),
        ("Berlin", '" berlin "', True),
        ("2026-02-21", '"2026-02-21"', True),
        (True, "true", True),
        (True, '"True"', False),
        (True, "1", False),
        (1, "true", False),
        (None, "null", True),
        (None, '"null"', False),
        (0, "null", False),
        ("a", '"b"', False),
        (3, "1e999", False),
    ],
)
def test_which_values_are_equal(expected, found, equal):
    assert score_text(JsonFields(fields={"x": expected}), f'{{"x": {found}}}').value == float(equal)


@pytest.mark.parametrize(
    ("expected", "found", "equal"),
    [
        (3, "3", True),
        (3, " 3.0 ", True),
        (1000, "1,000", True),
        (-2.5, "-2.5", True),
        (1500, "1.5e3", True),
        (15, "1,5", False),
        (7, "007", False),
        (1000, "1000,", False),
        (3, "three", False),
        (3, "", False),
    ],
)
def test_a_text_stands_for_a_number_only_where_asked(expected, found, equal):
    text = json.dumps({"x": found})
    assert score_text(JsonFields(fields={"x": expected}, quoted_numbers=True), text).value == float(equal)
    assert score_text(JsonFields(fields={"x": expected}), text).value == 0


@pytest.mark.parametrize(("around", "score"), [(10, 1.0), (30, 0.0)])
def test_an_object_is_looked_for_until_too_much_was_read_in_vain(around: int, score: float) -> None:
    text = '{"b": [' * around + "1, " * 33_000 + '{"a": 2}'
    assert score_text(JsonFields(fields={"a": 2}), text).value == score
