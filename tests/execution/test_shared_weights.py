"""Runs with models of the same weights: whoever is asked, one copy is planned, loaded, counted and unloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.calibration.calibrate import CalibrationDefaults, calibrate
from pytest_swarm.calibration.measured_models import measure_models, missing_measurement
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.recorded_backends import RecordingTarget, recording_backend, replay_backend
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.telemetry import events
from pytest_swarm.workloads.fleet import read_fleet
from pytest_swarm.workloads.graph_files import load_graph

GRAPHS = [load_graph(Path(__file__).parents[2] / "benchmarks" / "graphs" / f"{name}.toml") for name in ("wb1", "wb2")]
SHARED = ("reader", "counter", "coder")
KINDS = {"reader": "extraction", "counter": "math", "coder": "code", "llama3.1:8b": "summarize"}
MODES = ("lp", "milp", "staged", "heft", "fixed", "collate", "greedy", "single:counter", "best-single", "random", "llm")


def profile_of(*made: str, base: str = "gemma2:2b") -> Profile:
    """The a40 profile with models that were made of one model's weights."""
    profile = load_profile("a40")
    model = next(each for each in profile.models if each.spec.name == base)
    copies = [
        replace(model, spec=replace(model.spec, name=tag, manifest=f"{n:02x}")) for n, tag in enumerate(made, start=1)
    ]
    specs = (*profile.server_spec.models, *(each.spec for each in copies))
    return replace(profile, models=(*profile.models, *copies), server_spec=replace(profile.server_spec, models=specs))


def fleet_of(*tags: str) -> Fleet:
    rows = [
        {
            "name": tag,
            "vram_gb": 8.0 if tag == "llama3.1:8b" else 3.0,
            "load_time_ms": 1500,
            "cost_per_token": 0.1,
            "max_ctx": 8192,
            "capabilities": {kind: 0.9 if kind == KINDS[tag] else 0.2 for kind in KINDS.values()},
            "prefill_tokens_per_s": 2000,
            "decode_tokens_per_s": 60,
        }
        for tag in tags
    ]
    return read_fleet({"model": rows}, name="agents", where="agents")


