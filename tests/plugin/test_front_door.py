"""The first minutes of a new user: the README's sample, `new`, and a run that measured nothing."""

from __future__ import annotations

import json

import pytest

import pytest_swarm
from pytest_swarm.cli import main
from tests.plugin.conftest import Reports
from tests.plugin.readme import README, command, excerpt, excerpt_of_readme, excerpt_words, sample


def test_the_sample_runs_from_an_empty_folder_and_keeps_its_budget(pytester: pytest.Pytester) -> None:
    name, text = sample()
    (pytester.path / name).write_text(text, encoding="utf-8")
    result = pytester.runpytest(*command("sample")[1:])
    assert result.ret == pytest.ExitCode.OK
    (report,) = pytester.path.glob("reports/*/report.json")
    assert f"wrote {report.relative_to(pytester.path)}" in result.outlines
    cases = json.loads(report.read_text(encoding="utf-8"))["cases"]
    assert [(case["mode"], case["violations"]) for case in cases] == [("milp", 0), ("llm", 0), ("greedy", 0)]


def test_the_sample_is_run_by_a_plain_command() -> None:
    assert command("sample") == ["pytest", sample()[0]]


def test_the_readme_shows_what_a_run_prints(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(README.parent)
    result = pytester.runpytest(*excerpt_words(pytester.path))
    assert excerpt(result.stdout.str()) == excerpt_of_readme(), "write it anew: python -m tests.plugin.readme"


def test_a_new_benchmark_runs_as_it_stands(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "orders", "--folder", str(pytester.path)]) == 0
    command = capsys.readouterr().out.splitlines()[-1].removeprefix("run it: ").split()
    result = pytester.runpytest(*command[1:])
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["VRAM budget of 8GB: MILP, LLM and greedy kept it in every plan."])
    result.stdout.no_fnmatch_line("*failures: *")  # one planner's answer of 200 runs away: not in a first picture


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pytest-swarm-router {pytest_swarm.__version__}\n"
    assert str(pytest_swarm.__version__)[0].isdecimal()


def test_a_run_in_which_every_task_failed_is_no_success(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_weak="from test_invoice import dag\ndef test_weak(swarm_run, dag): swarm_run(dag)")
    result = suite.runpytest("test_weak.py", "--swarm-fault=busy", "--swarm-compare=milp,fixed", "--swarm-decide")
    result.assert_outcomes(failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: Every task failed (2 of 2), so nothing was measured; *'fields' on *"])
    result.stdout.no_fnmatch_line("*decide nothing*")
    assert (reports.report["cases"][0]["status"], reports.report["cases"][0]["score"]) == ("error", None)


def test_a_run_in_which_one_task_succeeded_is_one(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_weak="from test_invoice import dag\ndef test_weak(swarm_run, dag): swarm_run(dag)\n"
        "def test_again(swarm_run, dag): swarm_run(dag)"
    )
    result = suite.runpytest("test_weak.py")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK
