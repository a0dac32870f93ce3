"""Texts that are made to be slow or odd: each is scored, no time grows with the square of the length, nothing raises.

The longest text is read to 200,000 characters, which takes under a second of CPU time on two slow cores; where the time
grows with the square, as it does in a pattern that goes back, it takes minutes. The limit lies between, far from both,
so that no slow machine meets it. A plain run takes a 512th of the length, and notices only what is worse.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Exact, JsonFields, Keywords, Letter, Number, PythonCode, TokenF1, YesNo
from pytest_swarm.scoring.answer_text import MAX_ANSWER_CHARS
from pytest_swarm.scoring.guess_expectation import guess_expectation
from pytest_swarm.scoring.scorers import score_text
from tests.tries import THOROUGH, tries

PIECES = json.loads((Path(__file__).parents[1] / "data" / "hostile_pieces.json").read_text(encoding="utf-8"))
"""What the patterns of the scorers look for, or its beginning: to be repeated, and to be joined in any order."""
KINDS = (
    Number(value=25),
    YesNo(value=True),
    Letter(value="A", choices=4),
    Exact(text="x"),
    Exact(text="a, b"),
    JsonFields(fields={"a": 2}),
    PythonCode(entry_point="g"),
    Keywords(words=("absent",)),
    TokenF1(answers=("x",)),
)
SHARE = 1 if THOROUGH else 512
LIMIT_S = 10.0


@pytest.mark.thorough
@pytest.mark.parametrize("piece", PIECES["repeated"])
def test_a_hostile_text_is_scored_in_linear_time(piece: str) -> None:
    text = (piece * MAX_ANSWER_CHARS)[: MAX_ANSWER_CHARS // SHARE]
    for expected in KINDS:
        began_s = time.process_time()
        score_text(expected, text)
        assert time.process_time() - began_s < LIMIT_S, expected.kind


@settings(max_examples=tries(2000))
@given(st.lists(st.sampled_from(PIECES["joined"]), max_size=10).map(" ".join))
@example("He has apples (5 of them).")
@example("3/0")
@example('{"score": NaN, "total": 1e999}')
def test_every_text_is_scored_and_guessed_from_without_an_error(text: str) -> None:
    for expected in (*KINDS, Exact(text="Paris"), JsonFields(fields={"answer": 5})):
        score_text(expected, text)
    guess_expectation(text)
