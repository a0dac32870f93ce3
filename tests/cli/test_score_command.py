"""`python -m pytest_swarm score`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_swarm.cli import main

ROWS = (
    {"kind": "number", "expected": 9500, "text": r"\boxed{9{,}500}", "right": True, "source": "ours"},
    {"kind": "yes_no", "expected": True, "text": "No.", "right": True},
    {"kind": "letter", "expected": "B", "text": "It is B.", "choices": 4},
    {
        "kind": "code",
        "expected": {"entry_point": "f", "cases": [{"args": [], "returns": 1}]},
        "text": "def f(): return 2",
    },
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_score_prints_a_line_for_each_kind(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(rows)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "kind    rows  score 1  unscored         agreement",
        "number     1        1         0  100.0 % (1 of 1)",
        "yes_no     1        0         0    0.0 % (0 of 1)",
        "letter     1        1         0         no labels",
        "code       1        0         0         no labels",
        "next: --disagree shows the rows that differ from their label",
    ]


def test_code_is_only_parsed_when_asked(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(rows), "--no-code-eval"]) == 0
    assert "code       1        1         0         no labels" in capsys.readouterr().out


def test_code_stays_unscored_where_the_kernel_does_not_confine_it(
    rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_swarm.scoring.sandbox.run_cases.KERNEL_LAYERS", ("moat",))
    assert main(["score", str(rows)]) == 0
    assert "code       1        0         1         no labels" in capsys.readouterr().out


def test_out_holds_each_row_with_what_was_read(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "scored.jsonl"
    assert main(["score", str(rows), "--out", str(out)]) == 0
    first, *_ = written = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(written) == 4
    assert first == {**ROWS[0], "score": 1.0, "read": "9,500", "where": "in \\boxed{}", "detail": None}


def test_disagree_shows_and_writes_only_rows_that_differ(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scored.jsonl"
    assert main(["score", str(rows), "--disagree", "--out", str(out)]) == 0
    assert "line 2: score 0, label right; expected True, read 'No' first word: 'No.'" in capsys.readouterr().out
    assert [json.loads(line)["kind"] for line in out.read_text().splitlines()] == ["yes_no"]


def test_a_broken_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(tmp_path / "absent.jsonl")]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_out_never_overwrites_the_file_that_is_read(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows.read_text()
    assert main(["score", str(rows), "--out", str(rows.parent / "." / rows.name)]) == 1
    assert "--out names the file that is read; name another one" in capsys.readouterr().err
    assert rows.read_text() == before


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_is_closed_takes_nothing_from_a_command(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Python has None in the place of a stream that its caller closed."""
    monkeypatch.setattr(sys, name, None)
    out = tmp_path / "scores.jsonl"
    assert main(["score", str(rows), "--no-code-eval", "--out", str(out)]) == 0
    assert out.stat().st_size > 0


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_is_one_sentence_and_a_closed_pipe_none(rows: Path) -> None:
    command = [sys.executable, "-m", "pytest_swarm", "score", str(rows), "--no-code-eval"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "error: the output cannot be written: No space left on device\n"
    assert done.returncode == 1
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""
