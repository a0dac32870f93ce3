"""A bench on the simulator for tests of the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx

from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.execution.backends import Backend, Connection, simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.metrics.job_metrics import encode_metrics, job_metrics
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.telemetry.events import encode_job_summary, encode_run_start
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink, ListSink
from pytest_swarm.workloads.fleet import FleetEntry, fleet_toml, load_fleet
from tests.report.factories import info

HEAVY = load_fleet("heavy")
A40 = load_profile("a40")
PLANNER = "llama3.1:8b"


def task(task_id: str, kind: TaskType = TaskType.MATH, *, difficulty: float = 1.0, tokens: int = 100) -> Task:
    return Task(
        id=task_id,
        type=kind,
        prompt=f"Task {task_id}: how much is 20 + 22?",
        estimated_tokens=tokens,
        difficulty=difficulty,
        expected=Number(value=42),
    )


def graph(*edges: tuple[str, str], name: str = "job", ids: str = "") -> TaskGraph:
    """A graph of math tasks with these edges; `ids` are its tasks, by default those of the edges."""
    names = ids.split() or list(dict.fromkeys(end for edge in edges for end in edge))
    return TaskGraph(name=name, tasks=tuple(map(task, names)), edges=edges)


def backend(*faults: str, profile: Profile = A40, fleet: Fleet = HEAVY, timeout_s: float = 120.0) -> Backend:
    world = SimulatedWorld(profile=profile, faults=tuple(map(parse_fault, faults)))
    return simulated_backend(world, fleet, limits=CallLimits(timeout_s=timeout_s))


def bench(*faults: str, fleet: Fleet = HEAVY, timeout_s: float = 120.0, settings: BenchSettings | None = None) -> Bench:
    return Bench(
        backend=backend(*faults, fleet=fleet, timeout_s=timeout_s),
        fleet=fleet,
        settings=settings or BenchSettings(planner=PLANNER),
    )


def case(dag: TaskGraph, mode: str, *, horizon: HorizonDepth = 1, vram_budget_gb: float = 8.0, repeat: int = 1) -> Case:
    return Case(
        graph=dag, key=CaseKey(mode=mode, horizon=horizon, vram_budget_gb=vram_budget_gb, repeat=repeat), test="t"
    )


def run(a_case: Case, *faults: str, sink: ListSink | None = None, timeout_s: float = 120.0) -> JobRecord:
    """Run one case on a bench of its own."""
    with bench(*faults, timeout_s=timeout_s) as a_bench:
        return a_bench.run(a_case, sink=sink)


def rebuilt(record: JobRecord, sink: ListSink, path: Path) -> tuple[JobRecord, ...]:
    """The jobs that are read back from the events of a job, written to a file."""
    file = FileSink(path)
    summary = encode_job_summary(record, 0.0, encode_metrics(job_metrics(record)))
    for event in (encode_run_start(info()), *sink.events, summary):
        file.emit(event)
    file.close()
    return read_run(path).jobs


def slow_loading(profile: Profile, load_s: float) -> Profile:
    """The profile with every load taking `load_s` seconds."""
    models = tuple(replace(spec, load_s=load_s) for spec in profile.server_spec.models)
    return replace(profile, server_spec=replace(profile.server_spec, models=models))


def dump_fleet(fleet: Fleet) -> str:
    """The fleet as TOML: `load_fleet` reads an equal one from a file of the fleet's name."""
    return fleet_toml((FleetEntry(model=model) for model in fleet), assign=fleet.assign)


def wired(inner: Backend, wire: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Backend:
    """The backend with another transport around that of its client, but not around its samples and renewals."""

    def connect() -> Connection:
        connection = inner.connect()
        return replace(connection, client=connection.client.through(wire))

    return replace(inner, connect=connect)
