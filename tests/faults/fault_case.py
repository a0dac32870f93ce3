"""A row of the fault matrix, and the bench on which most faults are tried: in this process, in virtual time."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import httpx
import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.execution.backends import Backend, Connection, simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink, ListSink
from tests.execution.lab import A40, HEAVY, PLANNER, case, graph
from tests.execution.stand_in import StandIn
from tests.report.factories import info as run_info

RETRIES = 2
CHAIN = graph(("a", "b"), name="two")
SINGLE = "single:gemma2:2b"


class Place(StrEnum):
    """Where a fault is put in; the order is that of the page."""

    SERVER = "server"
    REPLY = "reply"
    PLANNER = "planner"
    PROCESS = "process"
    FILE = "file"
    DISK = "disk"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a row may use: an empty folder, pytester, and patches that are taken back."""

    folder: Path
    pytester: pytest.Pytester
    patch: pytest.MonkeyPatch


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """One fault.

    Attributes:
        name: What is wrong, in a few words.
        place: Where it is put in.
        expected: What becomes of it.
        kept: Why nothing is lost that was measured.
        carry_out: Puts it in, and asserts `expected` and `kept`.
        cpu_s: The most CPU time in seconds.
        memory_mb: The most memory in MB, over what was in use before.
        processes: Whether it takes processes of its own, in real time.
    """

    name: str
    place: Place
    expected: str
    kept: str
    carry_out: Callable[[Workshop], None]
    cpu_s: float = 10.0
    memory_mb: float = 60.0
    processes: bool = False


def within_bounds(row: FaultCase, workshop: Workshop) -> None:
    """Carry out a row, within its CPU time and memory; processes of its own do not count.

    CPU time, because a busy machine is no fault. tracemalloc counts what Python allocates, numpy's arrays included.
    """
    gc.collect()
    tracemalloc.start()
    began_s = time.process_time()
    try:
        row.carry_out(workshop)
        peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak_mb <= row.memory_mb, f"took {peak_mb:.0f} MB"
    cpu_s = time.process_time() - began_s
    assert cpu_s <= row.cpu_s, f"took {cpu_s:.1f} s of CPU time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a job is to end: its status, whether it has a score, the kinds of its failed tasks, and its retries.

    `kinds` is None where it is left to chance which call the fault meets.
    """

    status: JobStatus = JobStatus.COMPLETED
    scored: bool = True
    kinds: frozenset[str] | None = frozenset()
    retries: int = 0


FINE = Ending()
LOST = Ending(status=JobStatus.ERROR, scored=False)


def check(record: JobRecord, ending: Ending, events_of: ListSink, folder: Path) -> None:
    """Assert how a job ended, and that its events alone give the same record."""
    metrics = job_metrics(record)
    assert (record.status, metrics.score is not None) == (ending.status, ending.scored), record.error
    assert len(record.error or "") <= 2000
    assert metrics.retries == ending.retries
    failed = {each.error_kind for each in record.outcomes if each.error_kind} - {"skipped"}
    assert ending.kinds is None or failed == ending.kinds
    assert all(len(each.error or "") <= 2000 for each in record.outcomes)
    file = FileSink(folder / "events.jsonl")
    closing = events.encode_job_summary(record, 1.0, {})
    for event in (events.encode_run_start(run_info()), *events_of.events, closing):
        file.emit(event)
    file.close()
    assert read_run(folder).jobs == (record,)


def simulated(*faults: str, ending: Ending, mode: str = SINGLE) -> Callable[[Workshop], None]:
    """Return what runs a job on a simulated server with faults, and checks how it ends."""

    def carry_out(workshop: Workshop) -> None:
        world = SimulatedWorld(profile=A40, faults=tuple(map(parse_fault, faults)))
        backend = simulated_backend(world, HEAVY, limits=CallLimits(timeout_s=30.0, retries=RETRIES))
        run_on(backend, ending, workshop.folder, mode=mode)

    return carry_out


def run_on(backend: Backend, ending: Ending, folder: Path, *, mode: str = SINGLE, job: TaskGraph = CHAIN) -> JobRecord:
    """Run one job, check its end, and return its record."""
    sink = ListSink()
    with Bench(backend=backend, fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as bench:
        record = bench.run(case(job, mode), sink=sink)
    check(record, ending, sink, folder)
    return record


def served_by(server: StandIn) -> Backend:
    """Return the backend of a stand-in for a server, with retries."""

    def connect() -> Connection:
        client = OllamaClient("http://box:1", transport=httpx.MockTransport(server), retries=RETRIES, timeout_s=30.0)
        return Connection(
            client=client,
            probe_client=client.without_retries(),
        )

    return replace(server.backend(), connect=connect)
