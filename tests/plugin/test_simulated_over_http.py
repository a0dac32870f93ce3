"""Figures of a simulated server that is called by its address are marked as simulated wherever they are shown."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_swarm.calibration.reference_answers import REQUEST_SEED
from pytest_swarm.cli import main
from pytest_swarm.domain.expectation import Number
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.seeding import prompt_seed, request_seed, task_seeds
from pytest_swarm.domain.task import Task
from pytest_swarm.gate.run_context import reproducible, run_context_of, seeded, virtual_clock
from pytest_swarm.plugin import backend_choice
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest
from pytest_swarm.simulator.simulated_world import load_world
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.workloads.expected_files import expected_path, read_expected
from pytest_swarm.workloads.graph_files import save_graph
from tests.plugin.conftest import Reports, served

pytest.importorskip("uvicorn")
from tests.plugin.test_hosts import arguments

MARK = "no model was run; every figure comes from a simulated server."


def test_a_simulated_server_at_an_address_is_marked_in_every_output(suite: pytest.Pytester, reports: Reports) -> None:
    with served() as url:
        kinds = [f"--swarm-report={each}" for each in ("json", "html", "md", "csv:out.csv")]
        result = suite.runpytest(*arguments(url), "--swarm-decide", "--swarm-update-baseline", *kinds)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"swarm: SIMULATED Ollama at {url} (*", f"SIMULATED: {MARK}", "*figures are SIMULATED.*"]
    )
    assert reports.report["run"]["simulated"]
    assert all(case["simulated"] for case in reports.report["cases"])
    for kind in ("html", "md"):
        text = next(reports.folder.glob(f"*.{kind}")).read_text(encoding="utf-8")
        assert MARK in text
    with (suite.path / "out.csv").open(newline="") as file:
        assert [row["simulated"] for row in csv.DictReader(file)] == ["true"]
    stored = json.loads((suite.path / "swarm-baseline.json").read_text())
    assert '"simulated": true' in json.dumps(stored)


def test_a_simulated_server_without_task_graphs_is_named_so(suite: pytest.Pytester, reports: Reports) -> None:
    """It recognizes no task, so that every mode scores next to nothing, and no figure says why."""
    sentence = "was given no task graph, *: scores say nothing; start it with `--graph FILE` of *"
    with served() as url:
        suite.runpytest(*arguments(url)).stdout.fnmatch_lines([f"swarm: the simulated server {sentence}"])
    assert any(fnmatch(note, f"the simulated server {sentence}") for note in reports.report["notes"])


def test_one_with_task_graphs_is_not(suite: pytest.Pytester) -> None:
    graph = TaskGraph(name="other", tasks=(Task(id="a", type="math", prompt="What is 2 + 3?", estimated_tokens=10),))
    world = load_world("a40", seed=12)
    with serve_in_thread(world.server(world.generator([graph]))) as url:
        result = suite.runpytest(*arguments(url), "--swarm-dry-run")
    result.stdout.fnmatch_lines(["swarm: SIMULATED Ollama*"])
    result.stdout.no_fnmatch_line("*no task graph*")


def test_its_clock_and_seed_are_its_own(suite: pytest.Pytester, reports: Reports) -> None:
    with served() as url:
        suite.runpytest(*arguments(url)).assert_outcomes(passed=1)
    there = run_context_of(read_run(reports.folder / "events.jsonl").info)
    suite.runpytest("--swarm-compare=greedy").assert_outcomes(passed=1)
    here = run_context_of(read_run(reports.folder / "events.jsonl").info)
    for told in (reproducible, seeded, virtual_clock):
        assert (told(there, there), told(here, here)) == (False, True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[GenerationRequest]:
    """Each request of a text that a simulated server gets."""
    requests: list[GenerationRequest] = []
    generate = ProfileGenerator.generate

    def noting(generator: ProfileGenerator, request: GenerationRequest) -> GeneratedText:
        requests.append(request)
        return generate(generator, request)

    monkeypatch.setattr(ProfileGenerator, "generate", noting)
    return requests


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "as if it were real"])
def test_only_prompts_of_real_models_get_a_seed_of_their_own(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, asked: list[GenerationRequest], *, simulated: bool
) -> None:
    """A simulated server draws by task, so a run over HTTP has the answers of one in process."""
    monkeypatch.setattr(backend_choice, "is_simulated_server", lambda *_: simulated)
    with served() as url:
        suite.runpytest(*arguments(url)).assert_outcomes(passed=1)
    assert asked
    of_repeat = request_seed(0, 1)
    assert {each.seed for each in asked} == {
        of_repeat if simulated else prompt_seed(of_repeat, each.messages) for each in asked
    }


def test_the_expect_command_asks_a_simulated_server_as_a_run_does(
    tmp_path: Path, asked: list[GenerationRequest]
) -> None:
    job = tmp_path / "job.toml"
    tasks = tuple(Task(id=name, type="math", prompt="2 + 5?", estimated_tokens=9) for name in ("a", "b"))
    graph = TaskGraph(name="job", tasks=tasks)
    save_graph(graph, job)
    with served() as url:
        assert main(["expect", str(job), "--reference", "phi4:14b", "--host", url]) == 0
    assert "SIMULATED: no model gave these answers" in expected_path(job).read_text()
    assert [each.seed for each in asked] == [*task_seeds(graph, REQUEST_SEED).values()]


def test_the_expect_command_asks_for_nothing_that_it_would_not_write(
    tmp_path: Path, asked: list[GenerationRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    known = Task(id="b", type="math", prompt="2 + 5?", estimated_tokens=9, expected=Number(value=7))
    graph = TaskGraph(name="job", tasks=(replace(known, id="a", expected=None), known), edges=(("a", "b"),))
    done = replace(graph, name="done", tasks=(replace(known, id="a"), known))
    for name, each in {"done": done, "begun": graph, "open": graph}.items():
        save_graph(each, tmp_path / f"{name}.toml")
    begun = expected_path(tmp_path / "begun.toml")
    begun.parent.mkdir()
    begun.write_text("[tasks]\n")
    with served() as url:
        assert main(["expect", str(tmp_path), "--reference", "phi4:14b", "--host", url]) == 1
    assert len(asked) == 1
    assert [*read_expected(expected_path(tmp_path / "open.toml"))] == ["a"]
    assert f"{begun}: exists already, and lacks 1 task; complete it by hand, or remove it" in capsys.readouterr().out
