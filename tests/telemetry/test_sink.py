"""Events whose file somebody removes, replaces or cuts off while a run writes it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry.sink import FileSink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
EVENTS = [{"event": "note", "ts_ms": float(number)} for number in range(3)]


def written(path: Path, meanwhile: Callable[[], object]) -> FileSink:
    sink = FileSink(path)
    sink.emit(EVENTS[0])
    meanwhile()
    sink.emit(EVENTS[1])
    return sink


@pytest.mark.parametrize("case", ["untouched", "folder-removed", "file-moved", "replaced"])
def test_a_file_that_was_removed_is_written_again_in_full(tmp_path: Path, case: str) -> None:
    path = tmp_path / "run" / "events.jsonl"
    meanwhile: dict[str, Callable[[], object]] = {
        "untouched": lambda: None,
        "folder-removed": lambda: shutil.rmtree(path.parent),
        "file-moved": lambda: path.rename(tmp_path / "moved"),
        "replaced": lambda: (path.unlink(), path.write_text("theirs")),
    }
    sink = written(path, meanwhile[case])
    told = sink.put_back()
    assert (told is None) == (case == "untouched")
    sink.emit(EVENTS[2])
    sink.close()
    assert [line[-5:-1] for line in path.read_text().splitlines()] == [":0.0", ":1.0", ":2.0"]


def test_a_file_that_was_cut_off_is_an_error_that_counts_what_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = written(path, lambda: os.truncate(path, 5))
    with pytest.raises(EventsError, match=r"events\.jsonl: another program cut off \d+ bytes while the run wrote it"):
        sink.put_back()
    assert len(path.read_bytes().splitlines()) == 1


def test_a_file_that_cannot_be_written_again_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = written(path, lambda: (path.unlink(), path.mkdir()))
    with pytest.raises(EventsError, match="was removed while the run wrote it, and cannot be written again"):
        sink.put_back()
    sink.close()
