"""Loads from a cold disk and prompts that stalled: found beside the usual ones, whichever mode paid for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.record import Run
from pytest_swarm.domain.switch import Switch
from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure
from pytest_swarm.metrics.slow_server import slow_loads_s, slow_prompts_s, usual_loads_s
from tests.report.factories import key, record, run


def loads(*seconds: float, model: str = "gemma2:2b") -> tuple[Switch, ...]:
    return tuple(Switch(step=0, model=model, action="load", started_s=1.0, finished_s=1.0 + each) for each in seconds)


def loading_jobs(mode: str, *switches: tuple[Switch, ...]) -> tuple[MeasuredJob, ...]:
    found: Run = run(*(record(case=key(mode, repeat=n), switches=each) for n, each in enumerate(switches, 1)))
    return tuple(measure(found.jobs))


def test_the_usual_load_is_the_median_and_an_unload_is_none() -> None:
    unload = Switch(step=0, model="gemma2:2b", action="unload", started_s=0.0, finished_s=90.0)
    jobs = loading_jobs("fixed", (*loads(40.0, 3.0), unload), loads(3.2), loads(5.0, model="phi4:14b"))
    assert usual_loads_s(jobs) == {"gemma2:2b": pytest.approx(3.2), "phi4:14b": pytest.approx(5.0)}
    assert usual_loads_s(loading_jobs("fixed", loads(40.0, 3.0))) == {"gemma2:2b": pytest.approx(3.0)}


@pytest.mark.parametrize(("first_s", "beyond_s"), [(9.0, 0.0), (9.2, 3.1), (43.0, 20.0)], ids=["usual", "slow", "cold"])
def test_a_load_of_over_three_times_the_usual_is_slow(first_s: float, beyond_s: float) -> None:
    fixed = loading_jobs("fixed", loads(first_s), loads(3.0))
    milp = loading_jobs("milp", loads(3.0), loads(3.0))
    assert slow_loads_s({"fixed": fixed, "milp": milp}) == {"fixed": pytest.approx(beyond_s, abs=1e-9), "milp": 0.0}


@pytest.mark.parametrize(("first_s", "beyond_s"), [(0.29, 0.0), (0.32, 0.155)])
def test_a_load_of_a_moment_is_not_slow(first_s: float, beyond_s: float) -> None:
    groups = {"fixed": loading_jobs("fixed", loads(first_s), loads(0.01)), "milp": loading_jobs("milp", loads(0.01))}
    assert slow_loads_s(groups) == {"fixed": pytest.approx(beyond_s, abs=1e-9), "milp": 0.0}


def test_of_two_loads_neither_is_usual() -> None:
    assert slow_loads_s({"fixed": loading_jobs("fixed", loads(43.0)), "milp": loading_jobs("milp", loads(3.0))}) == {
        "fixed": 0.0,
        "milp": 0.0,
    }


def reading_jobs(mode: str, *seconds: float, tokens: int = 100) -> tuple[MeasuredJob, ...]:
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
    lp, greedy = reading_jobs("lp", first_s, 0.1), reading_jobs("greedy", 0.1, 0.1)
    assert slow_prompts_s({"lp": lp, "greedy": greedy}) == {"lp": pytest.approx(beyond_s), "greedy": 0.0}


def test_a_short_time_is_none_however_many_times_the_usual() -> None:
    assert slow_prompts_s({"lp": reading_jobs("lp", 0.29, 0.01, 0.01)}) == {"lp": 0.0}


def test_another_prompt_says_nothing_and_of_two_readings_neither_is_usual() -> None:
    longer = reading_jobs("greedy", 0.1, 0.1, tokens=101)
    assert slow_prompts_s({"lp": reading_jobs("lp", 9.6, 0.1), "greedy": longer}) == {"lp": 0.0, "greedy": 0.0}


@pytest.mark.parametrize("own_s", [(4.0, 4.1, 3.9), (4.0,)], ids=["in each case", "in its only case"])
def test_what_a_mode_always_pays_is_no_stall_although_others_have_it_in_the_cache(own_s: tuple[float, ...]) -> None:
    """As where all tasks ask about one document: who asks one model finds it in the cache from the second on."""
    cached = reading_jobs("single:gemma2:2b", 0.03, 0.03, 0.03, 0.03)
    assert slow_prompts_s({"lp": reading_jobs("lp", *own_s), "single": cached}) == {"lp": 0.0, "single": 0.0}


def test_a_stall_in_the_only_case_of_a_mode_is_told_by_its_other_prompts() -> None:
    (job,) = reading_jobs("lp", 9.6)
    first, *others = job.record.outcomes
    usual = tuple(replace(each, model="gemma2:2b", prompt_tokens=100, prefill_s=0.1) for each in others)
    (lp,) = measure(run(replace(job.record, outcomes=(first, *usual))).jobs)
    assert slow_prompts_s({"lp": (lp,), "greedy": reading_jobs("greedy", 0.1, 0.1)}) == {
        "lp": pytest.approx(9.5),
        "greedy": 0.0,
    }


def test_a_prompt_that_only_one_mode_reads_is_slow_beside_the_speed_of_its_model() -> None:
    lp = reading_jobs("lp", 9.6, tokens=101)
    others = tuple(job for tokens in range(96, 101) for job in reading_jobs("lp", 0.1, tokens=tokens))
    usual_s = 101 * 5 * 0.1 / sum(range(96, 101))
    assert slow_prompts_s({"lp": (*lp, *others)}) == {"lp": pytest.approx((9.6 - usual_s) / 6)}
    assert slow_prompts_s({"lp": (*lp, *others[:3])}) == {"lp": 0.0}
