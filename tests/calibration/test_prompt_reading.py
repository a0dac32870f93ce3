"""How a recorded server read its prompts: the rule of its prompt cache, and prompts that stalled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.calibration.measured_models import ModelMeasurement, prompt_note
from pytest_swarm.calibration.prompt_reading import prompt_reading, steady_prompts
from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.calibration.recorded_replies import recorded_answers
from pytest_swarm.simulator.server.prefix_cache import PrefixReuse
from tests.calibration.test_cost_fit import chat

USUAL = [chat(400, 100), chat(800, 200), chat(400, 100), chat(1200, 300)]  # 100 tokens a second
HEAD, OTHER = "alpha " * 60, "omega " * 60


def asked(text: str, evaluated: int, number: int, *, residency: int = 0) -> RecordedChat:
    """A call of which so many tokens were evaluated, at 100 tokens a second."""
    tokens = 1 + len(text.split())
    found = chat(1, tokens, prefill_s=evaluated / 100, text="")
    body = {**found.exchange.body, "messages": [{"role": "user", "content": text}]}  # type: ignore[dict-item]
    return replace(found, exchange=replace(found.exchange, body=body, sent_s=float(number)), residency=residency)


def test_equal_beginnings_that_take_no_time_are_reused() -> None:
    chats = [asked(HEAD + f"tail{n}", 62 if n == 0 else 1, n) for n in range(5)] + [asked(OTHER, 60, 5)]
    reading = prompt_reading(chats)
    assert reading.reuse is PrefixReuse.ANY
    assert [each.tokens_read for each in reading.chats] == pytest.approx([62, 1, 1, 1, 1, 60], abs=2)
    assert steady_prompts(reading.chats).tokens_per_s == pytest.approx(100, rel=0.05)


def test_equal_beginnings_that_are_read_again_are_not_reused() -> None:
    chats = [asked(HEAD + f"tail {n} {n} {n} {n} {n}", 66, n) for n in range(5)]
    assert prompt_reading(chats).reuse is None
    assert [each.evaluated_tokens for each in prompt_reading(chats).chats] == [None] * 5


def test_a_model_that_is_loaded_anew_reuses_nothing() -> None:
    chats = [asked(HEAD, 61 if n % 2 == 0 else 1, n, residency=n // 2) for n in range(6)]
    reading = prompt_reading(chats)
    assert reading.reuse is PrefixReuse.ANY
    assert [each.tokens_read for each in reading.chats] == [61, 1, 61, 1, 61, 1]


def test_a_recorded_answer_has_the_prefill_of_the_whole_prompt() -> None:
    chats = [asked(HEAD, 61 if n == 0 else 1, n) for n in range(4)] + [asked(HEAD + "more", 61, 9, residency=1)]
    first, second = recorded_answers(prompt_reading(chats).chats)
    assert first.prefill_s == pytest.approx(0.61)  # not the median over calls that the cache answered
    assert second.prefill_s == pytest.approx(0.61, abs=0.02)
    assert recorded_answers(prompt_reading(chats).chats[1:2])[0].prefill_s is None


def test_a_recorded_answer_has_the_mean_times_of_its_calls_which_predict_their_sum() -> None:
    chats = [chat(1, 100, text="same", prefill_s=seconds, decode_s=seconds) for seconds in (1.0, 2.0, 9.0)]
    (answer,) = recorded_answers(chats)
    assert (answer.prefill_s, answer.decode_s) == (pytest.approx(4.0), pytest.approx(4.0))


def test_nothing_to_measure_is_no_rule() -> None:
    assert prompt_reading([]).reuse is None


def test_a_reply_without_figures_is_an_answer_only_where_it_repeated_itself() -> None:
    nothing = {"prompt_tokens": None, "completion_tokens": None, "prefill_s": None, "decode_s": None, "text": "a" * 62}
    stopped, cut = (chat(4, 1, **nothing, done_reason=reason) for reason in ("repeat", None))  # type: ignore[arg-type]
    assert recorded_answers([cut]) == ()
    [answer] = recorded_answers([stopped])
    assert (answer.repeats, answer.prompt_tokens, answer.completion_tokens) == (True, None, None)


def test_prompts_from_the_cache_say_nothing_about_the_speed() -> None:
    found = steady_prompts([*USUAL, chat(400, 100, prefill_s=0.02)])
    assert found.tokens_per_s == pytest.approx(100)
    assert found.stalled == 0
    assert steady_prompts([]).tokens_per_s is None


def test_stalled_prompts_are_counted_and_do_not_tell_how_long_they_take() -> None:
    found = steady_prompts([*USUAL, chat(400, 100, prefill_s=9.5)])
    assert found.tokens_per_s == pytest.approx(100)
    assert (found.stalled, found.lost_s) == (1, pytest.approx(8.5))
    assert [each.reply.prefill_s for each in found.chats] == [1.0, 2.0, 1.0, 3.0, None]


def test_prompts_that_are_too_many_to_have_stalled_count_and_are_told() -> None:
    found = steady_prompts([*USUAL, *(chat(400, 100, prefill_s=9.5) for _ in range(3))])
    assert found.tokens_per_s == pytest.approx(1000 / 35.5)
    assert (found.stalled, found.mixed) == (0, 3)
    assert steady_prompts([*USUAL, chat(400, 100, prefill_s=9.5)]).mixed == 0
    told = prompt_note(ModelMeasurement(tag="m", call_count=7, mixed_prompts=3, prefill_tokens_per_s=28.2))
    assert told is not None
    assert told.startswith("m: 3 of 7 prompts took over 8 times as long to read as the others, too many for exceptions")


def test_the_note_gives_their_number_and_time() -> None:
    told = prompt_note(ModelMeasurement(tag="m", call_count=21, stalled_prompts=3, stalled_prompts_s=13.94))
    assert told is not None
    assert told.startswith("m: 3 of 21 prompts took over 8 times as long to read as usual, 13.9 s more all together, ")
    assert prompt_note(ModelMeasurement(tag="m", call_count=21)) is None
