"""Which scorer reads what, and when a task stays unscored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import (
    CodeCase,
    Custom,
    Exact,
    JsonFields,
    Judge,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    TokenF1,
    YesNo,
)
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import CallTimeoutError, ScoringError
from pytest_swarm.scoring.judge import Grade, read_grade
from pytest_swarm.scoring.scorers import Scorers, score_text
from pytest_swarm.scoring.verdict import Score

EVERY_KIND = (
    JsonFields(fields={"a": 1}),
    Number(value=1),
    YesNo(value=True),
    Letter(value="A"),
    Keywords(words=("a",)),
    Exact(text="a"),
    Regex(pattern="a"),
    PythonCode(entry_point="a", cases=(CodeCase(args=(), returns=1),)),
    TokenF1(answers=("a",)),
)


class Grader:
    """A judge that gives what it was told, or fails."""

    def __init__(self, grade: float | Grade | Exception | None) -> None:
        self.answer = grade
        self.asked: list[tuple[str, str, str]] = []

    async def grade(self, rubric: str, prompt: str, answer: str) -> float | Grade | None:
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


@pytest.mark.parametrize("answer", [" ", "", "<think>a poem</think>", "<think>a poem"])
@pytest.mark.parametrize("judge", [Grader(1.0), None])
def test_an_empty_answer_scores_0_and_is_not_shown_to_the_judge(answer, judge):
    assert judged(judge, answer) == Score(value=0.0, detail="the answer is empty")
    assert judge is None or judge.asked == []


def test_the_judge_does_not_see_the_thinking():
    grader = Grader(1.0)
    judged(grader, "<think>hm</think>a poem")
    assert grader.asked == [("rhymes", "the prompt", "a poem")]


def test_the_judges_reply_comes_with_the_score():
    good = Grader(Grade(value=0.5, reply='{"score": 0.5, "why": "it rhymes"}'))
    assert judged(good) == Score(value=0.5, judge_reply='{"score": 0.5, "why": "it rhymes"}')
    bad = judged(Grader(Grade(value=None, reply="I like it")))
    assert (bad.value, bad.judge_reply) == (None, "I like it")
    assert "no grade from 0 to 1: 'I like it'" in bad.detail


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ('{"score": 0.5}', 0.5),
        ('{"score": "0.5"}', 0.5),
        ('{"score": 1}', 1),
        ('```json\n{"score": 0.25, "reason": "short"}\n```', 0.25),
        ('<think>{"score": 0}</think>{"score": 0.75}', 0.75),
        ('thinking {"score": 0}</think>\n{"score": 0.75}', 0.75),
        ('Such as {"score": 0.5}. My grade: {"score": 0.9}', 0.9),
        ("0.5", 0.5),
        ('"0.5"', 0.5),
        ('{"score": 7}', None),
        ('{"score": "high"}', None),
        ('{"score": true}', None),
        ('{"score": null}', None),
        ('{"grade": 0.5}', None),
        ("0.5 I would say", None),
        ("", None),
        ("{" * 1000, None),
    ],
)
def test_a_grade_is_read_from_the_reply(reply, grade):
    assert read_grade(reply) == Grade(value=grade, reply=reply)


@pytest.mark.parametrize("outcome", [pytest.skip.Exception, pytest.fail.Exception, KeyboardInterrupt])
def test_an_outcome_of_pytest_in_a_custom_function_stays_that_outcome(outcome):
    def scorer(_: str) -> float:
        raise outcome("no reference at hand")

    with pytest.raises(outcome, match="no reference at hand"):
        asyncio.run(Scorers().score(task(Custom(name="mine", function=scorer)), "x"))


def test_a_custom_function_scores_the_readable_text():
    assert score_text(Custom(name="len", function=lambda text: len(text) / 10), "<think>..</think>12345").value == 0.5
    assert score_text(Custom(name="none", function=lambda _: None), "x").value is None
    assert score_text(Custom(name="lost"), "x").value is None


def test_an_answer_that_was_scored_before_is_held_against_what_is_expected_now():
    answer = '{"paid": true}'
    assert [score_text(JsonFields(fields={"paid": value}), answer).value for value in (True, 1, True)] == [1, 0, 1]
    assert [score_text(Number(value=value), "It is 1.").value for value in (1, 2, 1)] == [1, 0, 1]


@pytest.mark.parametrize("value", [True, 1, 0.25, np.float32(0.25), np.float64(1), np.int64(0), Fraction(1, 4)])
def test_a_custom_function_may_give_a_number_of_any_kind(value):
    score = score_text(Custom(name="mine", function=lambda _: value), "x").value
    assert (type(score), score) == (float, float(value))


class WordlessError(Exception):
    """An error whose text fails."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Uncomparable(float):
    """A number of a class of the user's that fails when it is compared."""

    def __lt__(self, other: object) -> bool:
        raise WordlessError


def raising(error: BaseException) -> Callable[[str], float]:
    """Return a scorer that raises the error."""

    def scorer(_: str) -> float:
        raise error

    return scorer


def test_a_custom_function_is_asked_each_time():
    scores = iter((0.25, 0.75))
    expected = Custom(name="mine", function=lambda _: next(scores))
    assert [score_text(expected, "the same text").value for _ in range(2)] == [0.25, 0.75]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda _: 1 / 0, "task 't': custom scorer 'mine' failed: ZeroDivisionError: division by zero"),
        (lambda _: 2, "task 't': custom scorer 'mine' gave 2, but must give a number from 0 to 1, or None"),
        (lambda _: "1", "task 't': custom scorer 'mine' gave '1', but must give a number from 0 to 1, or None"),
        (
            lambda _: object(),
            "task 't': custom scorer 'mine' gave an object of type object, but must give a number from 0 to 1, or None",
        ),
        (
            lambda _: 10**5000,
            "task 't': custom scorer 'mine' gave an object of type int, but must give a number from 0 to 1, or None",
        ),
        (
            asyncio.sleep,
            "task 't': custom scorer 'mine' gave a coroutine (it must be a function that is not async), "
            "but must give a number from 0 to 1, or None",
        ),
        (raising(SystemExit(3)), "task 't': custom scorer 'mine' failed: SystemExit: 3"),
        (raising(GeneratorExit()), "task 't': custom scorer 'mine' failed: GeneratorExit: "),
        (raising(asyncio.CancelledError()), "task 't': custom scorer 'mine' failed: CancelledError: "),
        (raising(WordlessError()), "task 't': custom scorer 'mine' failed: WordlessError"),
        (lambda _: Uncomparable(), "task 't': custom scorer 'mine' failed: WordlessError"),
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
