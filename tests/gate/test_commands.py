"""The commands `gate` and `noise`, on runs of a real session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.cli import main
from tests.plugin.conftest import INI, SUITE

ARGS = ("--swarm-compare=milp", "--swarm-repeat=2")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=SUITE)
    pytester.runpytest("--swarm-baseline=base.json", "--swarm-update-baseline", *ARGS).assert_outcomes(passed=2)
    pytester.runpytest("--swarm-seed=1", *ARGS).assert_outcomes(passed=2)
    return pytester.path


def runs(project: Path) -> list[str]:
    return [str(each.parent) for each in sorted((project / "reports").rglob("events.jsonl"))]


def test_a_run_is_judged_after_the_fact(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = runs(project)
    assert main(["gate", first, "--baseline", str(project / "base.json")]) == 0
    said = capsys.readouterr().out
    assert "Gate: ok against baseline" in said
    assert "2 of 2" in said
    assert "pairs compared" not in said  # the table says it


def test_a_worse_run_exits_with_1_after_the_fact_and_says_all(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_swarm.report.gate_text._TERMINAL_LINES", 0)
    file = project / "base.json"
    stored = json.loads(file.read_text())
    for sample in stored["cases"][0]["samples"]:
        sample["figures"]["token_cost"] /= 2
    file.write_text(json.dumps(stored))
    assert main(["gate", runs(project)[0], "--baseline", str(file), "--fail", "token_cost:+10%"]) == 1
    said = capsys.readouterr().out
    assert "FAILED gate: milp/token_cost:+10%: REGRESSED" in said
    assert "-v shows all" not in said  # the command has no -v
    assert f"next: python -m pytest_swarm report {runs(project)[0]}; " in said


def test_parts_of_two_runs_are_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", *runs(project), "--baseline", str(project / "base.json")]) == 4
    assert "is no part of the same run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--baseline", "none.json"), "baseline none.json: there is no such file"),
        (
            ("--baseline", "base.json", "--fail", "miip/score:-1%"),
            "'miip/score:-1%': no run has the mode miip (did",
        ),
        (("--baseline", "base.json", "--fail", "speed:-1%"), "'speed:-1%', character 1"),
    ],
)
def test_what_is_wrong_with_the_command_has_another_status_than_a_regression(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert main(["gate", runs(project)[0], *arguments]) == 4
    assert sentence in capsys.readouterr().err


def test_a_missing_part_fails_the_command(pytester: pytest.Pytester, capfd: pytest.CaptureFixture[str]) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=SUITE, test_second=SUITE.replace('"invoice"', '"second"'))
    pytester.runpytest("--swarm-baseline=base.json", "--swarm-update-baseline", *ARGS)
    pytester.runpytest("--swarm-shard=1/2", *ARGS)
    part, file = runs(pytester.path)[-1], pytester.path / "base.json"
    assert main(["gate", part, "--baseline", str(file)]) == 1
    said = capfd.readouterr().out
    assert "FAILED gate: part 2 of 2 is not among the runs" in said
    assert "Gate: failed, because the run is not whole. What is there is ok against" in " ".join(said.split())
    assert main(["gate", part, "--baseline", str(file), "--incomparable=ignore"]) == 0
    assert "Gate: ok against" in capfd.readouterr().out


def test_a_test_that_failed_before_it_was_a_job_is_lost(
    pytester: pytest.Pytester, capfd: pytest.CaptureFixture[str]
) -> None:
    pytester.makeini(INI)
    thing = "import os\n@pytest.fixture\ndef thing():\n    assert not os.environ.get('DIES')\n"
    dying = SUITE.replace("(swarm_run, dag)", "(thing, swarm_run, dag)") + thing
    pytester.makepyfile(test_invoice=dying, test_second=SUITE.replace('"invoice"', '"second"'))
    pytester.runpytest("--swarm-baseline=base.json", "--swarm-update-baseline", *ARGS).assert_outcomes(passed=4)
    pytester.runpytest("--swarm-baseline=base.json", *ARGS).stdout.fnmatch_lines(["Gate: ok *"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIES", "1")
        result = pytester.runpytest("--swarm-baseline=base.json", *ARGS)
    result.assert_outcomes(errors=2, passed=2)
    result.stdout.fnmatch_lines(["*lost: test_invoice.py::test_invoice*", "Gate: inconclusive *"])
    assert main(["gate", runs(pytester.path)[-1], "--baseline", str(pytester.path / "base.json")]) == 1
    assert "FAILED gate: test_invoice.py::test_invoice[milp-h0-8GB-r1] has no job" in capfd.readouterr().out


def test_noise_names_the_allowance_that_runs_support(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["noise", *runs(project), "--metric", "score"]) == 0
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["mode", "metric"]
    assert row.split()[:2] == ["MILP", "score"]
    assert main(["noise", *runs(project)]) == 0
    said = capsys.readouterr().out
    assert "MILP  violations" not in said  # it did not differ
    assert "rows without any deviation left out; --metric shows them.\n" in said
    assert said.splitlines()[-1].startswith("next: allow as much or more")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "one run says nothing of noise"),
        (("--metric", "speed"), "'speed' is no metric of a gate"),
        (("--metric", "energy_j"), "no case of all these runs has such a figure"),
        (("{first}",), "{first} is equal to {first} in every figure"),
    ],
)
def test_noise_refuses_what_says_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    given = runs(project) if arguments else runs(project)[:1]
    assert main(["noise", *given, *(each.format(first=given[0]) for each in arguments)]) == 4
    assert sentence.format(first=given[0]) in capsys.readouterr().err
