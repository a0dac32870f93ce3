"""Which scorer reads what, and when a task stays unscored."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Custom, Exact, JsonFields, Judge, Keywords, Number, PythonCode, Regex, YesNo
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import CallTimeoutError, ScoringError
from pytest_swarm.scoring.score import Score, Scorers, score_text

EVERY_KIND = (
    JsonFields(fields={"a": 1}),
    Number(value=1),
    YesNo(value=True),
    Keywords(words=("a",)),
    Exact(text="a"),
    Regex(pattern="a"),
    PythonCode(entry_point="a"),
)


class Grader:
    """A judge that gives what it was told, or fails."""

    def __init__(self, grade: float | Exception | None) -> None:
        self.answer = grade
        self.asked: list[tuple[str, str, str]] = []

    async def grade(self, rubric: str, prompt: str, answer: str) -> float | None:
        self.asked.append((rubric, prompt, answer))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def task(expected) -> Task:
    return Task(id="t", type=TaskType.CREATIVE, prompt="the prompt", estimated_tokens=9, expected=expected)


def judged(judge: Grader | None, answer: str = "a poem") -> Score:
    return asyncio.run(Scorers(judge=judge).score(task(Judge(rubric="rhymes")), answer))


@pytest.mark.parametrize("expected", EVERY_KIND, ids=lambda each: each.kind)
@pytest.mark.parametrize("answer", ["", "  \n", "<think>a</think>"])
def test_an_empty_answer_scores_0(expected, answer):
    assert score_text(expected, answer) == Score(value=0.0, detail="the answer is empty")


@given(st.sampled_from(EVERY_KIND), st.text(max_size=300))
def test_any_answer_gets_a_score_and_nothing_raises(expected, answer):
    assert 0 <= score_text(expected, answer).value <= 1


def test_nothing_expected_is_unscored():
    assert score_text(None, "anything").value is None
    assert asyncio.run(Scorers().score(task(None), "anything")).value is None


def test_a_judge_grades():
    grader = Grader(0.75)
    assert judged(grader) == Score(value=0.75)
    assert grader.asked == [("rhymes", "the prompt", "a poem")]


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (None, "none was named"),
        (Grader(None), "no grade"),
        (Grader(1.5), "no grade"),
        (Grader(float("nan")), "no grade"),
        (Grader(CallTimeoutError("no answer within 120 s")), "no answer within 120 s"),
    ],
)
def test_without_a_grade_it_is_unscored_not_0(judge, reason):
    score = judged(judge)
    assert score.value is None
    assert reason in score.detail


def test_an_empty_answer_is_not_shown_to_the_judge():
    grader = Grader(1.0)
    assert judged(grader, " ").value is None or judged(grader, " ").value == 0
    assert grader.asked == []


def test_a_custom_function_scores_the_readable_text():
    assert score_text(Custom(name="len", function=lambda text: len(text) / 10), "<think>..</think>12345").value == 0.5
    assert score_text(Custom(name="none", function=lambda _: None), "x").value is None
    assert score_text(Custom(name="lost"), "x").value is None


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda _: 1 / 0, "task 't': custom scorer 'mine' failed: ZeroDivisionError: division by zero"),
        (lambda _: 2, "task 't': custom scorer 'mine' gave 2, but must give a number from 0 to 1, or None"),
        (lambda _: "1", "task 't': custom scorer 'mine' gave '1', but must give a number from 0 to 1, or None"),
    ],
)
def test_a_custom_function_that_fails_is_named(function, sentence):
    with pytest.raises(ScoringError) as raised:
        asyncio.run(Scorers().score(task(Custom(name="mine", function=function)), "x"))
    assert str(raised.value) == sentence


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_score_outside_0_to_1_cannot_exist(value):
    with pytest.raises(ScoringError):
        Score(value=value)
