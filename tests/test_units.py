"""Units: sizes and durations as users write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.errors import OptionError
from pytest_swarm.units import (
    bytes_to_gb,
    format_duration,
    format_gb,
    format_gb_apart,
    on_tick,
    parse_duration_s,
    parse_size_gb,
    signed_percent,
)


@pytest.mark.parametrize(
    ("text", "size_gb"),
    [
        ("8", 8),
        ("8GB", 8),
        (" 7.5 g ", 7.5),
        ("1GiB", 1.073741824),
        ("500MB", 0.5),
        ("2m", 0.002),
        ("1MiB", 0.001048576),
    ],
)
def test_a_size(text: str, size_gb: float) -> None:
    assert parse_size_gb(text, what="--x") == pytest.approx(size_gb, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "duration_s"), [("90", 90), ("120s", 120), ("500ms", 0.5), ("2m", 120), ("1.5 h", 5400), ("30min", 1800)]
)
def test_a_duration(text: str, duration_s: float) -> None:
    assert parse_duration_s(text, what="--x") == pytest.approx(duration_s, rel=1e-12)


@pytest.mark.parametrize("text", ["", "0", "-1", "8 TB", "nan", "1e3"])
def test_what_is_not_a_unit_names_the_option(text: str) -> None:
    with pytest.raises(OptionError, match=r"--x: .* is not a size; write for example 8GB"):
        parse_size_gb(text, what="--x")
    with pytest.raises(OptionError, match=r"--y: .* is not a duration; write for example 120s"):
        parse_duration_s(text, what="--y")


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.123, 0, "+12 %"),
        (-0.0004, 1, "+0.0 %"),
        (-1.5, 1, "-150.0 %"),
        (10.0, 0, "+1,000 %"),
        (1.5e26, 0, "over +1,000 %"),
        (-1.5e26, 1, "below -1,000 %"),
    ],
)
def test_a_change_against_next_to_nothing_is_told_in_words(share: float, digits: int, text: str) -> None:
    assert signed_percent(share, digits) == text


def test_sizes_are_shown_in_gb() -> None:
    assert [format_gb(size) for size in (8, 6.5, 0.1234, 10)] == ["8GB", "6.5GB", "0.123GB", "10GB"]
    assert format_gb(7.5 * 2**30 / 1e9, 9) == "8.05306368GB"


@pytest.mark.parametrize(
    ("sizes_gb", "texts"),
    [
        ((8, 12.5), ("8GB", "12.5GB")),
        ((3.4, 3.399998), ("3.4GB", "3.399998GB")),
        ((3.4, 3.399999999), ("3.4GB", "3.399999999GB")),
        ((3.4, 3.4), ("3.4GB", "3.4GB")),
    ],
)
def test_sizes_that_are_compared_are_told_apart(sizes_gb: tuple[float, float], texts: tuple[str, str]) -> None:
    assert format_gb_apart(*sizes_gb) == texts
    assert bytes_to_gb(2_500_000_000) == 2.5


@given(st.integers(0, 10**9))
def test_a_whole_tick_stays_and_anything_after_it_is_the_next(ticks: int) -> None:
    tick_s = 2**-20
    assert on_tick(ticks * tick_s) == ticks * tick_s
    assert on_tick((ticks + 0.25) * tick_s) == (ticks + 1) * tick_s


@pytest.mark.parametrize(
    ("duration_s", "text"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5340, "89 min"), (7200, "2.0 h")]
)
def test_a_duration_is_told_in_the_unit_that_fits(duration_s: float, text: str) -> None:
    assert format_duration(duration_s) == text
