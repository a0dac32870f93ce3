"""`decide`: files are written before anything is printed, all or none."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.cli import decide_command, main
from pytest_swarm.domain.record import Run
from pytest_swarm.routing.policy_file import read_policy
from pytest_swarm.telemetry import reader
from tests.decision.runs import many

BREAKING = many({"fixed": 0.4, "lp": 0.9}, jobs=9, budgets_gb=(8.0,))
GOOD = many({"fixed": 0.2, "milp": 0.9}, jobs=12)


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Call the command on a run, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(run: Run, *arguments: str) -> int:
        monkeypatch.setattr(reader, "read_run", lambda _: run)
        return main(["decide", "RUN", *arguments])

    return call


def test_a_policy_that_breaks_the_budget_says_so_wherever_it_is_written(
    decide: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = "breaks the budget in 9 of 9 jobs"
    assert decide(BREAKING, "--against=lp", "--policy=p.json", "--export=markdown:p.md") == 0
    said = capsys.readouterr().out
    assert f"No usable policy is better than LP, but LP {fault}, so it cannot be used at 8GB. Usable are fixed" in said
    assert f"wrote p.json: LP (horizon 0); it cannot be used as it is: it {fault}\n" in said
    assert "next: " not in said
    policy = read_policy(tmp_path / "p.json")
    assert (policy.provenance.ruling, policy.provenance.fault) == ("unusable", fault)
    record = (tmp_path / "p.md").read_text()
    assert f"**It cannot be used at 8GB: in the runs it {fault}.**" in record
    assert "keep" not in said + record


@pytest.mark.parametrize("last", ["llama-swap:c.yaml", "markdown:gone/\0", "ollama:p.json", "markdown:."])
def test_where_one_file_is_refused_none_is_written(
    decide: object, tmp_path: Path, capsys: pytest.CaptureFixture[str], last: str
) -> None:
    (tmp_path / "p.json").write_text("old")
    assert decide(BREAKING, "--against=lp", "--policy=p.json", "--export=markdown:p.md", f"--export={last}") == 1
    out, error = capsys.readouterr()
    assert out.startswith("8GB: No usable policy is better")
    assert "wrote" not in out
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]
    assert (tmp_path / "p.json").read_text() == "old"


def test_a_reader_that_stops_reading_finds_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError

    parser = argparse.ArgumentParser()
    decide_command.configure(parser)
    monkeypatch.setattr(reader, "read_run", lambda _: GOOD)
    monkeypatch.setattr("builtins.print", closed)
    with pytest.raises(BrokenPipeError):
        decide_command.run(parser.parse_args(["RUN", f"--policy={tmp_path / 'p.json'}"]))
    assert read_policy(tmp_path / "p.json").mode == "milp"


def test_what_the_events_of_a_run_lack_is_said(decide: object, capsys: pytest.CaptureFixture[str]) -> None:
    advice = "next: --policy=policy.json writes it, --export takes it to another tool\n"
    assert decide(GOOD) == 0
    said = capsys.readouterr().out
    assert "note: " not in said
    assert said.endswith(advice)
    damaged = "events.jsonl has 1 damaged line, left out"
    assert decide(replace(GOOD, complete=False, notes=(damaged,))) == 0
    assert capsys.readouterr().out.endswith(f"\nnote: {GOOD.info.run}: {damaged}\n{advice}")
    assert decide(replace(GOOD, complete=False)) == 0
    assert f"it did not come to its end; the jobs that ended before count\n{advice}" in capsys.readouterr().out
    assert decide(GOOD, "--policy=p.json") == 0
    plays = "next: pytest --swarm-compare=policy:p.json --swarm-horizon=0 --swarm-vram=24GB plays it\n"
    assert capsys.readouterr().out.endswith(f"\n{plays}")


def test_of_several_budgets_the_next_command_names_one(decide: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it the command that was told is refused, as a policy is for one budget."""
    found = many({"fixed": 0.2, "milp": 0.9}, jobs=12, budgets_gb=(24.0, 36.0))
    assert decide(found) == 0
    said = capsys.readouterr().out
    assert said.endswith(
        "\nnext: --vram=24GB --policy=policy.json writes it, --vram=24GB --export takes it to another tool\n"
    )
    assert decide(found, "--policy=p.json") == 4
    assert decide(found, "--vram=24GB", "--policy=p.json") == 0


def test_of_many_notes_of_a_run_the_first_are_printed(decide: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert decide(replace(GOOD, notes=tuple(f"case {n} is late" for n in range(30)))) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(told) == 6
    assert told[4].endswith("case 4 is late")
    assert told[5] == f"note: {GOOD.info.run}: 25 more notes in its report.html"


def test_jobs_that_do_not_count_are_counted(decide: object, capsys: pytest.CaptureFixture[str]) -> None:
    unscored = tuple(
        replace(job, outcomes=tuple(replace(each, score=None) for each in job.outcomes)) for job in GOOD.jobs
    )
    assert decide(replace(GOOD, jobs=unscored)) == 0
    assert capsys.readouterr().out.startswith(
        "24GB: 0 jobs decide nothing: measure at least 8, each under every policy. 12 of 12 jobs do not count, because "
        "score is not known under every policy.\n"
    )
