"""The folder of one run: events.jsonl as it happens, and what a resumed run has finished already."""

from __future__ import annotations

import os
import time
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import JobStatus, Run
from pytest_swarm.errors import OptionError
from pytest_swarm.telemetry.events import encode_run_end, encode_run_start
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import Event, FileSink, ListSink, Sink

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord
    from pytest_swarm.plugin.session import SwarmSession

REPORTS: Final = "reports"
EVENTS: Final = "events.jsonl"


def new_run_name() -> str:
    """`20261123-110500-042-3f`: sorts by time to the millisecond, and two runs of one moment do not meet."""
    now = datetime.now()  # the user's own clock
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{os.urandom(1).hex()}"


class RunFolder:
    """Where a run's events go. A worker of xdist keeps them in memory; its controller writes them."""

    def __init__(self, session: SwarmSession) -> None:
        self._session = session
        self._root = Path(session.config.rootpath) / REPORTS
        self._worker: dict[str, str] | None = getattr(session.config, "workerinput", None)
        self._resumed: Run | None = None
        self.path = self._choose()
        self.finished: dict[str, JobRecord] = self._read_finished()

    @staticmethod
    def now_ms() -> float:
        """Milliseconds since 1970."""
        return round(time.time() * 1000.0, 3)

    @property
    def events(self) -> Path:
        """The events.jsonl."""
        return self.path / EVENTS

    @cached_property
    def sink(self) -> Sink:
        """Where a case emits its events; the first of them is preceded by `run_start`."""
        return ListSink() if self._worker is not None else _Opened(self)

    @cached_property
    def file(self) -> FileSink:
        """The file, which only a controller or an ordinary session writes."""
        self._root.mkdir(parents=True, exist_ok=True)
        keep_out = self._root / ".gitignore"
        if not keep_out.exists():
            keep_out.write_text("*\n!.gitignore\n", encoding="ascii")
        return FileSink(self.events)

    def shipped(self) -> list[Event]:
        """What a worker sends: `run_start`, and its events since the last call."""
        assert isinstance(self.sink, ListSink), "only a worker ships its events"
        return [self.opening(), *self.sink.drain()]

    def take(self, events: list[Event]) -> None:
        """Write what a worker sent: its `run_start`, unless the file has one, and the events of one test."""
        opening, *rest = events
        if not self.events.exists():
            self.file.emit(opening)
        for event in rest:
            self.file.emit(event)

    def open(self) -> None:
        """Write `run_start`, unless this run goes on in a file that has one."""
        if not self.events.exists():
            self.file.emit(self.opening())

    def opening(self) -> Event:
        """The `run_start` event."""
        from pytest_swarm.plugin.run_info import run_info

        return encode_run_start(run_info(self._session, self.path.name))

    def end(self, *, complete: bool, notes: tuple[str, ...]) -> Run | None:
        """Write `run_end` and give the whole run as read back from the file; None where nothing was run."""
        if not self.events.exists():
            return None
        self.file.emit(encode_run_end(self.now_ms(), complete=complete, notes=notes))
        self.file.close()
        return read_run(self.events)

    def _choose(self) -> Path:
        resume = self._session.settings.resume
        if resume is None:
            return self._root / self._session.run_name
        if resume != "latest":
            for path in (Path(resume), self._root / resume):
                if (path / EVENTS).is_file():
                    return path
            raise OptionError(f"--swarm-resume: there is no run {resume!r}; give the folder of its {EVENTS}")
        runs = sorted(path.parent for path in self._root.glob(f"*/{EVENTS}"))
        if not runs:
            raise OptionError(f"--swarm-resume: there is no earlier run in {self._root}")
        return runs[-1]

    def _read_finished(self) -> dict[str, JobRecord]:
        """Completed jobs of the run that is resumed, by case digest; a run with another fleet or seed is refused."""
        session = self._session
        if session.settings.resume is None or not self.events.exists():
            return {}
        run = read_run(self.events)
        same = run.info.fleet.digest == session.fleet.digest and run.info.seed == session.settings.seed
        if not same or run.info.simulated != session.backend.simulated:
            raise OptionError(
                f"--swarm-resume: run {self.path.name} was made with another fleet, seed or backend; start a new run"
            )
        return {job.case.digest: job for job in run.jobs if job.status is JobStatus.COMPLETED}


class _Opened:
    """A sink that writes `run_start` before the first event."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._open = False

    def emit(self, event: Event) -> None:
        """Write one event."""
        if not self._open:
            self._folder.open()
            self._open = True
        self._folder.file.emit(event)
