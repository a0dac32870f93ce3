"""Models stay resident on a lease that is renewed while a run goes on; a recording with renewals replays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from pytest_swarm.domain.record import JobRecord, JobStatus
from pytest_swarm.execution import leases, running_job
from pytest_swarm.execution.backends import Backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.recorded_backends import RecordingTarget, recording_backend, replay_backend
from pytest_swarm.execution.sampling import SamplingInterval
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.ollama.client import LEASE_S
from pytest_swarm.ollama.retrying import CallLimits
from tests.execution.lab import HEAVY, case, graph
from tests.execution.stand_in import StandIn


@pytest.fixture
def rare_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample VRAM less often than a real run, as the calls take longer."""
    monkeypatch.setattr(running_job, "REAL_INTERVAL", SamplingInterval(first_s=70.0, growth=1.0))


def run(backend: Backend) -> JobRecord:
    with Bench(backend=backend, fleet=HEAVY) as bench:
        return bench.run(case(graph(ids="a"), "greedy"))


def slow_server() -> StandIn:
    server = StandIn()
    server.chat_s = 1000.0  # three renewals
    return server


@pytest.mark.usefixtures("rare_samples")
def test_a_lease_is_renewed_while_a_call_takes_long_and_is_never_for_ever() -> None:
    server = slow_server()
    run(server.backend(timeout_s=1e6))
    asked = [(path, body["keep_alive"]) for path, body in server.requests]
    load, chat, renewal, unload = ("/api/generate", LEASE_S), ("/api/chat", LEASE_S), ("/api/generate", LEASE_S), 0
    assert asked == [load, chat, renewal, renewal, renewal, ("/api/generate", unload)]
    assert server.resident == {}


def test_what_a_renewal_raises_ends_its_own_job_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_AFTER_S", 0.0)

    async def jobs() -> None:
        held, client = leases.Leases(), AsyncMock(**{"load.side_effect": RuntimeError("of a renewal")})
        held.begin("a", 4096)
        held.start_renewing(client)
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="of a renewal"):
            await held.stop_renewing()
        monkeypatch.undo()
        held.start_renewing(client)
        await held.stop_renewing()

    asyncio.run(jobs())


@pytest.mark.usefixtures("rare_samples")
def test_a_recording_with_renewals_gives_the_recorded_times(tmp_path: Path) -> None:
    target = RecordingTarget(path=tmp_path / "c.jsonl")
    recorded = run(recording_backend(slow_server().backend(timeout_s=1e6), target, limits=CallLimits(timeout_s=1e6)))
    replayed = run(replay_backend(read_cassette(target.path), why="a test", limits=CallLimits(timeout_s=1e6)))
    assert recorded.makespan_s == replayed.makespan_s == 1000.0
    assert replayed.outcomes == recorded.outcomes
    watched = [each.path for take in read_cassette(target.path).takes for each in take.exchanges if each.watched]
    assert watched.count("/api/generate") == 3


@pytest.mark.parametrize("first_s", [0.3, 0.5, 0.7])
def test_a_replay_that_samples_at_other_times_gives_the_recorded_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_s: float
) -> None:
    server = StandIn()
    server.chat_s = 0.9
    chain = case(graph(("a", "b"), ("b", "c")), "greedy")
    target = RecordingTarget(path=tmp_path / "c.jsonl")
    with Bench(backend=recording_backend(server.backend(), target), fleet=HEAVY) as bench:
        recorded = bench.run(chain)
    monkeypatch.setattr(running_job, "REAL_INTERVAL", SamplingInterval(first_s=first_s, growth=1.0))
    with Bench(backend=replay_backend(read_cassette(target.path), why="a test"), fleet=HEAVY) as bench:
        replayed = bench.run(chain)
    assert replayed.outcomes == recorded.outcomes
    assert [step.started_s for step in replayed.steps] == [step.started_s for step in recorded.steps]
    assert replayed.makespan_s == recorded.makespan_s


@pytest.mark.usefixtures("rare_samples")
@pytest.mark.parametrize(("kind", "sparse"), [("sim", True), ("ollama", False)])
def test_a_replay_samples_as_its_recording_did(tmp_path: Path, kind: str, sparse: bool) -> None:
    target = RecordingTarget(path=tmp_path / "c.jsonl")
    run(recording_backend(replace(slow_server().backend(), kind=kind, simulated=True), target))
    assert replay_backend(read_cassette(target.path), why="a test").sparse_samples is sparse


@pytest.mark.usefixtures("rare_samples")
def test_a_case_is_replayed_as_its_own_recording_was_made_and_a_missing_one_says_so(tmp_path: Path) -> None:
    target = RecordingTarget(path=tmp_path / "c.jsonl")
    for mode in ("greedy", "random"):
        with Bench(backend=recording_backend(slow_server().backend(), target), fleet=HEAVY) as bench:
            bench.run(case(graph(ids="a"), mode))
    cassette = read_cassette(target.path)
    first, last = cassette.takes
    other = replace(last, origin=replace(last.origin, simulated=not first.origin.simulated))
    backend = replay_backend(replace(cassette, takes=(first, other)), why="a test")
    assert backend.for_case is not None
    found = [backend.for_case(case(graph(ids="a"), mode)).simulated for mode in ("greedy", "random")]
    assert found == [first.origin.simulated, other.origin.simulated]
    missing = case(graph(ids="a"), "fixed")
    with Bench(backend=backend.for_case(missing), fleet=HEAVY) as bench:
        record = bench.run(missing)
    assert record.status is JobStatus.ERROR
    assert record.error is not None
    assert record.error.startswith(f"cassette {target.path}")
    assert "fixed" in record.error
