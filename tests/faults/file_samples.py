"""A small file of each kind that is read, and what reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_swarm.estimate.estimates_file import read_estimates
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.recorded_backends import RecordingTarget, recording_backend
from pytest_swarm.gate.baseline_codec import read_baseline
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.report.report_model import build_report
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink, ListSink
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph
from tests.estimate.test_starting_estimates import FLEET
from tests.execution.lab import HEAVY, backend, case, graph, run
from tests.faults import stored_samples as stored
from tests.report.factories import info

CASE = case(graph(("a", "b"), name="job"), "single:gemma2:2b")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSample:
    """A kind of file: what it is called, a name for one, the bytes of one, what reads it, and whether it is a text."""

    what: str
    name: str
    data: Callable[[], bytes]
    read: Callable[[Path], object]
    is_text: bool = True


@cache
def event_lines() -> bytes:
    """The events of a run of one job."""
    sink = ListSink()
    record = run(CASE, sink=sink)
    with TemporaryDirectory() as folder:
        file = FileSink(Path(folder) / "events.jsonl")
        for event in (events.encode_run_start(info()), *sink.events, events.encode_job_summary(record, 1.0, {})):
            file.emit(event)
        file.close()
        return file.path.read_bytes()


@cache
def cassette_lines() -> bytes:
    """A recording of one job."""
    with TemporaryDirectory() as folder:
        target = RecordingTarget(path=Path(folder) / "c.jsonl")
        with Bench(backend=recording_backend(backend(), target), fleet=HEAVY) as bench:
            bench.run(CASE)
        return target.path.read_bytes()


def shipped(name: str) -> bytes:
    """A file of the package or of the checkout."""
    return (Path(__file__).parents[2] / name).read_bytes()


def read_report(path: Path) -> object:
    """The report of events, as every command makes it."""
    return build_report(read_run(path))


AGENTS = [
    {
        "name": "gemma2:2b",
        "cost_per_token": 0.03,
        "max_ctx": 8192,
        "vram_gb": 2.0,
        "load_time_ms": 1500,
        "capabilities": {"math": 0.5, "code": 0.25},
    },
    {"name": "phi4:14b", "cost_per_token": 0.2, "max_ctx": 16384, "vram_gb": 12.5, "load_time_ms": 9000},
]
SAMPLES = (
    FileSample(what="events", name="events.jsonl", data=event_lines, read=read_report),
    FileSample(what="a cassette", name="c.jsonl", data=cassette_lines, read=read_cassette),
    FileSample(
        what="a baseline",
        name="baseline.json",
        data=lambda: shipped("tests/data/version_1/baseline.json"),
        read=lambda path: read_baseline(path, shown=path.name),
    ),
    FileSample(
        what="a graph in TOML", name="graph.toml", data=lambda: shipped("benchmarks/graphs/wb1.toml"), read=load_graph
    ),
    FileSample(
        what="a graph in JSON",
        name="graph.json",
        data=lambda: json.dumps(
            {"name": "g", "tasks": [{"id": "a", "type": "math", "prompt": "p", "estimated_tokens": 10}], "edges": []}
        ).encode(),
        read=load_graph,
    ),
    FileSample(
        what="a fleet in TOML",
        name="fleet.toml",
        data=lambda: shipped("pytest_swarm/workloads/fleets/heavy.toml"),
        read=lambda path: load_fleet(str(path)),
    ),
    FileSample(
        what="a fleet in JSON",
        name="agents.json",
        data=lambda: json.dumps(AGENTS, indent=1).encode(),
        read=lambda path: load_fleet(str(path)),
    ),
    FileSample(
        what="a profile",
        name="profile.toml",
        data=lambda: shipped("pytest_swarm/simulator/profiles/a40.toml"),
        read=lambda path: load_profile(str(path)),
    ),
    FileSample(what="an answer store", name="answers", data=stored.store_bytes, read=stored.read_store, is_text=False),
    FileSample(what="an export of answers", name="a.jsonl", data=stored.export_bytes, read=stored.read_export),
    FileSample(
        what="estimates",
        name="estimates.json",
        data=stored.estimates_bytes,
        read=lambda path: read_estimates(path, FLEET, learning=False),
    ),
    FileSample(
        what="a policy",
        name="policy.json",
        data=lambda: shipped("examples/ci/policy.json"),
        read=stored.read_whole_policy,
    ),
)
