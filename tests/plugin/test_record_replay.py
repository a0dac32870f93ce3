"""A run over HTTP, recorded; the same run from the cassette, with sockets blocked."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pytest_swarm.simulator.server import app
from tests.plugin.conftest import GRAPHS, Reports

WORKFLOWS = f"""
from pathlib import Path
import pytest
from pytest_swarm import load_graph

@pytest.fixture(params=["wb1", "wb2"])
def dag(request):
    return load_graph(Path({str(GRAPHS)!r}) / f"{{request.param}}.toml")

def test_workflow(swarm_run, dag):
    assert swarm_run(dag).status == "completed"
"""

MODES = "--swarm-compare=milp,llm"
RUN_KEYS = ("run", "command", "machine", "versions", "options", "backend", "backend_detail", "host")
"""Keys of `run` that tell two runs of the same cases apart."""


def without_wall_clock(value: Any) -> Any:
    """A report without what docs/recording.md lists as the run's own."""
    if isinstance(value, list):
        return [without_wall_clock(each) for each in value]
    if not isinstance(value, dict):
        return value
    free = ("decision_ms", "solve_ms")
    return {
        key: without_wall_clock(each)
        for key, each in value.items()
        if not key.startswith(free) and not key.endswith("ts_ms")
    }


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    run = {key: value for key, value in report["run"].items() if key not in RUN_KEYS}
    plain: dict[str, Any] = without_wall_clock({**report, "run": run})
    return plain


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def record(suite: pytest.Pytester, host: str, *args: str) -> pytest.RunResult:
    suite.makepyfile(test_workflow=WORKFLOWS)
    return suite.runpytest(
        "test_workflow.py", MODES, "--swarm-backend=record", f"--swarm-host={host}", "--swarm-cassette=c.jsonl", *args
    )


def replay(suite: pytest.Pytester, *args: str) -> pytest.RunResult:
    return suite.runpytest("test_workflow.py", "--swarm-backend=replay", "--swarm-cassette=c.jsonl", *args)


def test_replay_gives_the_recorded_report(
    suite: pytest.Pytester, reports: Reports, fast_server: str, request: pytest.FixtureRequest
) -> None:
    recorded = record(suite, fast_server)
    recorded.assert_outcomes(passed=4)
    recorded.stdout.fnmatch_lines([f"swarm: recording into c.jsonl: SIMULATED Ollama at {fast_server} (*"])
    before = reports.report
    request.getfixturevalue("no_sockets")
    replayed = replay(suite, MODES)
    replayed.assert_outcomes(passed=4)
    source = f"SIMULATED Ollama at {fast_server} (asked for by --swarm-backend)"
    replayed.stdout.fnmatch_lines([f"swarm: SIMULATED, replaying c.jsonl, 4 cases recorded from {source}"])
    after = reports.report
    assert after["run"]["backend"] == "replay"
    assert comparable(after) == comparable(before)
    assert any(case["makespan_s"] > 0 for case in after["cases"])


BRANCHES = """
from pytest_swarm import Task, TaskGraph

def test_branches(swarm_run):
    kinds = ("extraction", "math", "code", "reasoning")
    end = Task(id="end", type="summarize", prompt="Sum up.", estimated_tokens=60)
    tasks = [Task(id=kind, type=kind, prompt=f"Do {kind}.", estimated_tokens=90, difficulty=4) for kind in kinds]
    swarm_run(TaskGraph(name="branches", tasks=(*tasks, end), edges=tuple((kind, "end") for kind in kinds)))
"""


