"""What the engine itself costs: 1,000 generated tasks in layers of 10 under `greedy`, on the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from pytest_swarm import Case, CaseKey, load_fleet
from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.build import layered

LAYERS, WIDTH = 100, 10


@pytest.fixture
def bench() -> Iterator[Bench]:
    fleet = load_fleet("heavy")
    with Bench(backend=simulated_backend(SimulatedWorld(profile=load_profile("a40")), fleet), fleet=fleet) as made:
        yield made


def test_engine_overhead(benchmark: BenchmarkFixture, bench: Bench) -> None:
    graph = layered("engine", LAYERS, WIDTH, seed=1)
    case = Case(graph=graph, key=CaseKey(mode="greedy", horizon=0, vram_budget_gb=24))
    benchmark.group = f"engine, {len(graph)} tasks"
    record: JobRecord = benchmark.pedantic(bench.run, args=(case,), rounds=3, warmup_rounds=1)
    assert record.status is JobStatus.COMPLETED
    assert len(record.outcomes) == len(graph)
    if benchmark.stats is not None:  # None under --benchmark-disable
        benchmark.extra_info["ms_per_task"] = benchmark.stats.stats.median * 1000 / len(graph)
