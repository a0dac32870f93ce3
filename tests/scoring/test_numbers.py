"""Numbers as models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.scorers import score_text


def test_tolerance_is_absolute_and_inclusive():
    close = Number(value=3.14, tolerance=0.01)
    assert score_text(close, "pi is 3.1416").value == 1
    assert score_text(close, "pi is 3.2").value == 0
    assert score_text(close, "pi is 3.2").detail == "the last number is 3.2, not 3.14"


@pytest.mark.parametrize("answer", ["9" * 40_000, "1," * 20_000, "1.5e3/" * 8_000, "-" * 40_000, r"\boxed{" * 8_000])
def test_hostile_answers_neither_hang_nor_raise(answer):
    assert score_text(Number(value=25), answer).value == 0


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(["{}", "It is {}.", "**{}**", r"\boxed{{{}}}", "= {}\n", "{:,}", "after 7, it is {}"]),
)
def test_any_whole_number_is_found(value, form):
    assert score_text(Number(value=value), form.format(value)).value == 1


@given(st.text(max_size=200))
def test_any_text_gets_a_score(text):
    assert score_text(Number(value=25), text).value in (0, 1)
