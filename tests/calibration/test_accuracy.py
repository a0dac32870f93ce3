"""Wilson's interval of a rate, and how many answers to different tasks repeated answers are worth."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.calibration.accuracy import AccuracyCount, effective_answers, wilson_interval


@pytest.mark.parametrize(
    ("right", "scored", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 5, 0.5655, 1.0), (8, 10, 0.4902, 0.9433), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_interval(right: int, scored: int, low: float, high: float) -> None:
    assert wilson_interval(right / scored, scored) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_interval_contains_the_rate_and_stays_in_range(scored: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, scored))
    low, high = wilson_interval(right / scored, scored)
    rounding = 1e-12
    assert 0 <= low <= right / scored + rounding
    assert right / scored - rounding <= high <= 1
    assert low < high


@pytest.mark.parametrize(
    ("tasks", "effective"),
    [
        ([(5, 5)], 1.0),  # one task says nothing of others
        ([(20, 20)] * 10, 10.0),  # all right: no more than ten tasks
        ([(20, 20)] * 5 + [(0, 20)] * 5, 10.0),  # a task is right always or never: its repeats add nothing
        ([(1, 1)] * 30 + [(0, 1)] * 10, 40.0),  # one answer of each task
        ([(10, 20)] * 10, 200.0),  # tasks do not differ at all: every answer counts
    ],
)
def test_repeats_of_a_task_count_as_far_as_they_differ_like_tasks(
    tasks: list[tuple[int, int]], effective: float
) -> None:
    assert effective_answers(tasks) == pytest.approx(effective, rel=0.12)


def test_the_interval_of_clustered_answers_covers_the_rate_of_all_tasks() -> None:
    """Tasks of very different difficulty, twenty answers each: the plain interval covers in about a third."""
    rng = Random(4)
    covered = plain = 0
    for _ in range(400):
        tasks = [(sum(rng.random() < chance for _ in range(20)), 20) for chance in (rng.random() for _ in range(12))]
        right = sum(each for each, _ in tasks)
        counted = AccuracyCount(
            right=right, scored=240, mean_difficulty=1.0, tasks=12, effective=effective_answers(tasks)
        )
        low, high = counted.interval
        covered += low <= 0.5 <= high
        low, high = wilson_interval(right / 240, 240)
        plain += low <= 0.5 <= high
    assert covered >= 0.93 * 400
    assert plain < 0.7 * 400
