"""The folder of one run: events.jsonl as it happens, and what a resumed run has finished already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.codec import encode_line
from pytest_swarm.errors import EventsError, OptionError
from pytest_swarm.files import write_whole
from pytest_swarm.open_files import OF_A_RUN, require_open_files
from pytest_swarm.plugin.resuming import EarlierJobs
from pytest_swarm.telemetry import EVENTS_FILE
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.events import encode_collection, encode_run_end, encode_run_start
from pytest_swarm.telemetry.shipping import Begun, begun_jobs, pack, unpack
from pytest_swarm.telemetry.sink import Event, FileSink, ListSink, Sink
from pytest_swarm.units import now_ms

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Run, RunInfo
    from pytest_swarm.metrics.measured_jobs import MeasuredJob
    from pytest_swarm.plugin.run_follower import RunFollower
    from pytest_swarm.plugin.run_lock import RunLock

REPORTS: Final = "reports"
_REMEDY: Final = "make it a writable folder, or let another folder hold the runs with --rootdir=FOLDER"


class RunFolder:
    """Where a run's events go. A worker of xdist keeps them in memory; its controller writes them.

    Args:
        lock: The lock of the run's folder, which is inside the folder of all runs.
        describe: Gives what is written down of the run at its start.
        earlier: Gives the jobs of the run that goes on.
        collected: The ids of the benchmarks that this session is to run.
        is_worker: Whether this process is a worker of xdist.
    """

    def __init__(
        self,
        lock: RunLock,
        *,
        describe: Callable[[], RunInfo],
        earlier: Callable[[], EarlierJobs],
        collected: Sequence[str],
        is_worker: bool,
    ) -> None:
        self.lock = lock
        self.path = lock.folder
        self._read_earlier = earlier
        self._describe = describe
        self._collected = collected
        self._is_worker = is_worker
        self._started: set[int] = set()
        """The digests of the cases of which a job has begun."""
        self._twice: dict[str, None] = {}
        """What the cases are called of which more than one job has begun."""
        self.trouble: EventsError | None = None
        """Why the events cannot be written any more; None where they can."""
        self._opened = False  # whether the events that open a run were written, or sent

    @cached_property
    def earlier(self) -> EarlierJobs:
        """The jobs of the run that goes on; OptionError where they were run otherwise."""
        return self._read_earlier()

    @property
    def events(self) -> Path:
        """The events.jsonl."""
        return self.path / EVENTS_FILE

    @cached_property
    def sink(self) -> Sink:
        """Where a case emits its events; the first of them is preceded by `run_start`."""
        return ListSink() if self._is_worker else self

    def claim(self) -> None:
        """Make the reports folder, which keeps itself out of git; OptionError where nothing can be written there.

        Also where the run goes on in a file that this user may only read: its first case could take hours.
        """
        require_open_files(OF_A_RUN)
        root = self.path.parent
        keep_out = root / ".gitignore"
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not keep_out.exists():
                write_whole(keep_out, b"*\n!.gitignore\n")
        except OSError as error:
            raise OptionError(f"{root}: no run can be written there ({error.strerror}); {_REMEDY}") from error
        if not os.access(root, os.W_OK):
            raise OptionError(f"{root}: no run can be written there; {_REMEDY}")
        if self.events.exists() and not os.access(self.events, os.W_OK):
            raise OptionError(f"{self.events}: the run cannot go on in a file that may only be read; change its rights")

    @cached_property
    def file(self) -> FileSink:
        """The file, which only a controller or an ordinary session writes."""
        self.claim()
        self.lock.take()
        return FileSink(self.events)

    @cached_property
    def follower(self) -> RunFollower:
        """What reads the events back."""
        from pytest_swarm.plugin.run_follower import RunFollower  # only where it is needed: no worker measures a run

        return RunFollower(self.events)

    def shipped(self) -> str | None:
        """What a worker sends: its events since the last call, the first time behind those that open a run."""
        assert isinstance(self.sink, ListSink), "only a worker ships its events"
        events = self.sink.drain()
        if not events:
            return None
        opening = [] if self._opened else self.opening()
        self._opened = True
        return pack(events, opening=opening)

    def take(self, text: str) -> None:
        """Write what a worker sent: the events that open a run, unless that is done, and those of one test."""
        shipment = unpack(text)
        if shipment.opening and not self._opened:
            self._write_opening(shipment.opening)
        self._write(shipment.lines, shipment.begun)
        self.follower.follow(size=self.file.size)

    def emit(self, event: Event) -> None:
        """Write an event at once, the first one behind those that open a run."""
        if not self._opened:
            self._write_opening([encode_line(each) for each in self.opening()])
        self._write(encode_line(event), begun_jobs([event]))

    def _write(self, lines: str, begun: Iterable[Begun]) -> None:
        """Write lines, and keep which jobs have begun."""
        for case, name in begun:
            digest = int(case, 16)
            if digest in self._started:
                self._twice[name] = None
            self._started.add(digest)
        self._append(lines)

    def _append(self, *lines: str) -> None:
        """Write lines; none any more after some that could not be written, or a job would lack a part."""
        if self.trouble is not None:
            raise EventsError(str(self.trouble))
        try:
            self.file.append(*lines)
        except EventsError as error:
            self.trouble = self.trouble or error
            raise

    def opening(self) -> list[Event]:
        """The events `run_start` and `collection`."""
        return [encode_run_start(self._describe()), encode_collection(now_ms(), self._collected)]

    def _write_opening(self, opening: Sequence[str]) -> None:
        """Write the lines that open a run; without the first, `run_start`, where it goes on in a file that has one."""
        self._append(*(opening[1:] if self.events.exists() else opening))
        self._opened = True

    def end(
        self, *, complete: bool, notes: tuple[str, ...], failed: Iterable[str] = ()
    ) -> tuple[Run, tuple[MeasuredJob, ...]] | None:
        """Write `run_end`, where events can be written, and give the run as read back; None where nothing was run.

        Args:
            complete: Whether every collected case was run.
            notes: Sentences about those that were not.
            failed: The tests that failed, benchmarks and others.
        """
        put_back = self._put_back()
        if not self.events.exists():
            return None
        told = [each for each in (self.lock.warning, put_back) if each is not None]
        sentences = (*notes, *self._run_twice(), *told)
        last = RunEndEvent(
            ts_ms=now_ms(), complete=complete, notes=sentences, failed=tuple(failed), jobs=self.follower.count()
        )
        with suppress(EventsError):  # then it is the trouble
            if not self._opened:  # no job ran, and `run_end` is about the tests of its own session
                self._append(encode_line(encode_collection(now_ms(), self._collected)))
            self._append(encode_line(encode_run_end(last)))
        self.file.close()
        return self.follower.finish()

    def _put_back(self) -> str | None:
        """Write the events again where somebody has removed them, and return a sentence about it; else None."""
        if not self._opened:
            return None
        try:
            return self.file.put_back()
        except EventsError as error:
            self.trouble = self.trouble or error
            return None

    def _run_twice(self) -> list[str]:
        """A sentence where one case was run several times: its jobs are no independent samples."""
        twice = list(self._twice)
        if not twice:
            return []
        cases = "case was" if len(twice) == 1 else "cases were"
        return [
            f"{len(twice)} {cases} run more than once, though nothing tells the runs apart (use --swarm-repeat for "
            f"repeats, one graph in one test, and no plugin that runs tests again): {', '.join(twice[:3])}"
            f"{', ...' if len(twice) > 3 else ''}"
        ]
