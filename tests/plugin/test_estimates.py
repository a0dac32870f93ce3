"""--swarm-estimates and --swarm-learning: where estimates start, and whether they follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.cli import main
from tests.plugin.conftest import Reports, refuses

TWO = """
from pytest_swarm import Number, Task, TaskGraph, chain
import pytest

def graph(name, value):
    return chain(name, *(Task(id=f"{name}{n}", type="math", prompt=f"What is {value} + {n}?", estimated_tokens=60,
                              expected=Number(value=value + n)) for n in range(2)))

@pytest.mark.parametrize("name", ["one", "two"])
def test_sum(swarm_run, name):
    swarm_run(graph(name, 3 if name == "one" else 40))
"""


def first_quality(reports: Reports) -> dict[tuple[str, str], float]:
    """The quality of the first task of each job, by job and model, as the first step planned with it."""
    return {
        (step["job"], row["model"]): row["quality"]
        for step in reports.of("plan_step")
        if step["step"] == 0
        for row in step["estimates"]
    }


@pytest.fixture
def measured(suite: pytest.Pytester, reports: Reports) -> Path:
    """A run in which every model has answered every task."""
    suite.makepyfile(test_invoice=TWO)
    singles = "single:gemma2:2b,single:llama3.1:8b"
    suite.runpytest(f"--swarm-compare={singles}").assert_outcomes(passed=4)
    return reports.folder.rename(suite.path / "measured")


def test_the_priors_of_the_fleet_are_where_a_run_starts(suite: pytest.Pytester, reports: Reports) -> None:
    result = suite.runpytest()
    assert "estimates" not in result.stdout.str()
    (start,) = reports.of("run_start")
    assert start["estimates"]["kind"] == "prior"
    assert start["estimates"]["rows"] == []


def test_a_file_of_estimates_starts_every_job(suite: pytest.Pytester, reports: Reports, measured: Path) -> None:
    assert main(["estimates", "--from", str(measured), "--out", str(suite.path / "e.json")]) == 0
    file = json.loads((suite.path / "e.json").read_text())
    result = suite.runpytest("--swarm-compare=milp", "--swarm-estimates=e.json")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["swarm: estimates are shrunk from 8 answers to 2 jobs of e.json (from run *"])
    found = first_quality(reports)
    for row in file["estimates"]:
        for job in ("one", "two"):
            assert found[job, row["model"]] == pytest.approx(row["estimate"])
    assert reports.report["run"]["estimates"]["rows"] == file["estimates"]
    assert len(file["graphs"]) == 2
    (note,) = reports.of("note")  # once, not for each job
    assert "are made of answers to jobs of this run" in note["text"]


def test_the_command_says_where_answers_move_no_prior(
    suite: pytest.Pytester, reports: Reports, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.runpytest("--swarm-compare=single:llama3.1:8b").assert_outcomes(passed=1)
    out = suite.path / "e.json"
    assert main(["estimates", "--from", str(reports.folder), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["strength"] is None
    said = capsys.readouterr().out
    assert "they differ from the priors by no more than chance, so the priors stay" in said
    assert said.endswith(f"\nnext: pytest --swarm-estimates={out}\n")


def test_a_cross_fitted_job_never_starts_from_its_own_answers(
    suite: pytest.Pytester, reports: Reports, measured: Path
) -> None:
    suite.runpytest("--swarm-compare=milp", "--swarm-estimates=cross:measured").assert_outcomes(passed=2)
    assert reports.of("note") == []
    before = first_quality(reports)
    events = measured / "events.jsonl"
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    for line in lines:  # the answers to job `one` are now the contrary
        if line["event"] == "task_result" and line["job"] == "one" and line["score"] is not None:
            line["score"] = 1.0 - line["score"]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    suite.runpytest("--swarm-compare=milp", "--swarm-estimates=cross:measured").assert_outcomes(passed=2)
    after = first_quality(reports)
    assert {key for key in before if before[key] != after[key]} <= {key for key in before if key[0] == "two"}
    assert before != after
    info = reports.report["run"]["estimates"]
    assert (info["kind"], info["answers"], info["jobs"]) == ("cross", 8, 2)
    assert info["source"].startswith("run ")


@pytest.mark.usefixtures("measured")
def test_the_same_estimates_give_the_same_report(suite: pytest.Pytester, reports: Reports) -> None:
    seen = []
    for _ in range(2):
        suite.runpytest("--swarm-compare=milp,lp", "--swarm-estimates=cross:measured").assert_outcomes(passed=4)
        seen.append((reports.report["run"]["estimates"], first_quality(reports)))
    assert seen[0] == seen[1]


def test_without_learning_estimates_stay_as_they_start(suite: pytest.Pytester, reports: Reports) -> None:
    result = suite.runpytest("--swarm-learning=off", "--swarm-compare=single:gemma2:2b", "--swarm-horizon=1")
    result.stdout.fnmatch_lines(["swarm: estimates start from *priors; they do not follow answers*"])
    first, second = reports.of("plan_step")
    known = {(row["task"], row["model"]): row for row in first["estimates"]}
    assert second["estimates"] == [known["total", row["model"]] for row in second["estimates"]] != []


def test_a_group_cannot_start_anew_with_each_job(suite: pytest.Pytester, measured: Path) -> None:
    refuses(
        suite,
        f"--swarm-estimates=cross:{measured}",
        "--swarm-carryover=group",
        says="--swarm-carryover=group keeps what was learned, and --swarm-estimates=cross *",
    )


def test_other_estimates_are_another_run(suite: pytest.Pytester, measured: Path) -> None:
    suite.runpytest().assert_outcomes(passed=2)
    says = "*was made with --swarm-estimates=prior, and this one has cross:*"
    refuses(suite, "--swarm-resume", f"--swarm-estimates=cross:{measured}", says=says)
