"""Labeled answers: rows that people would call right or wrong, and how far the scorers agree with them."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.labeled_answers import (
    LabeledAnswer,
    ScoredAnswer,
    agreement_by_kind,
    read_labeled_answers,
    score_labeled_answers,
)
from tests.tries import THOROUGH

OWN = Path(__file__).parents[1] / "data" / "labeled_answers.jsonl"
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "answers" / "dev.jsonl"
KINDS = ("number", "yes_no", "letter", "exact", "json", "code")


once = cache(read_labeled_answers)


def rows(path: Path, kind: str) -> list[LabeledAnswer]:
    return [answer for answer in once(path) if answer.expected.kind == kind]


def different(scored: tuple[ScoredAnswer, ...]) -> list[tuple[int, str, str | None]]:
    return [(each.answer.line, each.answer.text, each.score.read) for each in scored if each.agrees is not True]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [*KINDS, "keywords"])
def test_every_row_of_ours_is_scored_as_a_person_would(kind: str) -> None:
    """A plain run takes every sixth row of code, each of which is run in a sandbox of its own."""
    step = 6 if kind == "code" and not THOROUGH else 1
    assert different(score_labeled_answers(rows(OWN, kind)[::step], run_code=True)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_of_ours_are_many_right_and_wrong_ones(kind: str) -> None:
    labels = Counter(answer.right for answer in rows(OWN, kind))
    assert labels.total() >= 60
    assert min(labels[True], labels[False]) >= 20


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the answers of real models are not there")
@pytest.mark.parametrize("kind", KINDS[:4])
def test_the_scorers_agree_with_published_labels(kind: str) -> None:
    (agreement,) = agreement_by_kind(score_labeled_answers(rows(PUBLISHED, kind)))
    assert agreement.labeled == agreement.rows >= 100
    assert agreement.agreement is not None
    assert agreement.agreement >= 0.995


def labeled(folder: Path, *lines: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_rows_say_what_their_kind_needs(tmp_path: Path) -> None:
    path = labeled(
        tmp_path,
        {"kind": "number", "expected": 3, "text": "3.1", "tolerance": 0.2},
        {"kind": "letter", "expected": "E", "text": "E", "choices": 4},
    )
    with pytest.raises(ScoringError, match=r"rows.jsonl, line 2: expected letter: 'E' is none of the choices A to D"):
        read_labeled_answers(path)
    (number,) = read_labeled_answers(labeled(tmp_path, json.loads(path.read_text().splitlines()[0])))
    assert [each.score.value for each in score_labeled_answers([number])] == [1]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("{", "line 1: "),
        ({"kind": "number", "text": "3"}, "line 1: 'expected' is missing"),
        ({"kind": "number", "expected": "three", "text": "3"}, "line 1: 'expected' must be a number"),
        ({"kind": "json", "expected": 3, "text": "3"}, "line 1, 'expected': must be a table"),
        (
            {"kind": "number", "expected": 3, "text": "3", "tolerence": 1},
            "unknown field 'tolerence'; did you mean 'tol",
        ),
        ({"kind": "number", "expected": 3, "text": "3", "Right": True}, "unknown field 'Right'; did you mean 'right'?"),
        ({"kind": "poem", "expected": 1, "text": "3"}, "kind is 'poem', but labeled answers are of kind json, number"),
        ({"kind": "number", "expected": 3}, "line 1: 'text' is missing"),
        ({"kind": "number", "expected": 3, "text": "3", "right": "yes"}, "'right' must be true or false"),
        ({"kind": "exact", "expected": "", "text": "3"}, "line 1: expected exact: the text is empty"),
        ("", "holds no rows"),
    ],
)
def test_a_broken_row_is_named(row: object, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ScoringError) as raised:
        read_labeled_answers(labeled(tmp_path, row))
    assert sentence in str(raised.value)


def test_agreement_counts_scores_and_labels(tmp_path: Path) -> None:
    path = labeled(
        tmp_path,
        {"kind": "number", "expected": 3, "text": "3", "right": True},
        {"kind": "number", "expected": 3, "text": "4", "right": True},
        {"kind": "number", "expected": 3, "text": "5"},
        {"kind": "code", "expected": "f", "text": "def f(): pass", "right": False},
    )
    number, code = agreement_by_kind(score_labeled_answers(read_labeled_answers(path)))
    assert (number.rows, number.full, number.unscored, number.labeled, number.agreed) == (3, 1, 0, 2, 1)
    assert number.agreement == 0.5
    assert (code.rows, code.full, code.unscored, code.agreement) == (1, 0, 1, None)
