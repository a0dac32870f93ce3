"""The time of a decision holds the wait for a planner once, by the clock in which the wait passes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.routing import exact
from tests.execution.lab import HEAVY, PLANNER, case, graph
from tests.execution.stand_in import StandIn

WAIT_S = 200.0


@pytest.mark.parametrize(("live", "waits"), [(False, 1), (True, 0)])
def test_a_wait_counts_by_loop_time_only_where_it_takes_no_real_time(live: bool, waits: int) -> None:
    """A recording of a real server waits by the wall clock, which here stands still while the loop's jumps."""
    server = StandIn()
    server.chat_s = WAIT_S
    backend = replace(server.backend(timeout_s=10 * WAIT_S), live=live)
    with Bench(backend=backend, fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as bench:
        record = bench.run(case(graph(ids="a"), "llm"))
    (step,) = record.steps
    assert step.decision_ms // (WAIT_S * 1000) == waits


def test_no_time_of_a_solver_is_negative_where_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(100, -1)
    monkeypatch.setattr(exact.time, "perf_counter", lambda: float(next(clock)))
    with Bench(backend=StandIn().backend(), fleet=HEAVY, settings=BenchSettings()) as bench:
        record = bench.run(case(graph(ids="a"), "milp"))
    assert [step.solve_ms for step in record.steps] == [0.0]
