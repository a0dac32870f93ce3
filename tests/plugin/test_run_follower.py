"""The report of a run that is followed is that of its events, whatever becomes of the file or of the following."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.metrics.measured_jobs import measure_run
from pytest_swarm.metrics.run_measurer import RunMeasurer
from pytest_swarm.plugin.run_follower import RunFollower
from pytest_swarm.telemetry.reader import read_run
from tests.metrics.test_run_measurer import shown, written


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The events of a run, which is followed from few bytes on."""
    monkeypatch.setattr("pytest_swarm.plugin.run_follower._READ_ON", 2_000)
    return written(tmp_path, "milp", "greedy", "lp")


def grow(path: Path, text: bytes, follower: RunFollower) -> None:
    """Write the text piece by piece, and follow it."""
    path.write_bytes(b"")
    for start in range(0, len(text), 1_500):
        with path.open("ab") as file:
            file.write(text[start : start + 1_500])
        follower.follow(size=path.stat().st_size)


def check(follower: RunFollower, events: Path) -> None:
    found, jobs = follower.finish()
    assert found == read_run(events)
    assert shown(jobs) == shown(measure_run(found))


def replaced(path: Path) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(path.read_bytes())
    aside.replace(path)


def without_its_end(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))


def overwritten(path: Path) -> None:
    """What is read of it does not show: its size, and its last lines, are the same."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4)
        file.write(b"\0" * 100)


def with_a_line_between(path: Path) -> None:
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, b"hello\n", *others]))


@pytest.mark.parametrize("change", [None, replaced, without_its_end, overwritten, with_a_line_between])
def test_it_measures_jobs_as_they_end(
    events: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None] | None
) -> None:
    taken: list[str] = []
    take = RunMeasurer._take

    def watch(self: RunMeasurer, job: JobRecord) -> None:
        taken.append(job.case.key.mode)
        take(self, job)

    monkeypatch.setattr(RunMeasurer, "_take", watch)
    follower = RunFollower(events)
    grow(events, events.read_bytes(), follower)
    assert taken[:2] == ["milp", "greedy"]
    if change is not None:
        change(events)
    check(follower, events)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_is_broken_off_is_read_from_the_beginning(
    events: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    text = events.read_bytes()

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as during:
        during.setattr(RunMeasurer, "_take", fail)
        follower = RunFollower(events)
        if error is KeyboardInterrupt:
            with pytest.raises(error):
                grow(events, text, follower)
        else:
            grow(events, text, follower)  # the run goes on
    grow(events, text, follower)
    check(follower, events)
