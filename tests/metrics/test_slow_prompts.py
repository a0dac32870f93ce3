"""Prompts that stalled: found beside the same prompt in other cases, whichever mode paid for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure
from pytest_swarm.metrics.slow_prompts import slow_prompts_s
from tests.report.factories import key, record, run


def jobs_of(mode: str, *seconds: float, tokens: int = 100) -> tuple[MeasuredJob, ...]:
    """Jobs whose first prompt took so long."""
    made = []
    for number, prefill_s in enumerate(seconds, 1):
        job = record(case=key(mode, repeat=number))
        first, *others = job.outcomes
        read = replace(first, model="gemma2:2b", prompt_tokens=tokens, prefill_s=prefill_s)
        made.append(replace(job, outcomes=(read, *(replace(each, prefill_s=None) for each in others))))
    return tuple(measure(run(*made).jobs))


@pytest.mark.parametrize(("first_s", "beyond_s"), [(0.79, 0.0), (0.81, 0.355), (9.6, 4.75)])
def test_a_prompt_of_over_eight_times_the_usual_stalled(first_s: float, beyond_s: float) -> None:
    lp, greedy = jobs_of("lp", first_s, 0.1), jobs_of("greedy", 0.1, 0.1)
    assert slow_prompts_s({"lp": lp, "greedy": greedy}) == {"lp": pytest.approx(beyond_s), "greedy": 0.0}


def test_a_short_time_is_none_however_many_times_the_usual() -> None:
    assert slow_prompts_s({"lp": jobs_of("lp", 0.29, 0.01, 0.01)}) == {"lp": 0.0}


def test_another_prompt_says_nothing_and_of_two_readings_neither_is_usual() -> None:
    longer = jobs_of("greedy", 0.1, 0.1, tokens=101)
    assert slow_prompts_s({"lp": jobs_of("lp", 9.6, 0.1), "greedy": longer}) == {"lp": 0.0, "greedy": 0.0}


@pytest.mark.parametrize("own_s", [(4.0, 4.1, 3.9), (4.0,)], ids=["in each case", "in its only case"])
def test_what_a_mode_always_pays_is_no_stall_although_others_have_it_in_the_cache(own_s: tuple[float, ...]) -> None:
    """As where all tasks ask about one document: who asks one model finds it in the cache from the second on."""
    cached = jobs_of("single:gemma2:2b", 0.03, 0.03, 0.03, 0.03)
    assert slow_prompts_s({"lp": jobs_of("lp", *own_s), "single": cached}) == {"lp": 0.0, "single": 0.0}


def test_a_stall_in_the_only_case_of_a_mode_is_told_by_its_other_prompts() -> None:
    (job,) = jobs_of("lp", 9.6)
    first, *others = job.record.outcomes
    usual = tuple(replace(each, model="gemma2:2b", prompt_tokens=100, prefill_s=0.1) for each in others)
    (lp,) = measure(run(replace(job.record, outcomes=(first, *usual))).jobs)
    assert slow_prompts_s({"lp": (lp,), "greedy": jobs_of("greedy", 0.1, 0.1)}) == {
        "lp": pytest.approx(9.5),
        "greedy": 0.0,
    }


def test_a_prompt_that_only_one_mode_reads_is_slow_beside_the_speed_of_its_model() -> None:
    lp = jobs_of("lp", 9.6, tokens=101)
    others = tuple(job for tokens in range(96, 101) for job in jobs_of("lp", 0.1, tokens=tokens))
    usual_s = 101 * 5 * 0.1 / sum(range(96, 101))
    assert slow_prompts_s({"lp": (*lp, *others)}) == {"lp": pytest.approx((9.6 - usual_s) / 6)}
    assert slow_prompts_s({"lp": (*lp, *others[:3])}) == {"lp": 0.0}
