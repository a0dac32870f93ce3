"""`python -m pytest_swarm COMMAND`, as a user calls it."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from pytest_swarm import cli
from pytest_swarm.cli import COMMANDS, main
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.events import encode_job_summary, encode_run_end, encode_run_start
from pytest_swarm.telemetry.sink import FileSink, ListSink
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import case, graph, run
from tests.plugin.conftest import usual_signals
from tests.plugin.test_usage_errors import refusing_stat
from tests.report.factories import info
from tests.workloads.flow_documents import DIFY

GRAPHS = Path(__file__).parents[2] / "benchmarks" / "graphs"


def a_run(folder: Path, *modes: str) -> Path:
    """A finished run of one job under each mode."""
    file = FileSink(folder / "events.jsonl")
    file.emit(encode_run_start(info(run=folder.name)))
    for mode in modes:
        sink = ListSink()
        record = run(case(graph(("a", "b"), name="job"), mode), sink=sink)
        for event in [*sink.events, encode_job_summary(record, 1.0, {})]:
            file.emit(event)
    file.emit(encode_run_end(RunEndEvent(ts_ms=2.0, complete=True, notes=())))
    file.close()
    return folder


def test_an_environment_without_the_package_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("pytest_swarm.cli.version", missing)
    assert main(["decide", "reports/none"]) == 1
    assert f"error: pytest-swarm-router is not installed in {sys.executable}; " in capsys.readouterr().err


def test_report_rebuilds_any_kind_from_the_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_run(tmp_path / "one", "lp", "milp")
    assert main(["report", str(folder), "--type=json", "--type=html", "--type=md"]) == 0
    assert {"report.json", "report.html", "report.md"} <= {path.name for path in folder.iterdir()}
    report = json.loads((folder / "report.json").read_text())
    assert {each["mode"] for each in report["cases"]} == {"lp", "milp"}
    assert capsys.readouterr().out.count("wrote ") == 3


def test_report_lays_runs_side_by_side(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / name, "lp", "greedy") for name in ("first", "second")]
    assert main(["report", *map(str, runs), "--out", str(tmp_path / "out")]) == 0
    (page,) = (tmp_path / "out").rglob("*.html")
    assert "second" in page.read_text()


def test_a_mistake_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "nowhere" in error
    assert error.count("\n") == 1


def test_a_run_of_another_user_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "stat", refusing_stat(Path.stat))
    commands = ("report locked/run", "merge locked/run --out m", "decide locked/run", "answers list --answers locked/a")
    for command in commands:
        assert main(command.split()) in (1, 4)
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["merge", "run", "--out", ""], "--out is empty"),
        (["serve", "--host="], "--host is empty"),
        (["report", " "], "an argument is empty"),
        *((command.replace("@", "x" * 300).split(), "File name too long; name a file with a shorter path")
          for command in ("new @", "report @", "import @ --out o", "decide @", "estimates --from @ --out e")),
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_one_sentence(
    arguments: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 4
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("given", [["--input=query="], ["--input", "query="]])
def test_an_input_of_a_workflow_may_be_empty(given: list[str], tmp_path: Path) -> None:
    flow = tmp_path / "flow.json"
    flow.write_text(json.dumps(DIFY))
    assert main(["import", str(flow), "--out", str(tmp_path / "out"), *given]) == 0


def test_no_name_commands_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(tmp_path / "\x1b[31m\u202erun\t", "lp")
    assert main(["merge", str(run), "--out", str(tmp_path / "merged")]) == 0
    assert "\\u001b[31m\\u202erun\t: 1 job\n" in capsys.readouterr().out


def test_import_writes_graphs_and_says_what_it_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text('{"tasks": 3}')
    assert main(["import", str(GRAPHS / "wb1.toml"), str(tmp_path / "bad.json"), "--out", str(tmp_path / "out")]) == 1
    assert load_graph(tmp_path / "out" / "wb1.toml") == load_graph(GRAPHS / "wb1.toml")
    said = capsys.readouterr().out
    assert "bad.json" in said
    assert f"\nnext: python -m pytest_swarm expect {tmp_path / 'out'} --reference MODEL" in said
    assert main(["import", str(tmp_path / "bad.json"), "--out", str(tmp_path / "out"), "--keep-going"]) == 0
    assert main(["import", str(tmp_path / "none.json"), "--out", str(tmp_path / "out")]) == 1
    assert "none.json: there is no such file" in capsys.readouterr().out


def test_new_writes_a_benchmark_that_runs(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "tickets", "--folder", str(pytester.path)]) == 0
    assert "pytest" in capsys.readouterr().out
    args = ("-p", "no:randomly", "--swarm-vram=8GB", "--swarm-backend=sim", "--swarm-compare=both")
    pytester.runpytest(*args).assert_outcomes(passed=2)


def test_the_module_runs_and_needs_no_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; from pytest_swarm.cli import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout


def test_without_arguments_the_commands_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([]) == 0
    listed = capsys.readouterr().out.partition("COMMAND\n")[2].partition("\n\n")[0]
    entries = re.split(r"\n(?=    \S)", listed.removeprefix("\n"))  # a long name has its help on the next line
    assert [entry.split()[0] for entry in entries] == list(COMMANDS)
    assert min(len(entry.split()) for entry in entries) > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])
    assert raised.value.code == 0
    text = capsys.readouterr().out
    assert f"python -m pytest_swarm {command}" in text
    assert "show this help message" in text


@pytest.mark.parametrize("arguments", [["sing"], ["expect"], ["profile", "--from"], ["import", "x.json"]])
def test_invalid_arguments_exit_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["fleet"], ["answers", "prune"], ["expect", str(GRAPHS / "wb1.toml"), "--reference=phi4:14b"]]
)
def test_the_server_is_that_of_the_option_else_that_of_the_environment(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    AnswerStore(tmp_path / ".swarm-answers").close()
    monkeypatch.setenv("OLLAMA_HOST", "ftp://a")
    assert main(command) == 4
    assert "OLLAMA_HOST: 'ftp://a' is not the URL of an HTTP server" in capsys.readouterr().err
    assert main([*command, "--host=ftp://b"]) == 4
    assert "--host: 'ftp://b' is not the URL of an HTTP server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [("SIGINT", 130, "Ctrl-C"), ("SIGTERM", 143, "SIGTERM"), ("SIGHUP", 129, "SIGHUP")],
)
def test_a_signal_is_one_sentence_and_the_status_of_shells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, status: int, said: str
) -> None:
    if not hasattr(signal, name):
        pytest.skip("no such signal here")

    async def work() -> None:
        signal.raise_signal(getattr(signal, name))
        await asyncio.sleep(60)

    def stop(_: object) -> int:
        asyncio.run(work())
        return 0

    monkeypatch.setattr("pytest_swarm.cli.fleet_command.run", stop)
    with usual_signals():
        before = signal.getsignal(signal.SIGTERM)
        assert main(["fleet", "--host", "http://127.0.0.1:1"]) == status
        assert signal.getsignal(signal.SIGTERM) == before
    assert capsys.readouterr().err == f"fleet was stopped by {said}\n"


def test_ctrl_c_while_the_modules_are_imported_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        """A finder of modules that is interrupted where the commands are looked for."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "pytest_swarm.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "pytest_swarm.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as raised:
        runpy.run_path(str(Path(cli.__file__).parents[1] / "__main__.py"), run_name="__main__")
    assert (raised.value.code, capsys.readouterr().err) == (130, "python -m pytest_swarm was stopped by Ctrl-C\n")


def test_the_status_is_that_of_the_signal_where_a_dataclass_was_being_made(tmp_path: Path) -> None:
    """`dataclass` and `namedtuple` run text; CPython remembers that it was interrupted there, but only as a process."""
    (tmp_path / "stopped.py").write_text(
        "import sys\n"
        "from pytest_swarm import cli\n"
        "from pytest_swarm.cli import report_command\n"
        "text = 'import signal; signal.raise_signal(signal.SIGTERM)'\n"
        "report_command.run = lambda _: exec(text)\n"
        "sys.exit(cli.main(['report', 'x']))\n"
    )
    done = subprocess.run([sys.executable, "-m", "stopped"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "report was stopped by SIGTERM\n")
