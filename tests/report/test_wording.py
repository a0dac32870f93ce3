"""How figures are written, and how foreign text is made harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.errors import printable
from pytest_swarm.report.wording import (
    gigabytes,
    joined,
    milliseconds,
    number,
    one_line,
    part_of,
    percent,
    points,
    seconds,
    short_texts,
    signed_points,
    significant,
    whole_line,
)
from pytest_swarm.units import plural

ANY_TEXT = st.text(st.characters(), max_size=60)  # surrogates and control characters included


@pytest.mark.parametrize("write", [percent, seconds, milliseconds, gigabytes, number, significant])
def test_not_measured_is_a_dash_and_never_zero(write: object) -> None:
    assert callable(write)
    assert write(None) == "-"
    assert write(0.0).startswith("0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.7407), "74 %"),
        (percent(0.7407, digits=1), "74.1 %"),
        (percent(-1.5e24, digits=1), "below -1,000 %"),
        (seconds(9.94), "9.9 s"),
        (seconds(599.9), "599.9 s"),
        (seconds(600.0), "10 min 0 s"),
        (seconds(0.456), "0.46 s"),
        (seconds(725.0), "12 min 5 s"),
        (seconds(7199.9), "119 min 59 s"),
        (seconds(23176.0), "6 h 26 min"),
        (milliseconds(0.38), "0.38 ms"),
        (milliseconds(2.85), "2.9 ms"),
        (milliseconds(812.4), "812 ms"),
        (milliseconds(1800.0), "1.8 s"),
        (gigabytes(12.5), "12.5 GB"),
        (significant(0.00123), "0.00123"),
        (significant(1496.2), "1,496"),
        (significant(0.871667), "0.872"),
        (points(-0.111), "11.1 points"),
        (points(0.01), "1.0 point"),
        (signed_points(0.111), "+11.1"),
        (signed_points(-0.00001), "0.0"),
        (plural(1, "job"), "1 job"),
        (plural(1200, "job"), "1,200 jobs"),
        (joined(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_written(text: str, expected: str) -> None:
    assert text == expected


@given(ANY_TEXT)
def test_a_line_is_one_line_that_can_be_encoded_and_has_no_control_character(text: str) -> None:
    line = one_line(text)
    line.encode("utf-8")
    assert len(line) <= 200
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in line)


@given(ANY_TEXT)
def test_printable_keeps_lines_and_changes_nothing_that_is_safe(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert shown.count("\n") == text.count("\n")
    assert printable(shown) == shown


def test_a_part_of_a_total_reads_as_a_sentence_for_every_number() -> None:
    assert [part_of(*each, "job") for each in ((1, 1), (3, 3), (1, 3), (0, 1), (0, 2))] == [
        "the only job",
        "each of 3 jobs",
        "1 of 3 jobs",
        "0 of 1 job",
        "0 of 2 jobs",
    ]


@pytest.mark.parametrize("limit", [8, 13, 24])
def test_short_texts_keep_apart_what_differs(limit: int) -> None:
    texts = [
        f"single:registry/{name}:7b (horizon {n})" for name in ("qwen2.5-coder", "qwen2.5-instruct") for n in (0, 1)
    ]
    cut = short_texts(["lp", *texts], limit)
    assert cut["lp"] == "lp"
    assert len(set(cut.values())) == 5
    assert short_texts(["a" * 40], limit)["a" * 40] == "a" * ((limit - 2) // 2) + ".." + "a" * (
        limit - 2 - (limit - 2) // 2
    )


def test_a_whole_line_is_never_cut_and_brings_no_control_codes() -> None:
    assert whole_line("one\ntwo " + "x" * 5000) == "one two " + "x" * 5000
    assert whole_line("a\x1b[1m") == "a\\u001b[1m"
