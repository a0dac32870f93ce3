"""How much slower a model computes while another one does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.calibration.shared_compute import alone_times
from tests.calibration.test_cost_fit import chat


def call(start_s: float, slower: float = 1.0) -> RecordedChat:
    """A call that computes for 3 s (1 s of prefill, 2 s of decoding), or longer by a factor, from `start_s` on."""
    found = chat(400, 100, prefill_s=slower, decode_s=2 * slower, completion_tokens=81)
    return replace(found, exchange=replace(found.exchange, sent_s=start_s, end_s=3 * slower))


def times(chats: Iterable[RecordedChat]) -> list[tuple[float | None, float | None]]:
    return [(each.reply.prefill_s, each.reply.decode_s) for each in chats]


def test_calls_beside_another_model_tell_the_slowdown() -> None:
    alone, beside = [call(10.0 * n) for n in range(4)], [call(100.0 + 10 * n, 2.0) for n in range(3)]
    one, other = alone_times([[*alone, *beside], [replace(each) for each in beside]])
    assert one.slowdown == pytest.approx(2.0)
    assert times(one.chats) == [pytest.approx((1.0, 2.0))] * 7
    assert other.slowdown is None  # never alone: nothing to compare with
    assert times(other.chats) == times(beside)


def test_the_slowdown_is_one_of_tokens_per_second() -> None:
    alone = [call(10.0 * n) for n in range(4)]
    beside = [call(100.0 + 10 * n) for n in range(3)]
    halves = [
        replace(each, reply=replace(each.reply, prompt_tokens=50, completion_tokens=41)) for each in beside
    ]  # half the tokens in the same time
    one, _ = alone_times([[*alone, *halves], beside])
    assert one.slowdown == pytest.approx(2.0)
    assert times(one.chats)[4:] == [pytest.approx((0.5, 1.0))] * 3


def test_a_phase_too_short_for_the_clock_is_beside_nobody() -> None:
    brief = call(1e6)
    brief = replace(brief, reply=replace(brief.reply, prefill_s=1e-12))
    found, _ = alone_times([[brief], [call(1e6)]])
    assert (found.slowdown, times(found.chats)) == (None, [(1e-12, 2.0)])


def test_without_a_difference_or_with_few_calls_there_is_no_slowdown() -> None:
    alone, same = [call(10.0 * n) for n in range(4)], [call(100.0 + 10 * n) for n in range(3)]
    assert alone_times([[*alone, *same], same])[0].slowdown is None
    few = [call(100.0 + 10 * n, 2.0) for n in range(2)]
    assert alone_times([[*alone, *few], few])[0].slowdown is None


def test_a_part_of_the_time_beside_another_model_counts_for_that_part() -> None:
    alone, beside = [call(10.0 * n) for n in range(4)], [call(100.0 + 10 * n, 2.0) for n in range(3)]
    half, other = replace(call(200.0), exchange=replace(call(200.0).exchange, end_s=3.0)), call(202.0)
    found = alone_times([[*alone, *beside, half], [*beside, other]])[0]
    assert times(found.chats)[-1] == pytest.approx((1.0, 2.0 / 1.5))


def test_no_chats_have_no_times() -> None:
    assert alone_times([]) == ()
    assert alone_times([[]])[0].chats == ()
