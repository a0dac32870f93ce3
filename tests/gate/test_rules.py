from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.errors import OptionError
from pytest_swarm.gate.rules import parse_expression
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.metrics.spec import Kind


def test_the_examples_of_the_design() -> None:
    score = parse_expression("score:-2.5%@95", what="x")
    assert (score.metric.name, score.statistic, score.allowed, score.relative) == ("score", "mean", 0.025, True)
    assert score.confidence == 95
    assert [parse_expression(f"score:-1%{at}", what="x").confidence for at in ("", "@50", "@99.9")] == [95, 50, 99.9]
    absolute = parse_expression("llm/score:-0.02", what="x")
    assert (absolute.mode, absolute.allowed, absolute.relative) == ("llm", 0.02, False)
    count = parse_expression("violations:+0", what="x")
    assert (count.metric.kind, count.allowed) == (Kind.COUNT, 0)
    time = parse_expression("decision_ms.median:+25%", what="x")
    assert (time.statistic, time.allowed, time.relative) == ("median", 0.25, True)


def test_a_mode_may_hold_slashes_and_colons() -> None:
    assert parse_expression("single:hf.co/a/b:7b/score:-1%", what="x").mode == "single:hf.co/a/b:7b"


def test_a_relative_loss_is_a_share_of_the_baseline() -> None:
    assert parse_expression("score:-10%", what="x").allowed_loss(0.5) == pytest.approx(0.05)
    assert parse_expression("score:-0.1", what="x").allowed_loss(0.5) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "character", "wanted"),
    [
        ("score:2.5%", 7, "the sign -"),
        ("score:+2.5%", 7, "the sign -, not +, because score gets worse by falling"),
        ("violations:-1", 12, "the sign +, not -, because violations gets worse by rising"),
        ("violations:+1%", 14, "a whole number"),
        ("violations:+0@exactly", 20, "the end"),
        ("speed:+1", 1, "a metric: score"),
        ("score-2%", 6, "the colon"),
        ("score:-", 8, "the allowed loss, a number"),
        ("score:-2%@", 11, "the confidence"),
        ("score:-2%@100", 11, "below 100"),
        ("score:-2%@49.9", 11, "at least 50 and below 100"),
        ("score:-2% ok", 10, "the end"),
        ("score.p99:-2%", 7, "mean"),
        ("decision_ms.p99:+2%", 13, "mean or median"),
        ("/score:-2%", 1, "the mode before the slash"),
        ("", 1, "a metric"),
        ("score:-2", 8, "a loss of at most 1, because more could never be found; 2 % is written 2%"),
        ("score:-101%", 8, "a loss of at most 100 %"),
        ("utility:-200%@95", 10, "a loss of at most 100 %"),
    ],
)
def test_an_error_points_at_the_character(text: str, character: int, wanted: str) -> None:
    with pytest.raises(OptionError) as raised:
        parse_expression(text, what="--swarm-fail")
    sentence = str(raised.value)
    assert sentence.startswith(f"--swarm-fail: {text!r}, character {character}: found ")
    assert wanted in sentence


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused_with_a_sentence(text: str) -> None:
    try:
        found = parse_expression(text, what="x")
    except OptionError:
        return
    assert found.allowed >= 0


@given(st.sampled_from(sorted(GATE_METRICS)), st.integers(0, 1))
def test_every_metric_has_an_expression(name: str, number: int) -> None:
    sign = "+" if GATE_METRICS[name].worse > 0 else "-"
    assert parse_expression(f"{name}:{sign}{number}", what="x").allowed == number
