"""A recording of real models on a real server, made by an earlier version, still replays: every request is in it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.recorded_backends import replay_backend
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.telemetry.sink import ListSink
from pytest_swarm.workloads.fleet import load_fleet

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "real_ollama"


@pytest.mark.skipif(not FOLDER.exists(), reason="the recording of a real server is not here")
def test_every_case_replays_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    path.write_bytes(gzip.decompress((FOLDER / "cassette.jsonl.gz").read_bytes()))
    cassette = read_cassette(path)
    cases = [take.case for take in cassette.takes if take.case.key.mode != "lp"]  # lp would compile its programs
    sink = ListSink()
    settings = BenchSettings(planner="gemma3:270m")
    backend = replay_backend(cassette, why="a test")
    with Bench(backend=backend, fleet=load_fleet(str(FOLDER / "fleet.toml")), settings=settings) as bench:
        records = [bench.run(case, sink=sink) for case in cases]
    assert len(records) == 40
    assert [record.error for record in records if record.status is not JobStatus.COMPLETED] == []
    assert [event for event in sink.events if event["event"] == "note"] == []
    figures = [job_metrics(record) for record in records]
    assert {(each.measured_peak_vram_gb, each.spilled_gb, each.truncated_prompts) for each in figures} == {
        (None, None, 0)
    }
