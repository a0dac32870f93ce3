"""Bounds and tables of the scorers: what is just inside them, and what is just outside."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from pytest_swarm.domain.expectation import Number, YesNo
from pytest_swarm.scoring.code_statements import MAX_CODE_CHARS, helpers, parsed
from pytest_swarm.scoring.equality import same_number
from pytest_swarm.scoring.numbers import score_number
from pytest_swarm.scoring.quantities import quantities_in
from pytest_swarm.scoring.sandbox import system_calls
from pytest_swarm.scoring.yes_no import score_yes_no


@pytest.mark.parametrize(("word", "said"), [("yes", True), (" TRUE ", True), ("no", False), ("False", False)])
def test_a_truth_value_of_a_field_may_be_a_word(word: str, said: bool) -> None:
    answer = f'{{"is_spam": "{word}", "topic": "mail"}}'
    assert [score_yes_no(YesNo(value=value), answer).value for value in (said, not said)] == [1, 0]


def test_code_of_fifty_thousand_characters_is_read_and_longer_code_is_not() -> None:
    longest = "x = 1 #".ljust(50_000, "#")
    assert not isinstance(parsed(longest), str)
    assert parsed(f"{longest}#") == f"the code is longer than {MAX_CODE_CHARS} characters"


def test_helpers_are_taken_from_the_very_next_block_too() -> None:
    before, after = "def a():\n    pass", "def b():\n    return a()"
    assert helpers([before, "def f(): return b()", after, "def f(): return 0"], 1, "f") == [before, after]


@pytest.mark.parametrize(("other", "same"), [(1 + 0.9e-9, True), (1 + 1.1e-9, False), (1 - 1.1e-9, False)])
def test_numbers_are_the_same_within_a_billionth(other: float, same: bool) -> None:
    assert same_number(1.0, other) is same


@pytest.mark.parametrize(
    ("text", "values"),
    [("2 h 59 min", [(2 + 59 / 60, 179)]), ("2 h 60 min", [(2,), (60,)]), ("2 h -1 min", [(2,), (-1,)])],
)
def test_a_part_is_below_its_whole_and_not_below_0(text: str, values: list[tuple[float, ...]]) -> None:
    assert [number.values for number in quantities_in(text)] == values


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_the_arguments_that_the_filter_allows_are_those_of_the_system() -> None:
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    own = (fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC)
    assert own == system_calls._FCNTL
    own = (termios.TCGETS, termios.TIOCGWINSZ, termios.FIONREAD, termios.FIONCLEX, termios.FIOCLEX)
    assert own == system_calls._IOCTL


@pytest.mark.parametrize("sign", "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒")
def test_a_fraction_in_one_sign_is_its_number(sign: str) -> None:
    value = unicodedata.numeric(sign)
    for text in (sign, f"The answer is {sign}.", f"It takes {sign} cup of sugar."):
        assert score_number(Number(value=value), text).value == 1
    assert score_number(Number(value=2 + value), f"The answer is 2 {sign} cups.").value == 1
    assert score_number(Number(value=2 + unicodedata.numeric(sign)), f"It takes 2{sign} cups.").value == 1
