"""The time of an answer: a fixed part for each call, the prompt's tokens, and its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.server.token_stream import GeneratedText, build_token_stream


def test_an_answer_takes_the_calls_overhead_its_prompt_and_its_tokens() -> None:
    model = replace(
        load_profile("a40").server_spec.models[0], overhead_s=0.4, prefill_tokens_per_s=100, decode_tokens_per_s=10
    )
    generated = GeneratedText(text="one two three", prompt_tokens=50, completion_tokens=3)
    stream = build_token_stream(generated, model, slowdown=1.0, limit=None, num_ctx=4096)
    assert stream.overhead_s == pytest.approx(0.4)
    assert stream.prefill_s == pytest.approx(0.5)
    assert stream.decode_s == pytest.approx(0.3)


@pytest.mark.parametrize(("equal", "tokens", "reason"), [(31, 31, "stop"), (32, 31, None), (64, 31, None)])
def test_the_server_stops_at_the_32nd_equal_token(equal: int, tokens: int, reason: str | None) -> None:
    model = load_profile("a40").server_spec.models[0]
    generated = GeneratedText(text="no " * equal, prompt_tokens=1, completion_tokens=equal)
    stream = build_token_stream(generated, model, slowdown=1.0, limit=None, num_ctx=4096)
    assert (stream.tokens, stream.reason) == (tokens, reason)
    assert stream.text == "no " * tokens
