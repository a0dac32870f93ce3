"""Composed texts: the real scorers give them the score that was intended."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import (
    CodeCase,
    Custom,
    Exact,
    Expectation,
    JsonFields,
    Judge,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    YesNo,
)
from pytest_swarm.scoring.code import score_code_by_running
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.answer_texts import compose, parts
from pytest_swarm.simulator.models.regex_texts import matching_text
from tests.tries import tries

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)) | WORDS
)
NUMBERS = st.integers(-(10**9), 10**9).map(float) | st.floats(-1e6, 1e6).map(lambda x: round(x, 4))
BINARY = st.one_of(
    NUMBERS.map(lambda value: Number(value=value)),
    st.booleans().map(lambda value: YesNo(value=value)),
    WORDS.map(lambda text: Exact(text=text)),
    WORDS.map(lambda text: Exact(text=text, strict=True)),
    st.tuples(st.sampled_from("ABCD"), st.integers(4, 26)).map(lambda each: Letter(value=each[0], choices=each[1])),
    st.sampled_from([r"\d{4}-\d{2}-\d{2}", r"^total: \d+$", r"(cat|dog)s?", r"[^a-z]{3}x", r"#[0-9a-f]{6}\b"]).map(
        lambda pattern: Regex(pattern=pattern)
    ),
    WORDS.filter(str.isidentifier).map(
        lambda name: PythonCode(entry_point=f"f_{name}", cases=(CodeCase(args=(1,), returns=2),))
    ),
)
IN_PARTS = st.one_of(
    st.dictionaries(WORDS, SCALARS, min_size=1, max_size=5).map(lambda fields: JsonFields(fields=fields)),
    st.lists(WORDS, min_size=1, max_size=5, unique=True).map(lambda words: Keywords(words=tuple(words))),
)


@settings(max_examples=tries(200), deadline=None)
@given(st.one_of(BINARY, IN_PARTS), st.integers(0, 10**6))
def test_a_right_answer_scores_one_and_a_wrong_one_nothing(expected: Expectation, seed: int) -> None:
    assert score_text(expected, compose(expected, 1.0, Random(seed))).value == 1.0
    assert score_text(expected, compose(expected, 0.0, Random(seed))).value == 0.0


@settings(max_examples=tries(150), deadline=None)
@given(IN_PARTS, st.floats(0, 1), st.integers(0, 10**6))
def test_a_partly_right_answer_scores_within_half_a_part_of_the_target(
    expected: Expectation, target: float, seed: int
) -> None:
    score = score_text(expected, compose(expected, target, Random(seed))).value
    assert score is not None
    assert abs(score - target) <= 0.5 / parts(expected) + 1e-9


def test_a_word_within_another_costs_no_more_than_it_must() -> None:
    expected = Keywords(words=("machine learning", "learning", "gpu"))
    scores = {score_text(expected, compose(expected, 1 / 3, Random(seed))).value for seed in range(20)}
    assert scores <= {1 / 3, 2 / 3}


@pytest.mark.parametrize(
    "expected",
    [
        PythonCode(entry_point="hyp_sq", cases=(CodeCase(args=(3, 4), returns=25),)),
        PythonCode(entry_point="fib", cases=(CodeCase(args=(10,), returns=55), CodeCase(args=(0,), returns=0))),
        PythonCode(entry_point="fib", cases=(CodeCase(args=(10,), returns=89),)),
        PythonCode(
            entry_point="is_palindrome",
            cases=(CodeCase(args=("otto",), returns=True), CodeCase(args=("ab",), returns=False)),
        ),
        PythonCode(entry_point="first", cases=(CodeCase(args=([1, None], {"a": 2.5}), returns=[{"b": "\n'"}]),)),
    ],
    ids=lambda expected: f"{expected.entry_point}-{len(expected.cases)}",
)
def test_code_is_right_or_wrong_for_the_parser_and_for_the_sandbox_alike(expected: PythonCode) -> None:
    for target in (1.0, 0.0):
        text = compose(expected, target, Random(5))
        assert score_text(expected, text).value == target
        assert score_code_by_running(expected, text).value == target


def test_every_way_of_breaking_code_is_wrong() -> None:
    expected = PythonCode(entry_point="fib", cases=(CodeCase(args=(10,), returns=55),))
    assert "previous, current = 0, 1" in compose(expected, 1.0, Random(1))
    texts = {compose(expected, 0.0, Random(seed)) for seed in range(40)}
    assert len(texts) > 4
    assert {score_text(expected, text).value for text in texts} == {0.0}


@pytest.mark.parametrize("expected", [None, Judge(rubric="is it kind?"), Custom(name="mine")])
def test_what_nothing_scores_gets_some_prose(expected: Expectation | None) -> None:
    assert compose(expected, 1.0, Random(1)).strip()


def test_a_custom_scorer_is_met_where_some_text_of_ours_meets_it() -> None:
    expected = Custom(name="never", function=lambda text: 0.0 if text else 1.0)
    assert score_text(expected, compose(expected, 1.0, Random(1))).value == 0.0


@settings(max_examples=tries(100), deadline=None)
@given(
    st.lists(
        st.sampled_from([r"\d", r"\w+", "[a-c]", "[^x]", "[^Z-a]", "(?:ab|c)", "z?", ".", r"\s", "q{2,3}", r"\D"])
    ),
    st.integers(0, 10**6),
)
def test_a_text_for_a_pattern_matches_it(pieces: list[str], seed: int) -> None:
    assume(pieces)
    pattern = "".join(pieces)
    assert re.search(pattern, matching_text(pattern, Random(seed)))
