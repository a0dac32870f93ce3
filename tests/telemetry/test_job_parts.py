"""Parts of a job that stay in the file equal those that were written, and a file that was changed gives no figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest

from pytest_swarm.codec import encode_line
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.errors import EventsError
from pytest_swarm.fields import Json
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.job_parts import StoredPart
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import Event, ListSink
from tests.execution.lab import case, graph, run
from tests.report.factories import info as run_info


def recorded(name: str) -> tuple[JobRecord, Sequence[Event]]:
    """A job, and its events from the first to the last."""
    sink = ListSink()
    record = run(case(graph(("a", "b"), ("b", "c"), name=name), "greedy"), sink=sink)
    return record, (*sink.events, events.encode_job_summary(record, 1.0, {}))


ONE, ONE_EVENTS = recorded("one")
OTHER, OTHER_EVENTS = recorded("other")


def line(event: Event | dict[str, Json]) -> bytes:
    return f"{encode_line(event)}\n".encode()


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "events.jsonl"
    path.write_bytes(b"".join((line(events.encode_run_start(run_info())), *lines)))
    return path


def by_turns() -> list[bytes]:
    """The lines of two jobs, of which now the one and now the other emits two events."""
    one, other = list(map(line, ONE_EVENTS)), list(map(line, OTHER_EVENTS))
    found: list[bytes] = []
    while one or other:
        found += [*one[:2], *other[:2]]
        one, other = one[2:], other[2:]
    return found


def test_parts_stay_in_the_file_and_behave_like_their_tuple(tmp_path: Path) -> None:
    (job,) = read_run(written(tmp_path, *map(line, ONE_EVENTS))).jobs
    assert job == ONE
    assert isinstance(job.outcomes, StoredPart)
    assert job.outcomes == ONE.outcomes
    assert job.outcomes != ONE.outcomes[:1]
    assert repr(job.steps) == repr(ONE.steps)  # which tells -0.0 from 0.0, and None from a number
    assert (len(job.outcomes), job.outcomes[1], job.outcomes[-2:]) == (3, ONE.outcomes[1], ONE.outcomes[-2:])
    assert job.retries == ()
    assert ONE.switches
    assert ONE.samples
    assert (job.switches, job.samples) == (ONE.switches, ONE.samples)


def test_lines_of_several_jobs_blank_lines_and_unknown_events_may_stand_between_them(tmp_path: Path) -> None:
    unknown = line({"event": "later", "ts_ms": 1.0, "case": ONE.case.digest})
    lines = by_turns()
    path = written(tmp_path, *lines[:7], b"\n", b" \r\n", unknown, *lines[7:])
    assert sorted(read_run(path).jobs, key=lambda job: job.case.job) == [ONE, OTHER]


def test_a_file_that_grows_is_read_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, *map(line, ONE_EVENTS))
    monkeypatch.chdir(tmp_path)
    (job,) = read_run(Path(path.name)).jobs
    monkeypatch.chdir(tmp_path.parent)
    with path.open("ab") as file:
        file.writelines(map(line, OTHER_EVENTS))
    assert job == ONE
    assert read_run(path).jobs == (ONE, OTHER)


def shorter(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replaced(path: Path) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(path.read_bytes())
    aside.replace(path)


def one_outcome_less(path: Path) -> None:
    """Write blanks in the place of a result, so that all other lines stand where they stood."""
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(n for n, each in enumerate(lines) if json.loads(each)["event"] == "task_result")
    lines[number] = b" " * (len(lines[number]) - 1) + b"\n"
    with path.open("r+b") as file:
        file.writelines(lines)


@pytest.mark.parametrize("change", [Path.unlink, shorter, replaced, one_outcome_less])
def test_a_file_that_was_changed_is_an_error(change, tmp_path: Path) -> None:
    path = written(tmp_path, *map(line, ONE_EVENTS))
    (job,) = read_run(path).jobs
    change(path)
    with pytest.raises(EventsError, match=r"events.jsonl: was changed after it was read; read the run again"):
        tuple(job.outcomes)


def test_a_pipe_is_read_once_and_its_parts_are_kept(tmp_path: Path) -> None:
    whole = written(tmp_path, *by_turns()).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(whole,))
    writer.start()
    jobs = read_run(pipe).jobs
    writer.join()
    assert jobs == read_run(tmp_path).jobs
    assert isinstance(jobs[0].outcomes, tuple)