@pytest.mark.parametrize("over_sockets", [False, True], ids=["virtual", "sockets"])
def test_tasks_that_are_dispatched_one_by_one_replay_as_recorded(
    suite: pytest.Pytester, reports: Reports, request: pytest.FixtureRequest, fast_server: str, over_sockets: bool
) -> None:
    suite.makepyfile(test_branches=BRANCHES)
    host = (f"--swarm-host={fast_server}",) if over_sockets else ()
    args = ("test_branches.py", "--swarm-cassette=c.jsonl", "--swarm-dispatch=tasks", "--swarm-vram=24GB")
    args = (*args, "--swarm-compare=milp,fixed,llm")
    suite.runpytest(*args, "--swarm-backend=record", *host).assert_outcomes(passed=3)
    before, tasks, loads = reports.report, reports.of("task_result"), reports.of("model_switch")
    assert over_sockets or any(  # in real time it depends on the machine
        load["case"] == task["case"]
        and task["started_s"] < load["finished_s"]
        and load["started_s"] < task["finished_s"]
        for load in loads
        for task in tasks
    ), "a model was loaded while a task ran"
    request.getfixturevalue("no_sockets")
    suite.runpytest(*args, "--swarm-backend=replay").assert_outcomes(passed=3)
    assert comparable(reports.report) == comparable(before)
    assert [each["started_s"] for each in reports.of("model_switch")] == [each["started_s"] for each in loads]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the suite that was recorded first, so that each further test starts with a copy of it."""
    return tmp_path_factory.mktemp("recording")


@pytest.fixture
def recorded(suite: pytest.Pytester, recording: Path) -> pytest.Pytester:
    """A suite whose workflows are recorded from the simulator."""
    if not any(recording.iterdir()):
        suite.makepyfile(test_workflow=WORKFLOWS)
        result = suite.runpytest("test_workflow.py", MODES, "--swarm-backend=record", "--swarm-cassette=c.jsonl")
        result.assert_outcomes(passed=4)
        shutil.copytree(suite.path, recording, dirs_exist_ok=True)
    else:
        shutil.copytree(recording, suite.path, dirs_exist_ok=True)
    return suite


def by_case(report: dict[str, Any]) -> dict[str, Any]:
    return {case["digest"]: case for case in comparable(report)["cases"]}


def test_a_subset_replays_as_in_the_whole_run(recorded: pytest.Pytester, reports: Reports) -> None:
    whole = by_case(reports.report)
    replay(recorded, MODES, "-k", "wb2").assert_outcomes(passed=2, deselected=2)
    subset = by_case(reports.report)
    assert len(subset) == 2
    assert subset == {digest: whole[digest] for digest in subset}


def test_replays_under_xdist(recorded: pytest.Pytester, reports: Reports) -> None:
    whole = by_case(reports.report)
    args = ("test_workflow.py", MODES, "--swarm-backend=replay", "--swarm-cassette=c.jsonl")
    recorded.runpytest(*args, "-n2").assert_outcomes(passed=4)
    replayed = by_case(reports.report)
    assert len(replayed) == 4
    assert replayed == whole


def test_workers_record_into_one_cassette(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_workflow=WORKFLOWS)
    args = ("test_workflow.py", MODES, "--swarm-cassette=c.jsonl")
    suite.runpytest(*args, "--swarm-backend=record", "-n2").assert_outcomes(passed=4)
    whole = by_case(reports.report)
    replay(suite, MODES).assert_outcomes(passed=4)
    assert by_case(reports.report) == whole


def test_new_records_only_what_is_not_there(recorded: pytest.Pytester, reports: Reports) -> None:
    before = (recorded.path / "c.jsonl").read_bytes()
    whole = by_case(reports.report)
    args = ("test_workflow.py", "--swarm-backend=record", "--swarm-cassette=c.jsonl")
    recorded.runpytest(*args, "--swarm-compare=milp,llm,greedy").assert_outcomes(passed=6)
    assert {digest: case for digest, case in by_case(reports.report).items() if digest in whole} == whole
    after = (recorded.path / "c.jsonl").read_bytes()
    assert after.startswith(before)
    takes = [line for line in map(json.loads, after.splitlines()) if "mode" in line]
    assert [take["mode"] for take in takes].count("greedy") == 2
    assert len(takes) == 6


def test_all_appends_and_the_newest_take_is_played(recorded: pytest.Pytester, reports: Reports) -> None:
    before = (recorded.path / "c.jsonl").read_bytes()
    args = ("test_workflow.py", MODES, "--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-record-mode=all")
    recorded.runpytest(*args, "--swarm-seed=5").assert_outcomes(passed=4)
    newest = by_case(reports.report)
    assert (recorded.path / "c.jsonl").read_bytes().startswith(before)
    replay(recorded, MODES, "--swarm-seed=5").assert_outcomes(passed=4)
    assert by_case(reports.report) == newest


def test_once_plays_a_cassette_that_is_there(recorded: pytest.Pytester) -> None:
    before = (recorded.path / "c.jsonl").read_bytes()
    args = ("test_workflow.py", "--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-record-mode=once")
    result = recorded.runpytest(*args, "--swarm-compare=milp,greedy")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*cassette c.jsonl does not hold wb? ?greedy-h0-8GB?*nearest recorded case*"])
    assert (recorded.path / "c.jsonl").read_bytes() == before


def test_a_real_and_a_simulated_server_do_not_mix(
    recorded: pytest.Pytester, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "VERSION", "0.33.0")  # as a real server
    result = record(recorded, fast_server)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: cassette c.jsonl was recorded from a simulated server, this is a real one;*"])


def test_another_seed_is_refused_with_the_recorded_one(recorded: pytest.Pytester) -> None:
    result = replay(recorded, "--swarm-compare=milp", "--swarm-seed=1", "-k", "wb1")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*cassette c.jsonl does not hold the chat with * for task 's0' as wb1 ?milp-h0-8GB? asks for it; the "
            "nearest recorded exchange is the chat with * for task 's0' (its options.seed is *); it "
            "was recorded with --swarm-seed=0: give that one, or record it again with *"
        ]
    )


def test_a_changed_prompt_is_refused_and_the_rest_stays_unused(recorded: pytest.Pytester, reports: Reports) -> None:
    recorded.makepyfile(
        test_workflow=f"""
        from dataclasses import replace
        from pytest_swarm import TaskGraph, load_graph

        def test_workflow(swarm_run):
            dag = load_graph({str(GRAPHS / "wb1.toml")!r})
            tasks = tuple(replace(task, prompt=task.prompt + "!") if task.id == "s1" else task for task in dag.tasks)
            swarm_run(TaskGraph(name=dag.name, tasks=tasks, edges=dag.edges))
        """
    )
    result = replay(recorded, "--swarm-compare=milp")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*the chat with * for task 's1' as wb1 * (its messages[[]*].content differs from character*"]
    )
    (case,) = reports.report["cases"]
    assert case["status"] == "error"
    (note,) = reports.report["notes"]
    assert "recorded exchanges were not asked for" in note


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no such file; record one"),
        ("", "is empty, so it is no cassette"),
        ("hello", "holds no whole line, so it is no cassette"),
        ("hello\n", "line 1: is not valid JSON"),
        ('{"name": "x"}\n', "line 1: is not the first line of a cassette"),
        ('{"cassette": 99}\n', "cassette version 99 is newer"),
        ('{"cassette": 1}\n', "holds no case"),
    ],
)
def test_a_file_that_is_no_cassette(suite: pytest.Pytester, text: str | None, sentence: str) -> None:
    if text is not None:
        Path("c.jsonl").write_text(text)
    result = suite.runpytest("--swarm-backend=replay", "--swarm-cassette=c.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert "c.jsonl" in line
    assert sentence in line


def test_a_cut_off_cassette_loses_one_case_and_says_so(recorded: pytest.Pytester) -> None:
    path = recorded.path / "c.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    result = replay(recorded, MODES)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["swarm: *c.jsonl is cut off: wb? * is not whole and was left out; record it again"])
    args = ("test_workflow.py", MODES, "--swarm-backend=record", "--swarm-cassette=c.jsonl")
    recorded.runpytest(*args).assert_outcomes(passed=4)
    replay(recorded, MODES).assert_outcomes(passed=4)
    assert (recorded.path / "c.jsonl.cut-off").stat().st_size > 0


def test_oracle_replays_with_the_recorded_truth(suite: pytest.Pytester, reports: Reports) -> None:
    args = ("--swarm-compare=oracle,greedy", "--swarm-cassette=c.jsonl")
    suite.runpytest(*args, "--swarm-backend=record").assert_outcomes(passed=2)
    before = by_case(reports.report)
    suite.runpytest(*args, "--swarm-backend=replay").assert_outcomes(passed=2)
    assert by_case(reports.report) == before


@pytest.mark.parametrize("fault", ["hang", "cut:times=1", "busy:times=2", "garbage", "refuse:after=20"])
def test_faults_are_replayed_as_they_happened(suite: pytest.Pytester, reports: Reports, fault: str) -> None:
    args = ("--swarm-compare=greedy,llm", "--swarm-cassette=c.jsonl", "--swarm-timeout=30s")
    suite.runpytest(*args, "--swarm-backend=record", f"--swarm-fault={fault}")
    before = by_case(reports.report)
    assert sorted(case["mode"] for case in before.values()) == ["greedy", "llm"]
    suite.runpytest(*args, "--swarm-backend=replay")
    assert by_case(reports.report) == before


BENCHED = WORKFLOWS.replace("def test_workflow(swarm_run, dag):", "def test_workflow(swarm_run, dag, benchmark):") + (
    "    swarm_run.bench(benchmark)\n"
)


def test_decisions_are_timed_in_a_replay(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_workflow=BENCHED)
    args = ("-k", "wb1", "--swarm-compare=milp,llm,oracle", "--swarm-cassette=c.jsonl", "--benchmark-max-time=0.01")
    suite.runpytest("test_workflow.py", *args, "--swarm-backend=record").assert_outcomes(passed=3, deselected=3)
    before = by_case(reports.report)
    suite.runpytest("test_workflow.py", *args, "--swarm-backend=replay").assert_outcomes(passed=3, deselected=3)
    assert by_case(reports.report) == before
    assert reports.report["notes"] == []


def test_a_benchmark_that_changes_the_folder_is_recorded_where_the_run_began(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_moving="from test_invoice import dag\n"
        "def test_moving(swarm_run, dag, tmp_path, monkeypatch): monkeypatch.chdir(tmp_path); swarm_run(dag)"
    )
    args = ("test_moving.py", "--swarm-cassette=c.jsonl")
    suite.runpytest(*args, "--swarm-backend=record").assert_outcomes(passed=1)
    suite.runpytest(*args, "--swarm-backend=replay").assert_outcomes(passed=1)


def test_an_account_in_the_url_stays_out_of_the_cassette(suite: pytest.Pytester, fast_server: str) -> None:
    suite.makepyfile(test_workflow=WORKFLOWS)
    host = fast_server.replace("://", "://someone:hunter2@")
    args = ("test_workflow.py", "-k", "wb1", "--swarm-backend=record", f"--swarm-host={host}")
    suite.runpytest(*args, "--swarm-cassette=c.jsonl").assert_outcomes(passed=1, deselected=1)
    text = (suite.path / "c.jsonl").read_text()
    assert fast_server in text
    assert "hunter2" not in text
    assert "someone" not in text


def test_a_server_that_is_named_must_be_there(suite: pytest.Pytester, closed_port: int) -> None:
    result = record(suite, f"http://127.0.0.1:{closed_port}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
