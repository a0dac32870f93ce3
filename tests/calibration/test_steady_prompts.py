"""Prompts that stalled are left out of a profile, and the profile says so."""

from __future__ import annotations

import pytest

from pytest_swarm.calibration.measured_models import ModelMeasurement, prompt_note
from pytest_swarm.calibration.steady_prompts import steady_prompts
from tests.calibration.test_call_costs import chat

USUAL = [chat(400, 100), chat(800, 200), chat(400, 100), chat(1200, 300)]  # 100 tokens a second


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
