"""The usual speed of reading prompts: neither from the cache, nor while the server prepares itself."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.prompt_speed import is_stalled, prompt_speed

USUAL = [(100, 0.10), (200, 0.21), (400, 0.39), (150, 0.15)]


def test_the_speed_is_that_of_all_tokens_in_all_seconds() -> None:
    found = prompt_speed(USUAL)
    assert found is not None
    assert found.usual == pytest.approx(850 / 0.85)
    assert prompt_speed([]) is None


@pytest.mark.parametrize("odd", [(200, 0.02), (160, 9.6)], ids=["from the cache", "stalled"])
def test_prompts_that_are_far_faster_or_slower_do_not_count(odd: tuple[int, float]) -> None:
    found = prompt_speed([*USUAL, odd])
    assert found is not None
    assert found.usual == pytest.approx(1000)
    assert found.stalls(160, 9.6) is not found.stalls(160, 0.16)


@pytest.mark.parametrize(("seconds", "stalled"), [(0.79, False), (0.81, True)])
def test_eight_times_the_usual_is_stalled(seconds: float, stalled: bool) -> None:
    found = prompt_speed([(100, 0.1)] * 5)
    assert found is not None
    assert found.stalls(100, seconds) is stalled


def test_a_short_wait_is_no_stall() -> None:
    assert not is_stalled(1, 0.3, slowest=1e9)
    assert is_stalled(1, 0.31, slowest=1e9)


def test_of_few_prompts_none_stalled_and_where_many_seem_to_the_others_were_cached() -> None:
    for prompts in ([*USUAL[:3], (160, 9.6)], [(100, 1.0)] * 3 + [(100, 0.01)] * 7):
        found = prompt_speed(prompts)
        assert found is not None
        assert found.slowest == 0
        assert not found.stalls(100, 1e6)


@pytest.mark.parametrize("usual", [1, 2, 9])
def test_of_whole_prompts_half_may_have_stalled_and_none_was_cached(usual: int) -> None:
    prompts = [(160, 9.6), (98, 8.8)][: max(1, usual)] + [(100, 0.01 * number) for number in range(1, usual + 1)]
    found = prompt_speed(prompts, whole=True)
    assert found is not None
    assert found.usual == pytest.approx(100 * usual / (0.01 * sum(range(1, usual + 1))))
    assert found.stalls(160, 9.6)
