"""Local scores: right for the inputs that the task really had."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.domain.expectation import Exact, JsonFields, Keywords, Letter, Number, PythonCode, YesNo
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.scoring.conditional_score import local_expectation, read_value
from pytest_swarm.scoring.scorers import Scorers


def task(name: str, expected, derive: str | None = None) -> Task:
    return Task(id=name, type=TaskType.MATH, prompt=name, estimated_tokens=1, expected=expected, derive=derive)


INVOICE = task("s0", JsonFields(fields={"net": 100, "city": "Oslo"}))
TOTAL = task("s1", Number(value=119), "round(s0.net * 1.19, 2)")


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        (
            JsonFields(fields={"net": 1, "city": "x"}, quoted_numbers=True),
            '```json\n{"Net": "1,200", "city": 5}\n```',
            {"net": 1200, "city": "5"},
        ),
        (JsonFields(fields={"net": 1, "ok": True}), '{"net": true, "ok": false}', {"ok": False}),
        (JsonFields(fields={"net": 1}), '{"net": "1,200"}', {}),
        (JsonFields(fields={"net": 1}), "none", {}),
        (Number(value=1), r"so \boxed{9{,}500}, not 7", 9500),
        (Letter(value="A", choices=4), "It is (c).", "C"),
        (Letter(value="A", choices=4), "A or B", None),
        (Exact(text="x"), "The answer is **IV**.", "IV"),
        (Exact(text="x", strict=True), "It is IV", "It is IV"),
        (Number(value=1), "so it is **42**.", 42),
        (Number(value=1), "none", None),
        (Number(value=0.25), "25%", 0.25),
        (Number(value=25), "25%", 25),
        (Number(value=90), "1 hour and 30 minutes", 90),
        (Number(value=7), "1 hour and 30 minutes", 1.5),
        (Exact(text="Paris"), "The capital of France is Paris.", "Paris"),
        (Exact(text="Paris", strict=True), "PARIS", "PARIS"),
        (YesNo(value=True), "No, it is not.", False),
        (YesNo(value=True), "maybe", None),
        (Exact(text="x"), "```\nIV\n```", "IV"),
        (Exact(text="x"), "x" * 501, None),
        (Keywords(words=("x",)), "x", None),
        (PythonCode(entry_point="f"), "def f(): pass", None),
        (None, "x", None),
    ],
)
def test_which_value_an_answer_hands_on(expected, answer, value):
    assert read_value(expected, answer) == value


def test_a_right_parent_gives_the_reference():
    assert local_expectation(TOTAL, [(INVOICE, '{"net": 100, "city": "Oslo"}')]) == TOTAL.expected


def test_a_right_parent_in_other_words_gives_the_reference():
    rate = task("s0", Number(value=0.25))
    share = task("s1", Number(value=50), "s0 * 200")
    assert local_expectation(share, [(rate, "It is 25%.")]) == share.expected


def test_a_wrong_parent_moves_what_is_right():
    given = [(INVOICE, '{"net": 200, "city": "Oslo"}')]
    scorers = Scorers()
    assert asyncio.run(scorers.local_score(TOTAL, "It is 238.", given)).value == 1
    assert asyncio.run(scorers.score(TOTAL, "It is 238.")).value == 0
    assert asyncio.run(scorers.local_score(TOTAL, "It is 119.", given)).value == 0


@pytest.mark.parametrize("answer", ["", "no idea", '{"city": "Oslo"}', '{"net": "much"}'])
def test_a_parent_that_gives_nothing_leaves_the_task_unscored(answer):
    score = asyncio.run(Scorers().local_score(TOTAL, "119", [(INVOICE, answer)]))
    assert score.value is None
    assert score.detail == "the parents' answers cannot be used"


def test_a_task_whose_inputs_do_not_matter_keeps_its_reference():
    free = task("s1", Number(value=119), "expected")
    assert local_expectation(free, [(INVOICE, "nonsense")]) == free.expected


def test_a_task_that_derives_nothing_has_its_plain_score():
    plain = task("s1", Number(value=119))
    assert asyncio.run(Scorers().local_score(plain, "119", [(INVOICE, "nonsense")])).value == 1
    assert asyncio.run(Scorers().local_score(task("s2", None), "x", [])).value is None
