from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.simulator.server.durations import DurationError, keep_alive_s, parse_duration_s, rfc3339


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5m", 300),
        ("-1m", -60),
        ("+2s", 2),
        ("1h30m0.5s", 5400.5),
        (".5s", 0.5),
        ("100us", 1e-4),
        ("3µs", 3e-6),
        ("9223372036s", 9223372036),
        ("-2562047h47m16.854775808s", -(2**63) / 1e9),
        ("2562047h47m16.854775806s", 9223372036.854775806),
        ("2562047h47m16.854775807s", math.inf),  # the longest, which stands for no end
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "5x",
        "m",
        " 5m",
        "5m ",
        "1.2.3s",
        "1m 2s",
        "m5",
        "5m5",
        "9" * 5000 + "s",
        "2562047h47m16.854775808s",
        "-2562047h47m16.854775809s",
        "٣s",
    ],
)
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationError, match=r"^time: "):
        parse_duration_s(text)


@given(st.text(max_size=12))
def test_any_short_text_is_a_finite_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration_s(text)
    except DurationError:
        return
    assert math.isfinite(seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0.0),
        (2.5, 2.5),
        (-1, math.inf),
        (9.2e9, 9.2e9),
        (1e10, -(2**63) / 1e9),
        ("-1m", math.inf),
        ("2562047h47m16.854775807s", math.inf),
        ("9223372036s", 9223372036.0),
        ("0", 0.0),
    ],
)
def test_keep_alive(value: object, seconds: float | None) -> None:
    assert keep_alive_s(value) == seconds


@given(st.floats(0, 4e9))
def test_times_are_read_back_to_the_microsecond(wall_s: float) -> None:
    assert datetime.fromisoformat(rfc3339(wall_s)).timestamp() == pytest.approx(wall_s, abs=2e-6)
