"""A call that failed for the server's sake is tried again; what fails all the same is no wrong answer."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.record import JobRecord, JobStatus, TaskStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import A40, HEAVY, PLANNER, case, graph

CHAIN = graph(("a", "b"), name="two")
SINGLE = "single:gemma2:2b"


def played(*faults: str, mode: str = SINGLE, retries: int = 2, sink: ListSink | None = None) -> JobRecord:
    world = SimulatedWorld(profile=A40, faults=tuple(map(parse_fault, faults)))
    backend = simulated_backend(world, HEAVY, limits=CallLimits(timeout_s=30.0, retries=retries))
    with Bench(backend=backend, fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as bench:
        return bench.run(case(CHAIN, mode), sink=sink)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy:after=1,times=2", "status 503"),
        ("load-error:times=2", "status 500"),
        ("crash:after=1,times=2", "status 500"),
        ("cut:after=1,times=2", "bad_reply"),
        ("refuse:times=2", "server_down"),
    ],
)
def test_a_fault_that_passes_costs_time_and_no_score(fault: str, reason: str) -> None:
    sink = ListSink()
    record, untroubled = played(fault, sink=sink), played()
    assert record.status is JobStatus.COMPLETED
    assert [(each.reason, each.attempt, each.wait_s) for each in record.retries] == [(reason, 1, 0.5), (reason, 2, 2.0)]
    assert job_metrics(record).retries == 2
    assert job_metrics(record).score == job_metrics(untroubled).score
    assert [each.answer for each in record.outcomes] == [each.answer for each in untroubled.outcomes]
    kept = [each for each in sink.events if each["event"] == "call_retry"]
    assert [(each["reason"], each["attempt"]) for each in kept] == [(reason, 1), (reason, 2)]


@pytest.mark.parametrize(
    "fault", ["busy", "load-error", "crash", "cut", "refuse:after=3", "garbage", "html", "no-done"]
)
@pytest.mark.parametrize("retries", [0, 2])
def test_a_fault_that_stays_is_an_error_without_a_score(fault: str, retries: int) -> None:
    record = played(fault, retries=retries)
    assert record.status is JobStatus.ERROR
    assert record.error
    assert job_metrics(record).score is None
    assert len(record.retries) == (0 if fault in ("garbage", "html", "no-done") else retries)
    for outcome in record.outcomes:
        assert (outcome.status, outcome.server_fault, outcome.score) == (TaskStatus.FAILED, True, None)


@pytest.mark.parametrize("fault", ["hang:after=1", "missing:after=1"])
def test_a_slow_or_missing_model_is_a_failed_task(fault: str) -> None:
    record = played(fault)
    assert record.status is JobStatus.COMPLETED
    assert record.retries == ()
    assert job_metrics(record).score == 0
    assert not record.outcome("a").server_fault


@pytest.mark.parametrize("fault", [f"busy:model={PLANNER}", f"crash:model={PLANNER},after=1"])
def test_a_busy_server_does_not_plan_for_the_planner(fault: str) -> None:
    record = played(fault, mode="llm")
    assert record.status is JobStatus.ERROR
    assert "planner" in (record.error or "")
    assert record.outcomes == ()
    assert played(fault.replace("busy", "hang").replace("crash", "hang"), mode="llm").status is JobStatus.COMPLETED


@pytest.mark.parametrize(("mode", "score"), [(SINGLE, None), ("single:qwen2.5-coder:7b", 1.0)])
def test_only_the_job_that_met_the_fault_loses_its_score(mode: str, score: float | None) -> None:
    assert job_metrics(played("busy:model=gemma2:2b", mode=mode)).score == score
