"""Numbers as models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.numbers import last_number
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("25", 25),
        ("25.", 25),
        ("**25**", 25),
        ("The result is 25.\n", 25),
        ("3^2 + 4^2 = 9 + 16 = 25", 25),
        (r"so $\boxed{25}$", 25),
        (r"\boxed{25} because 3 and 4 were given", 25),
        (r"\boxed{\frac{3}{4}}", 0.75),
        (r"\dfrac{-1}{2}", -0.5),
        ("A squared is 9.\nAnswer: -5", -5),
        ("it is \u22125", -5),
        ("10-5", 5),
        ("x = +7", 7),
        ("1,234,567", 1234567),
        ("1_000", 1000),
        ("costs $1,234.50.", 1234.5),
        ("1.5e3", 1500),
        ("6.02 x 10^23", 6.02e23),
        (r"2.5 \times 10^{-3}", 0.0025),
        ("3/4", 0.75),
        ("an area of 25 cm^2", 25),
        ("25 cm\u00b2", 25),
        ("25kg", 25),
        ("0.5", 0.5),
        (".5", 0.5),
        ("```\n25\n```", 25),
        ("25 (step s1, H2O)", 25),
        ("the sum of 9, 16", 16),
    ],
)
def test_the_last_number_is_read(answer, value):
    assert last_number(answer)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    "answer", ["", "no idea", "step s1 of H2O", "twenty-four", "1/0", "NaN", "inf", "It is done (in 3 steps)"]
)
def test_no_number_scores_0(answer):
    assert score_text(Number(value=25), answer).value == 0


@pytest.mark.parametrize("value", [25, 0.25])
def test_a_percentage_may_stand_for_its_share(value):
    assert score_text(Number(value=value), "about 25 %").value == 1


def test_tolerance_is_absolute_and_inclusive():
    close = Number(value=3.14, tolerance=0.01)
    assert score_text(close, "pi is 3.1416").value == 1
    assert score_text(close, "pi is 3.2").value == 0
    assert score_text(close, "pi is 3.2").detail == "the last number is 3.2, not 3.14"


@pytest.mark.parametrize(
    "answer", ["9" * 100_000, "1," * 50_000, "1.5e3/" * 20_000, "-" * 100_000, r"\boxed{" * 20_000]
)
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
