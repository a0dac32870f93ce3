"""How a stored answer is played: its text as it was, its times as they are when a call runs alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pytest_swarm.execution.played_world import ModelFigures, PlayedWorld
from pytest_swarm.execution.stored_texts import StoredTextGenerator, UsedFigures
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.token_stream import (
    GeneratedText,
    GenerationRequest,
    StreamLimits,
    build_token_stream,
)
from tests.ollama.answers.test_answer_store import ANSWER, MODEL, question
from tests.simulator.servers import model

FIGURES = ModelFigures(
    load_s=1.0,
    footprints={4096: 10},
    prefill_tokens_per_s=1000.0,
    slowest_prompt_tokens_per_s=128.0,
    decode_tokens_per_s=50.0,
    overhead_s=0.1,
)
ALONE = replace(
    ANSWER,
    text="four",
    done_reason="stop",
    prompt_tokens=200,
    completion_tokens=100,
    total_s=2.6,
    load_s=0.0,
    prefill_s=0.5,
    decode_s=2.0,
)


def world(**changes: Any) -> PlayedWorld:
    return PlayedWorld(models={MODEL.digest: ModelFigures(**{**_fields(), **changes})})


def _fields() -> dict[str, Any]:
    return {name: getattr(FIGURES, name) for name in ModelFigures.__dataclass_fields__}


def generated(answer: StoredAnswer) -> tuple[GeneratedText, StoredTextGenerator]:
    generator, asked = StoredTextGenerator(UsedFigures(world)), question()
    generator.put(asked, answer)
    request = GenerationRequest(model="m", messages=({"role": "user", "content": asked.key},))
    assert generator.prompt_tokens(request) == answer.prompt_tokens
    return generator.generate(request), generator


def times(answer: StoredAnswer) -> tuple[float | None, float | None, float | None]:
    text, _ = generated(answer)
    overhead_s = None if text.overhead_s is None else pytest.approx(text.overhead_s)
    return text.prefill_s, text.decode_s, overhead_s


def test_a_call_that_ran_alone_keeps_its_own_times() -> None:
    assert times(ALONE) == (0.5, 2.0, 0.1)


def test_a_prompt_from_the_cache_gets_the_time_of_a_whole_one() -> None:
    assert times(replace(ALONE, cached=True, prefill_s=0.001))[:2] == (0.2, 2.0)


@pytest.mark.parametrize(("seconds", "played_s"), [(1.56, 1.56), (1.57, 0.2)])
def test_a_prompt_that_stalled_gets_the_time_of_a_usual_one(seconds: float, played_s: float) -> None:
    assert times(replace(ALONE, prefill_s=seconds, total_s=seconds + 2.1)) == (played_s, 2.0, pytest.approx(0.1))


@pytest.mark.parametrize("contexts", [(2048, 8192), (8192, 2048)])
def test_the_footprint_of_a_played_model_grows_with_its_context(contexts: tuple[int, int]) -> None:
    sizes = {2048: 3 * 10**9, 8192: 4 * 10**9}
    played = world(footprints={each: sizes[each] for each in contexts})
    spec = played.model_spec(MODEL)
    for num_ctx, size_bytes in sizes.items():
        assert spec.size_bytes + spec.kv_bytes(num_ctx, played.num_parallel) == pytest.approx(size_bytes, rel=1e-3)


def test_a_prompt_of_unknown_time_has_not_stalled() -> None:
    unknown = replace(ALONE, prompt_tokens=100, prefill_s=None)
    assert times(unknown)[:2] == (0.0, 2.0)
    assert generated(unknown)[1].stalled_s == {}


def test_the_seconds_that_a_stalled_prompt_is_played_without_are_kept() -> None:
    for answer, lost_s in ((ALONE, []), (replace(ALONE, prefill_s=9.6, total_s=11.7), [pytest.approx(9.4)])):
        _, generator = generated(answer)
        assert [*generator.stalled_s.values()] == lost_s


def test_a_case_is_played_again_where_a_prompt_turns_out_to_have_stalled() -> None:
    _, generator = generated(ALONE)
    assert not generator.figures.same_in(world(slowest_prompt_tokens_per_s=512.0))


def test_a_call_that_had_company_gets_the_speeds_of_the_model() -> None:
    assert times(replace(ALONE, beside=3, prefill_s=4.0, decode_s=9.0, total_s=20.0)) == (0.2, 1.98, 0.1)


def test_an_answer_that_was_given_up_never_ends_within_its_limit() -> None:
    _, decode_s, _ = times(replace(ALONE, text="", unanswered_s=120.0, decode_s=None))
    assert decode_s is not None
    assert decode_s > 120.0 * 100


@pytest.mark.parametrize(
    ("text", "tokens", "reason"),
    [("= " * 60, 60, "stop"), ("cut", 48, "length"), ("again " * 31, 31, None), ("a stop word", 3, "stop")],
)
def test_a_text_ends_where_the_real_server_ended_it(text: str, tokens: int, reason: str | None) -> None:
    stored = replace(ALONE, text=text, completion_tokens=tokens, done_reason=reason or "repeat", thinking="hm")
    spec: ModelSpec = model("m", 1.0)
    limits = StreamLimits(tokens=tokens, stops=("stop",))
    stream = build_token_stream(generated(stored)[0], spec, prompt_tokens=1, slowdown=1.0, limits=limits)
    assert (stream.text, stream.tokens, stream.reason, stream.thinking) == (text, tokens, reason, "hm")


def test_only_figures_that_were_used_decide_whether_a_case_is_played_again() -> None:
    used = UsedFigures(world)
    used.use(MODEL.digest, "load_s", "4096")
    assert used.same_in(world(prefill_tokens_per_s=1.0, footprints={4096: 10, 8192: 20}))
    assert not used.same_in(world(load_s=1.1))
    assert not used.same_in(world(footprints={4096: 11}))
    assert not used.same_in(PlayedWorld())


def test_speeds_count_as_used_only_by_an_answer_that_needs_them() -> None:
    for answer, same in ((ALONE, True), (replace(ALONE, cached=True), False)):
        _, generator = generated(answer)
        assert generator.figures.same_in(world(prefill_tokens_per_s=999.0)) is same
