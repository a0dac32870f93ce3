"""`profile` and `fleet`: recordings and a server become files that load and give the measured values back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.calibration.measured_models import measure_models
from pytest_swarm.calibration.pooled_accuracy import pooled_accuracies
from pytest_swarm.cli import main
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.domain.task import TaskType
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.recorded_backends import RecordingTarget, recording_backend
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import A40, HEAVY, PLANNER

GRAPHS = Path(__file__).parents[2] / "benchmarks" / "graphs"


def record(path: Path, *modes: str, repeats: int = 4, seed: int = 0) -> None:
    """Record wb1 to wb3 on the simulated A40."""
    backend = simulated_backend(SimulatedWorld(profile=A40, seed=seed), HEAVY)
    recording = recording_backend(backend, RecordingTarget(path=path))
    with Bench(backend=recording, fleet=HEAVY, settings=BenchSettings(planner=PLANNER, seed=seed)) as bench:
        for name in ("wb1", "wb2", "wb3"):
            graph = load_graph(GRAPHS / f"{name}.toml")
            for mode in modes:
                for repeat in range(1, repeats + 1):
                    key = CaseKey(mode=mode, horizon=0, vram_budget_gb=24.0, repeat=repeat)
                    bench.run(Case(graph=graph, key=key))


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cassette") / "c.jsonl"
    record(path, "single:qwen2.5-coder:7b", "single:phi4:14b")
    return path


def test_a_profile_gives_back_what_was_simulated(cassette: Path, tmp_path: Path) -> None:
    out = tmp_path / "my_gpu.toml"
    assert main(["profile", "--from", str(cassette), "--out", str(out)]) == 0
    measured = load_profile(out)
    assert measured.tags == ("phi4:14b", "qwen2.5-coder:7b")
    assert "SIMULATED" in measured.source
    for tag in measured.tags:
        found, true = measured.model(tag), A40.model(tag)
        assert found is not None
        assert true is not None
        assert found.spec.decode_tokens_per_s == pytest.approx(true.spec.decode_tokens_per_s, rel=1e-3)
        assert found.spec.prefill_tokens_per_s == pytest.approx(true.spec.prefill_tokens_per_s, rel=1e-3)
        assert found.spec.size_bytes == pytest.approx(true.spec.size_bytes, abs=2)
        assert 0 <= found.spec.load_s - true.spec.load_s <= 0.25  # the server looks every 250 ms
        assert found.spec.blob == true.spec.blob


@pytest.mark.parametrize(("name", "option"), [("p.toml", "--out"), ("p.fleet.toml", "--fleet-out")])
def test_the_profile_command_overwrites_nothing(
    cassette: Path, tmp_path: Path, name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("# by hand\n")
    assert main(["profile", "--from", str(cassette), "--no-check", "--out", str(tmp_path / "p.toml")]) == 1
    assert f"{name}: exists already; choose another {option}, or move it" in capsys.readouterr().err
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "# by hand\n")]


def test_accuracy_and_length_of_answers_are_those_of_the_model_itself(cassette: Path, tmp_path: Path) -> None:
    """Each type has few answers here, and the base profile knows both models: nothing of it is taken over."""
    out = tmp_path / "p.toml"
    assert main(["profile", "--from", str(cassette), "--no-check", "--out", str(out)]) == 0
    profile = load_profile(out)
    for found in measure_models(read_cassette(cassette).takes):
        model = profile.model(found.tag)
        assert model is not None
        pooled = pooled_accuracies(found.answers.accuracy, profile.behaviour)
        assert {kind: each.value for kind, each in model.accuracy.items()} == pytest.approx(pooled, abs=1e-4)
        assert profile.accuracy(found.tag, "creative") == pytest.approx(pooled["*"], abs=1e-4)
        assert dict(model.completion_tokens) == dict(found.completion_tokens)


def test_a_server_that_tells_no_size_leaves_the_footprint_of_the_fleet(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one does whose runner reports an offload to a GPU that is not there."""
    unsized, out = tmp_path / "unsized.jsonl", tmp_path / "p.toml"
    text, sizes = re.subn(r'(\\"size(_vram)?\\": ?)\d+', r"\g<1>0", cassette.read_text())
    assert sizes
    unsized.write_text(text)
    assert main(["profile", "--from", str(unsized), "--no-check", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "phi4:14b: the server told no size of it; its footprint is that of fleet heavy" in said
    assert said.endswith(f"sim --swarm-profile={out} --swarm-fleet={tmp_path / 'p.fleet.toml'}\n")
    fleet = load_fleet(tmp_path / "p.fleet.toml")
    assert [model.vram_gb for model in fleet] == [HEAVY[model.tag].vram_gb for model in fleet]
    assert re.search(r"vram_gb = \S+  # from fleet heavy, not measured", (tmp_path / "p.fleet.toml").read_text())
    phi = load_profile(out).model("phi4:14b")
    assert phi is not None
    assert 0.5 < phi.spec.size_bytes / 1e9 / HEAVY["phi4:14b"].vram_gb < 1


def test_the_fleet_file_holds_measured_figures(cassette: Path, tmp_path: Path) -> None:
    fleet_out = tmp_path / "measured.toml"
    arguments = ["profile", "--from", str(cassette), "--out", str(tmp_path / "p.toml"), "--fleet-out", str(fleet_out)]
    assert main(arguments) == 0
    fleet, models = (
        load_fleet(fleet_out),
        {model.tag: model for model in measure_models(read_cassette(cassette).takes)},
    )
    assert set(fleet.tags) == set(models)
    for model in fleet:
        found = models[model.tag]
        assert found.size_bytes is not None
        assert found.warm_load_s is not None
        assert model.vram_gb == pytest.approx(found.size_bytes / 1e9, abs=1e-3)
        assert model.load_time_ms == pytest.approx(found.warm_load_s * 1000, abs=0.1)
        assert model.cost_per_token == HEAVY[model.tag].cost_per_token
        code = found.answers.accuracy[TaskType.CODE]
        assert model.capability(TaskType.CODE) == pytest.approx(code.rate, abs=1e-4)
    assert "Wilson 95 % interval" in fleet_out.read_text()
    assert "from fleet heavy, not measured" in fleet_out.read_text()


def test_a_run_on_the_measured_profile_is_like_the_recorded_one(cassette: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.toml"
    assert main(["profile", "--from", str(cassette), "--out", str(out)]) == 0
    case = Case(
        graph=load_graph(GRAPHS / "wb2.toml"), key=CaseKey(mode="single:phi4:14b", horizon=0, vram_budget_gb=24.0)
    )
    makespans = []
    for profile in (A40, load_profile(out)):
        with Bench(backend=simulated_backend(SimulatedWorld(profile=profile), HEAVY), fleet=HEAVY) as bench:
            makespans.append(bench.run(case).makespan_s or 0)
    assert makespans[1] == pytest.approx(makespans[0], rel=0.15)


def test_runs_of_several_seeds_are_checked_each_with_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{seed}.jsonl" for seed in (3, 4)]
    for seed, path in enumerate(paths, 3):
        record(path, "random", repeats=5 - seed, seed=seed)
    assert main(["profile", "--from", *map(str, paths), "--out", str(tmp_path / "p.toml")]) == 0
    rows = {line.split()[1]: line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("| ")}
    assert rows["equal"][4] == rows["equal"][6] == "6"
    assert rows["completion_tokens"][7] == "1.000"


def test_a_recorded_case_counts_once_though_two_files_hold_it(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy" / cassette.name
    copy.parent.mkdir()
    copy.write_bytes(cassette.read_bytes())
    cases = len(read_cassette(cassette).takes)
    texts: list[list[str]] = []
    for files in ([cassette], [cassette, copy]):
        out = tmp_path / str(len(files)) / "p.toml"
        out.parent.mkdir()
        assert main(["profile", "--no-check", "--out", str(out), "--from", *map(str, files)]) == 0
        texts.append([line for line in out.read_text().splitlines() if " recorded cases in " not in line])
    assert texts[0] == texts[1]
    said = f"{cases} recorded cases left out, because another file holds the same recording\n"
    assert said in capsys.readouterr().out
    assert f"measured from {cases} recorded cases in " in out.read_text()


def test_an_answer_counts_once_however_often_it_was_given(tmp_path: Path) -> None:
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    record(once, "single:phi4:14b", repeats=1)
    record(twice, "single:phi4:14b", "single:phi4:14b", repeats=1)

    def tallies(path: Path) -> object:
        (phi,) = [each for each in measure_models(read_cassette(path).takes) if each.tag == "phi4:14b"]
        return dict(phi.answers.accuracy)

    assert tallies(twice) == tallies(once)


def test_the_profile_needs_a_fleet_that_knows_the_models(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["profile", "--from", str(cassette), "--out", str(tmp_path / "p.toml"), "--fleet", "fast"])
    assert status != 0
    assert "phi4:14b" in capsys.readouterr().err
    assert not (tmp_path / "p.toml").exists()


def test_a_recording_without_calls_gives_no_profile(
    cassette: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = tmp_path / "header.jsonl"
    header.write_bytes(cassette.read_bytes().splitlines(keepends=True)[0])
    assert main(["profile", "--from", str(header), "--out", str(tmp_path / "p.toml")]) == 1
    error = capsys.readouterr().err
    assert "header.jsonl: no model can be simulated from it (it contains no calls)" in error
    assert error.count("\n") == 1


def test_the_fleet_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "--host", "http://127.0.0.1:9"]) != 0
    assert "no Ollama server answers at http://127.0.0.1:9" in capsys.readouterr().err
    assert main(["fleet", "--host", "http://127.0.0.1:9", "--num-ctx", "0"]) != 0
    assert "--num-ctx" in capsys.readouterr().err


def test_the_fleet_command_writes_a_file_that_loads(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    from pytest_swarm.simulator.http_server import serve_in_thread

    models = tuple(replace(each, load_s=0.0, first_load_s=None) for each in A40.server_spec.models[:1])
    server = SimulatedWorld(profile=A40).server(spec=replace(A40.server_spec, models=models))
    (tmp_path / "fleet.toml.part").write_text("what an earlier try had measured")
    with serve_in_thread(server) as url:
        assert main(["fleet", "--host", url, "--out", str(tmp_path / "fleet.toml")]) == 0
    assert load_fleet(tmp_path / "fleet.toml").tags == A40.tags[:1]
    assert [each.name for each in tmp_path.iterdir()] == ["fleet.toml"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("capabilities = { code = 0.9 }\n", "has capabilities or [assign], which would be lost"),
        ("", "no Ollama server answers"),  # what was measured alone is measured anew
    ],
)
def test_the_fleet_command_replaces_no_capabilities(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, said: str
) -> None:
    out = tmp_path / "fleet.toml"
    row = '[[model]]\nname = "m:1"\nvram_gb = 2.0\nload_time_ms = 1\ncost_per_token = 0.4\nmax_ctx = 8192\n'
    out.write_text(row + written)
    assert main(["fleet", "--host", "http://127.0.0.1:9", "--out", str(out)]) == 1
    assert said in capsys.readouterr().err
    assert out.read_text() == row + written


def test_the_fleet_command_measures_the_named_models_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    from pytest_swarm.simulator.http_server import serve_in_thread

    models = tuple(replace(each, load_s=0.0, first_load_s=None) for each in A40.server_spec.models[:3])
    server = SimulatedWorld(profile=A40).server(spec=replace(A40.server_spec, models=models))
    out = tmp_path / "fleet.toml"
    with serve_in_thread(server) as url:
        assert (
            main(["fleet", "--host", url, "--out", str(out), "--models", f"{A40.tags[1]}, {A40.tags[0].upper()}"]) == 0
        )
        assert set(load_fleet(out).tags) == set(A40.tags[:2])
        said = capsys.readouterr().err
        assert "measuring 2 models, each of which is loaded twice; --models" in said
        assert said.endswith(f"expect of each model, then pytest --swarm-fleet={out}\n")
        assert main(["fleet", "--host", url, "--models", "psychic:7b"]) == 1
        assert "does not have psychic:7b" in capsys.readouterr().err
    assert main(["fleet", "--host", url, "--models", "a,,b"]) == 4
    assert "--models: 'a,,b' has an empty entry" in capsys.readouterr().err
    assert main(["fleet", "--host", url, "--models", "a b"]) == 4
    assert "--models: no server takes 'a b' as the name of a model" in capsys.readouterr().err


def test_a_fleet_that_cannot_be_written_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    from pytest_swarm.simulator.http_server import serve_in_thread

    models = tuple(replace(each, load_s=0.0, first_load_s=None) for each in A40.server_spec.models[:1])
    server = SimulatedWorld(profile=A40).server(spec=replace(A40.server_spec, models=models))
    with serve_in_thread(server) as url:
        assert main(["fleet", "--host", url, "--out", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert f'name = "{A40.tags[0]}"' in shown.out
    assert f"{tmp_path}: cannot be written" in shown.err
