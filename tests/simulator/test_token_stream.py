"""The time of an answer: a fixed part for each call, the prompt's tokens, and its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.server.token_stream import GeneratedText, StreamLimits, build_token_stream


def test_an_answer_takes_the_calls_overhead_its_prompt_and_its_tokens() -> None:
    model = replace(
        load_profile("a40").server_spec.models[0], overhead_s=0.4, prefill_tokens_per_s=100, decode_tokens_per_s=10
    )
    generated = GeneratedText(text="one two three", completion_tokens=3)
    stream = build_token_stream(generated, model, prompt_tokens=50, slowdown=1.0, limits=StreamLimits())
    assert stream.overhead_s == pytest.approx(0.4)
    assert stream.prefill_s == pytest.approx(0.5)
    assert stream.decode_s == pytest.approx(0.2)


@pytest.mark.parametrize(("equal", "tokens", "reason"), [(31, 31, "stop"), (32, 31, None), (64, 31, None)])
def test_the_server_stops_at_the_32nd_equal_token(equal: int, tokens: int, reason: str | None) -> None:
    model = load_profile("a40").server_spec.models[0]
    generated = GeneratedText(text="no " * equal, completion_tokens=equal)
    stream = build_token_stream(generated, model, prompt_tokens=50, slowdown=1.0, limits=StreamLimits())
    assert (stream.tokens, stream.reason) == (tokens, reason)
    assert stream.text == "no " * tokens


def test_blank_pieces_are_equal_tokens() -> None:
    model = load_profile("a40").server_spec.models[0]
    generated = GeneratedText(text="x" + "\n " * 32, completion_tokens=65)
    stream = build_token_stream(generated, model, prompt_tokens=1, slowdown=1.0, limits=StreamLimits())
    assert (stream.tokens, stream.reason) == (32, None)


@pytest.mark.parametrize(
    ("stops", "text", "tokens"),
    [
        (("three",), "one two ", 3),
        (("two", "one"), "", 1),
        (("e t",), "on", 2),
        (("",), "", 1),
        (("four",), "one two three", 3),
    ],
)
def test_a_stop_ends_the_text_and_is_not_part_of_it(stops: tuple[str, ...], text: str, tokens: int) -> None:
    model = load_profile("a40").server_spec.models[0]
    generated = GeneratedText(text="one two three", completion_tokens=3)
    limits = StreamLimits(tokens=20, stops=stops)
    stream = build_token_stream(generated, model, prompt_tokens=1, slowdown=1.0, limits=limits)
    assert (stream.text, stream.tokens, stream.reason) == (text, tokens, "stop")