@pytest.fixture(scope="module", params=["layers", "tasks"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    fleet = fleet_of("reader", "llama3.1:8b", "counter", "coder")
    backend = simulated_backend(SimulatedWorld(profile=profile_of(*SHARED)), fleet)
    with Bench(backend=backend, fleet=fleet, settings=BenchSettings(planner="counter", dispatch=request.param)) as made:
        yield made


def records(bench: Bench, mode: str, budget_gb: float, horizon: int = 1) -> list[JobRecord]:
    key = CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb)
    return [bench.run(Case(graph=graph, key=key)) for graph in GRAPHS]


def test_models_of_one_blob_are_one_in_vram(bench: Bench) -> None:
    assert dict(bench.fleet.sharers) == {"counter": "reader", "coder": "reader"}
    assert [model.tag for model in bench.fleet.holders] == ["reader", "llama3.1:8b"]


@pytest.mark.parametrize("budget_gb", [4.0, 12.0])
@pytest.mark.parametrize("mode", [*MODES, "oracle"])
def test_every_mode_holds_one_copy_and_loads_it_once(bench: Bench, mode: str, budget_gb: float) -> None:
    for record in records(bench, mode, budget_gb):
        assert record.status is JobStatus.COMPLETED, record.error
        held: set[str] = set()
        for switch in record.switches:
            assert switch.model in ("reader", "llama3.1:8b")
            assert (switch.model in held) is (switch.action == "unload"), "a load of what is there, or the reverse"
            held.symmetric_difference_update({switch.model})
        loads = [each.model for each in record.switches if each.action == "load"]
        if budget_gb > 11:
            assert len(loads) == len(set(loads))
        if all(each.model != "llama3.1:8b" for each in record.outcomes) and mode != "llm":
            assert loads == ["reader"]
        for step in record.steps:
            target = set(step.target_residency)
            assert target <= {"reader", "llama3.1:8b"}
            assert step.planned_vram_gb == pytest.approx(3.0 * ("reader" in target) + 8.0 * ("llama3.1:8b" in target))
            assert step.planned_vram_gb <= budget_gb or mode == "lp"
        if bench.settings.dispatch == "layers":
            assert job_metrics(record).residency_mismatches == 0
        assert job_metrics(record).unplanned_loads == 0


def test_tasks_go_to_the_best_model_of_a_copy(bench: Bench) -> None:
    for mode in ("lp", "milp", "staged", "heft", "greedy", "fixed", "collate"):
        record = records(bench, mode, 4.0)[0]
        chosen = {record.case.graph.task(each.task).type: each.model for each in record.outcomes}
        assert chosen == {"extraction": "reader", "math": "counter", "code": "coder"}, mode


def test_the_steps_are_told_with_their_groups(bench: Bench) -> None:
    record = records(bench, "milp", 4.0)[0]
    for step in record.steps:
        written = events.encode_plan_step(record.case, step, 1.0)
        assert written["shares_with"] == {"counter": "reader", "coder": "reader"}
        assert step.held(["coder", "llama3.1:8b"]) == {"reader", "llama3.1:8b"}
        assert set(step.resident_before) <= {"reader"}
        assert step.switch_cost["counter"] == (0.0 if step.resident_before else 1.0)
    plain = replace(record.steps[0], shares_with={})
    assert "shares_with" not in events.encode_plan_step(record.case, plain, 1.0)


def test_a_recording_is_replayed_with_its_groups_and_one_without_them_with_none(tmp_path: Path) -> None:
    fleet = fleet_of("reader", "counter", "coder")
    inner = simulated_backend(SimulatedWorld(profile=profile_of(*SHARED)), fleet)
    path = tmp_path / "a.cassette"
    with Bench(backend=recording_backend(inner, RecordingTarget(path=path)), fleet=fleet) as bench:
        (first, _) = records(bench, "milp", 4.0)
    with Bench(backend=replay_backend(read_cassette(path), why="told"), fleet=fleet) as bench:
        again = records(bench, "milp", 4.0)[0]
    assert [(each.assignments, each.target_residency, each.shares_with) for each in again.steps] == [
        (each.assignments, each.target_residency, each.shares_with) for each in first.steps
    ]
    assert again.switches == first.switches
    path.write_text(re.sub(r'"same_weights":\[\[[^\]]*\]\],', "", path.read_text()))
    assert replay_backend(read_cassette(path), why="told").same_weights == ()


def test_a_profile_of_a_recording_has_the_groups_and_the_loads_of_one_copy(tmp_path: Path) -> None:
    fleet = fleet_of("reader", "counter", "coder")
    inner = simulated_backend(SimulatedWorld(profile=profile_of(*SHARED)), fleet)
    path = tmp_path / "a.cassette"
    with Bench(backend=recording_backend(inner, RecordingTarget(path=path)), fleet=fleet) as bench:
        first = [record for mode in ("milp", "fixed") for record in records(bench, mode, 4.0)]
    models = measure_models(read_cassette(path).takes)
    assert {model.tag: model.load_count for model in models} == dict.fromkeys(SHARED, 4)
    assert len({model.size_bytes for model in models}) == 1
    assert all(missing_measurement(model) is None for model in models)
    defaults = CalibrationDefaults(profile=load_profile("a40"), fleet=fleet)
    (tmp_path / "own.toml").write_text(calibrate([path], name="own", defaults=defaults).profile_text)
    again = simulated_backend(SimulatedWorld(profile=load_profile(tmp_path / "own.toml")), fleet)
    with Bench(backend=again, fleet=fleet) as bench:
        assert dict(bench.fleet.sharers) == {"counter": "reader", "coder": "reader"}
        played = [record for mode in ("milp", "fixed") for record in records(bench, mode, 4.0)]
    for before, after in zip(first, played, strict=True):
        assert [(each.model, each.action) for each in after.switches] == [
            (each.model, each.action) for each in before.switches
        ]


def test_a_planner_outside_the_fleet_uses_its_copy_also_in_a_profile_of_the_recording(tmp_path: Path) -> None:
    fleet, settings = fleet_of("reader", "counter"), BenchSettings(planner="coder")
    inner = simulated_backend(SimulatedWorld(profile=profile_of(*SHARED)), fleet)
    path = tmp_path / "a.cassette"
    with Bench(backend=recording_backend(inner, RecordingTarget(path=path)), fleet=fleet, settings=settings) as bench:
        first = records(bench, "llm", 4.0)
    made = calibrate([path], name="own", defaults=CalibrationDefaults(profile=load_profile("a40"), fleet=fleet))
    (tmp_path / "own.toml").write_text(made.profile_text)
    assert '"coder"' not in made.fleet_text
    again = simulated_backend(SimulatedWorld(profile=load_profile(tmp_path / "own.toml")), fleet)
    with Bench(backend=again, fleet=fleet, settings=settings) as bench:
        assert dict(bench.fleet.outside) == {"coder:latest": "reader"}
        played = records(bench, "llm", 4.0)
    for record in (*first, *played):
        assert {row.tag for sample in record.samples for row in sample.resident} == {"reader"}
        assert job_metrics(record).residency_mismatches == 0
        assert [(each.model, each.action) for each in record.switches] == [("reader", "load")]


def test_equal_models_of_one_copy_run_like_one_model() -> None:
    """With the same figures for all, a fleet of three names plans, loads and holds what a fleet of one does."""
    one, three = fleet_of("reader"), fleet_of("reader", "counter", "coder")
    even = dict.fromkeys(KINDS.values(), 0.5)
    found = []
    for fleet in (one, three):
        same = replace(fleet, models=tuple(replace(model, capabilities=even) for model in fleet))
        backend = simulated_backend(SimulatedWorld(profile=profile_of(*SHARED)), same)
        with Bench(backend=backend, fleet=same) as bench:
            for mode in ("lp", "milp", "staged", "heft", "greedy", "fixed", "collate", "best-single"):
                for record in records(bench, mode, 4.0):
                    steps = [(each.target_residency, each.retained, each.planned_vram_gb) for each in record.steps]
                    found.append((mode, steps, [(each.model, each.action) for each in record.switches]))
    half = len(found) // 2
    assert found[:half] == found[half:]
