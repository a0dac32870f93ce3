"""The folder of one run: events.jsonl as it happens, and what a resumed run has finished already."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import JobStatus, Run, RunInfo
from pytest_swarm.errors import OptionError
from pytest_swarm.telemetry.events import encode_run_end, encode_run_start
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import Event, FileSink, ListSink, Sink

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord
    from pytest_swarm.plugin.session import SwarmSession

REPORTS: Final = "reports"
EVENTS: Final = "events.jsonl"
MAY_DIFFER: Final = frozenset(
    f"swarm_{name}"
    for name in (
        *("compare", "horizon", "vram", "repeat", "only", "skip", "resume", "report", "host", "backend"),
        *("baseline", "update_baseline", "fail", "gate", "incomparable", "inconclusive"),
    )
)
"""What a resumed run may say anew: which cases there are, where they run, and what is made of them."""


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
        self._starts: Counter[str] = Counter()
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

    def claim(self) -> None:
        """Make the reports folder, which keeps itself out of git; OptionError where nothing can be written there."""
        keep_out = self._root / ".gitignore"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            if not keep_out.exists():
                keep_out.write_text("*\n!.gitignore\n", encoding="ascii")
        except OSError as error:
            why = error.strerror
            raise OptionError(f"{self._root}: no run can be written there ({why}); mend it first") from error
        if not os.access(self._root, os.W_OK):
            raise OptionError(f"{self._root}: no run can be written there; make the folder writable")

    @cached_property
    def file(self) -> FileSink:
        """The file, which only a controller or an ordinary session writes."""
        self.claim()
        return FileSink(self.events)

    def shipped(self) -> list[Event]:
        """What a worker sends: `run_start`, and its events since the last call; empty where there are none."""
        assert isinstance(self.sink, ListSink), "only a worker ships its events"
        events = self.sink.drain()
        return [self.opening(), *events] if events else []

    def take(self, events: list[Event]) -> None:
        """Write what a worker sent: its `run_start`, unless the file has one, and the events of one test."""
        opening, *rest = events
        if not self.events.exists():
            self.file.emit(opening)
        for event in rest:
            self.write(event)

    def write(self, event: Event) -> None:
        """Write one event, and count the jobs that begin."""
        if event["event"] == "dag_structure":
            self._starts[f"{event['job']} [{event['mode']}], case {event['case']}"] += 1
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
        self.file.emit(encode_run_end(self.now_ms(), complete=complete, notes=(*notes, *self._twice())))
        self.file.close()
        return read_run(self.events)

    def _twice(self) -> list[str]:
        """A sentence where one case was run several times: its jobs are no independent samples."""
        twice = [name for name, count in self._starts.items() if count > 1]
        if not twice:
            return []
        cases = "case was" if len(twice) == 1 else "cases were"
        return [
            f"{len(twice)} {cases} run more than once, though nothing tells the runs apart (use --swarm-repeat for "
            f"repeats, and one graph in one test): {', '.join(twice[:3])}{', ...' if len(twice) > 3 else ''}"
        ]

    def _choose(self) -> Path:
        resume = self._session.settings.resume
        if resume is None:
            return self._root / self._session.run_name
        if resume != "latest":
            for path in (Path(resume), self._root / resume):
                if (path / EVENTS).is_file():
                    return path
            raise OptionError(f"--swarm-resume: there is no run {resume!r}; give the folder of its {EVENTS}")
        started = {path.parent: _started_ms(path) for path in self._root.glob(f"*/{EVENTS}")}
        runs = {folder: ms for folder, ms in started.items() if ms is not None}
        if not runs:
            raise OptionError(f"--swarm-resume: there is no earlier run in {self._root}")
        return max(runs, key=lambda folder: runs[folder])

    def _read_finished(self) -> dict[str, JobRecord]:
        """Completed jobs of the run that is resumed, by case digest; what was run otherwise is refused."""
        session = self._session
        if session.settings.resume is None or not self.events.exists():
            return {}
        run = read_run(self.events)
        difference = self._difference(run.info)
        if difference is not None:
            raise OptionError(f"--swarm-resume: run {self.path.name} {difference}; start a new run")
        return {job.case.digest: job for job in run.jobs if job.status is JobStatus.COMPLETED}

    def _difference(self, info: RunInfo) -> str | None:
        """Why this session's jobs would not belong into the run; None where they do."""
        session = self._session
        if info.fleet.digest != session.fleet.digest or info.seed != session.settings.seed:
            return "was made with another fleet or seed"
        if info.simulated != session.backend.simulated:
            return "was made on another backend"
        ours = session.settings.given
        for name in sorted({*info.options, *ours} - MAY_DIFFER):
            if info.options.get(name) != ours.get(name):
                there, here = info.options.get(name, "its default"), ours.get(name, "its default")
                return f"was made with {name} = {there}, and this one has {here}"
        if session.settings.cli.carryover == "group" or session.settings.ini.carryover == "group":
            return "carries over from job to job (group), which cannot be picked up in the middle"
        return None


def _started_ms(path: Path) -> float | None:
    """When a run began; None for a file that has no whole `run_start`."""
    try:
        with path.open(encoding="utf-8") as lines:
            event = json.loads(lines.readline())
        return float(event["ts_ms"]) if event["event"] == "run_start" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
        self._folder.write(event)
