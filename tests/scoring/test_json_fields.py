"""JSON answers: which object counts, which values are equal, what each field is worth."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import JsonFields
from pytest_swarm.scoring.judge import read_grade
from pytest_swarm.scoring.scorers import score_text

LEGS = JsonFields(fields={"A": 3, "B": 4})


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


@pytest.mark.parametrize(("around", "score"), [(10, 1.0), (30, 0.0)])
def test_an_object_is_looked_for_until_too_much_was_read_in_vain(around: int, score: float) -> None:
    text = '{"b": [' * around + "1, " * 33_000 + '{"a": 2}'
    assert score_text(JsonFields(fields={"a": 2}), text).value == score
