"""Loads from a cold disk: found beside the usual ones of the same model, whichever mode paid for them."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.record import Run, Switch
from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure
from pytest_swarm.metrics.slow_loads import slow_loads_s, usual_loads_s
from tests.report.factories import key, record, run


def loads(*seconds: float, model: str = "gemma2:2b") -> tuple[Switch, ...]:
    return tuple(Switch(step=0, model=model, action="load", started_s=1.0, finished_s=1.0 + each) for each in seconds)


def jobs_of(mode: str, *switches: tuple[Switch, ...]) -> tuple[MeasuredJob, ...]:
    found: Run = run(*(record(case=key(mode, repeat=n), switches=each) for n, each in enumerate(switches, 1)))
    return tuple(measure(found.jobs))


def test_the_usual_load_is_the_median_and_an_unload_is_none() -> None:
    unload = Switch(step=0, model="gemma2:2b", action="unload", started_s=0.0, finished_s=90.0)
    jobs = jobs_of("fixed", (*loads(40.0, 3.0), unload), loads(3.2), loads(5.0, model="phi4:14b"))
    assert usual_loads_s(jobs) == {"gemma2:2b": pytest.approx(3.2), "phi4:14b": pytest.approx(5.0)}
    assert usual_loads_s(jobs_of("fixed", loads(40.0, 3.0))) == {"gemma2:2b": pytest.approx(3.0)}


@pytest.mark.parametrize(("first_s", "beyond_s"), [(9.0, 0.0), (9.2, 3.1), (43.0, 20.0)], ids=["usual", "slow", "cold"])
def test_a_load_of_over_three_times_the_usual_is_slow(first_s: float, beyond_s: float) -> None:
    fixed = jobs_of("fixed", loads(first_s), loads(3.0))
    milp = jobs_of("milp", loads(3.0), loads(3.0))
    assert slow_loads_s({"fixed": fixed, "milp": milp}) == {"fixed": pytest.approx(beyond_s, abs=1e-9), "milp": 0.0}


def test_of_two_loads_neither_is_usual() -> None:
    assert slow_loads_s({"fixed": jobs_of("fixed", loads(43.0)), "milp": jobs_of("milp", loads(3.0))}) == {
        "fixed": 0.0,
        "milp": 0.0,
    }
