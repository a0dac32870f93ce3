"""One process writes a run: a second one is refused, and a bare --swarm-resume takes another run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_swarm.files import FileLock
from tests.plugin.conftest import Reports, refuses


@contextmanager
def written_by_another(folder: Path) -> Iterator[None]:
    """A run that somebody else is writing: a lock belongs to an open file, so another one of this process does."""
    lock = FileLock(folder / "run.lock")
    assert lock.take()
    try:
        yield
    finally:
        lock.release()


def test_a_run_that_is_being_written_is_refused_with_its_owner(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    name, before = reports.folder.name, (reports.folder / "events.jsonl").read_bytes()
    with written_by_another(reports.folder):
        result = suite.runpytest("--swarm-compare=lp,milp", f"--swarm-resume={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --swarm-resume: run {name} is being written by process {os.getpid()} *"])
    assert (reports.folder / "events.jsonl").read_bytes() == before
    suite.runpytest("--swarm-compare=lp,milp", f"--swarm-resume={name}").assert_outcomes(passed=2)


def test_a_bare_resume_passes_over_a_live_run(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    first = reports.folder
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    second = reports.folder
    assert first != second
    with written_by_another(second):
        suite.runpytest("--swarm-compare=lp,milp", "--swarm-resume").assert_outcomes(passed=2)
        assert b'"mode":"milp"' in (first / "events.jsonl").read_bytes()
        with written_by_another(first):
            result = suite.runpytest("--swarm-compare=lp", "--swarm-resume")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --swarm-resume: every run in * is being written, {second.name} by process *"])
    assert b'"mode":"milp"' not in (second / "events.jsonl").read_bytes()


def test_a_run_whose_events_this_user_may_only_read_is_refused_before_any_test(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    allowed = os.access  # which allows an administrator everything
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "events.jsonl" and allowed(path, mode))
    refuses(suite, "--swarm-resume", says="*events.jsonl: the run cannot go on in a file that may only be read; *")


def test_a_bare_resume_names_a_run_that_cannot_be_read(suite: pytest.Pytester) -> None:
    (suite.mkdir("reports") / "r").mkdir()
    (suite.path / "reports" / "r" / "events.jsonl").write_text("no run\n")
    refuses(suite, "--swarm-resume", says="--swarm-resume: *events.jsonl cannot be read as a run; name another run")


def test_a_run_leaves_no_lock_behind(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    suite.runpytest("--swarm-resume", "--swarm-seed=3")
    assert sorted(each.name for each in reports.folder.iterdir()) == ["events.jsonl", "report.json"]


def test_workers_go_on_with_the_run_that_their_controller_holds(suite: pytest.Pytester, reports: Reports) -> None:
    pytest.importorskip("xdist")
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    args = ("-n1", "--swarm-compare=lp,milp", "--swarm-resume")
    suite.runpytest(*args).assert_outcomes(passed=2)
    assert len(list(reports.root.glob("*/events.jsonl"))) == 1
    assert [each["mode"] for each in reports.of("job_dag_summary")] == ["lp", "milp"]
    with written_by_another(reports.folder):
        result = suite.runpytest(*args, "--swarm-compare=lp")
    assert result.ret != 0
    assert "is being written" in result.stderr.str() + result.stdout.str()
    assert "Traceback" not in result.stderr.str()


def test_a_foreign_hook_that_fails_at_the_end_leaves_no_lock_behind(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest("def pytest_unconfigure():\n    raise ValueError('broken')")
    with pytest.raises(ValueError, match="broken"):
        suite.inline_run("--swarm-compare=greedy")
    assert not (reports.folder / "run.lock").exists()


def test_workers_that_cannot_be_started_leave_no_lock_behind(suite: pytest.Pytester, reports: Reports) -> None:
    pytest.importorskip("xdist")
    suite.runpytest("--swarm-compare=greedy").assert_outcomes(passed=1)
    suite.makeconftest(
        """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_configure_node():
    raise KeyboardInterrupt
"""
    )
    result = suite.runpytest("-n1", "--swarm-compare=greedy", "--swarm-resume", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not (reports.folder / "run.lock").exists()
