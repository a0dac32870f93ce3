"""Wall times over several processes of two states."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_swarm.cli import main, time_command
from pytest_swarm.gate.process_times import time_ratios
from tests.plugin.conftest import INI, SUITE
from tests.report.played import small_run


def test_equal_processes_have_a_ratio_of_one() -> None:
    runs = [small_run()] * 7
    for row in time_ratios(runs, runs):
        assert row.note or (row.ratio, row.low, row.high) == (1.0, 1.0, 1.0)


def test_two_revisions_are_timed_in_turn(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process, of the git revision, is a real one; the others are given its events."""
    pytester.makeini(INI + "swarm_compare = greedy\n")
    pytester.makepyfile(test_invoice=SUITE)
    monkeypatch.chdir(pytester.path)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", *arguments], check=True)
    measured: list[Path] = []
    sides: list[str] = []
    run_process = time_command._pytest

    def run_or_copy(tests: Sequence[str], folder: Path, events: Path) -> None:
        sides.append("now" if folder == pytester.path else "then")
        if measured:
            shutil.copy(measured[0], events)
        else:
            run_process(tests, folder, events)
            measured.append(events)

    monkeypatch.setattr(time_command, "_pytest", run_or_copy)
    assert main(["time", "test_invoice.py", "--against", "HEAD", "--processes", "6"]) == 0
    assert sides == ["then", "now", "now", "then"] * 3
    assert len(measured) == 1
    head, *rows = capsys.readouterr().out.splitlines()
    assert "95 % over processes of these jobs" in head
    assert any("decision_ms" in row and ".." in row for row in rows)
    assert not subprocess.run(["git", "worktree", "list"], check=True, capture_output=True).stdout.count(b"then")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--against", "HEAD", "--processes", "3"), "3 pairs exclude nothing at 95 %; give 6 or more"),
        (("--against", "base.json"), "base.json is a file, and its wall times are of another hour"),
        (("--against", "no-such-revision"), "git cannot give 'no-such-revision'"),
    ],
)
def test_what_cannot_be_timed_is_refused(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], check=True)
    assert main(["time", "test_x.py", *arguments]) == 4
    assert sentence in capsys.readouterr().err
