"""Reading events.jsonl back into a Run.

A cut-off last line and a job without an end are accepted, and a note of the run says so. So is a line in the middle
that is no JSON, which a full disk or an editor left: the jobs that it may belong to are left out as a whole, because
figures of a part would be wrong. Events of unknown types are left out: a later version may write them.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Set
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from zlib import crc32

from pytest_swarm.codec import is_json
from pytest_swarm.documents import path_of
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.record import JobRecord, Run, RunInfo
from pytest_swarm.errors import EventsError, SwarmError
from pytest_swarm.files import MeasuredFile, measured_kind, readable
from pytest_swarm.graph_codec import decode_graph_object
from pytest_swarm.telemetry import EVENTS_FILE, events
from pytest_swarm.telemetry import event_types as types
from pytest_swarm.telemetry.event_lines import decode_event, decode_head, sound_event
from pytest_swarm.telemetry.job_parts import EventsOnDisk, JobParts, PartEvent
from pytest_swarm.telemetry.measured_events import MeasuredReader, MeasuredTestEvent, VerifiedCaseEvent
from pytest_swarm.telemetry.open_job import OpenJob

_BLOCK: Final = 2**20


def events_file(path: str | os.PathLike[str]) -> Path:
    """Return the events.jsonl of a run's folder; a path that is no folder, as it is.

    Raises:
        EventsError: the folder holds none. The message names a run below it.
    """
    path = path_of(path, EventsError)
    if not path.is_dir():
        return path
    file = path / EVENTS_FILE
    if not file.exists():
        inside = max((each.parent for each in path.glob(f"*/{EVENTS_FILE}")), default=Path("reports") / "RUN")
        raise EventsError(f"{path}: holds no events.jsonl; name the folder of a run, such as {inside}")
    return file


def read_run(path: str | os.PathLike[str]) -> Run:
    """Return the Run of an events.jsonl, or of the folder that holds one.

    Raises:
        EventsError: a line is JSON, but no event. The message names file, line and field.
    """
    return RunReader(path).finish()


class RunReader:
    """Gathers the events of a file into jobs, also while it is written; events of different cases may interleave.

    Args:
        path: An events.jsonl, or the folder that holds one.
        ended: Takes each job as it ends: a record whose parts are in memory, equal to the one of the run.
    """

    def __init__(self, path: str | os.PathLike[str], *, ended: Callable[[JobRecord], None] | None = None) -> None:
        self.path = events_file(path)
        self.end = 0
        """Bytes of the file up to the end of the last line that was read."""
        self._checksum = 0  # of these bytes
        self._line = 0
        self._ended = ended
        self._file: EventsOnDisk | None = None
        self._info: RunInfo | None = None
        self._open: dict[str, OpenJob] = {}
        self._jobs: list[JobRecord] = []
        self._complete = False
        self._notes: list[str] = []
        self._case_notes: list[str] = []
        self._collected: dict[str, None] = {}
        self._failed: tuple[str, ...] | None = None
        self._parts: MergedParts | None = None
        self._damaged: list[int] = []
        self._torn: dict[str, str] = {}  # case -> what a job is called that a damaged line may belong to
        self._headless: set[str] = set()  # cases of which events were left, and whose beginning was damaged
        self._unowned = 0  # damaged lines that belong to no job that is known
        self._goes_on = False  # whether a session behind the last damaged line collected all tests
        self._measured = MeasuredReader()
        self._graphs: dict[bytes, TaskGraph] = {}

    def read_on(self) -> bool:
        """Read the whole lines that were added since the last call; return whether a line that is cut off is left.

        Raises:
            EventsError: A line is JSON, but no event; or the file is another one, or shorter, than what was read.
        """
        try:
            with self._opened() as file:  # by lines: the events of a large run are longer than what they hold
                for line in file:
                    text = line if self._line else line.removeprefix(codecs.BOM_UTF8)
                    if not line.endswith(b"\n") and not is_json(text):  # only the last line can be
                        return True
                    start, self.end = self.end, self.end + len(line)
                    self._checksum = crc32(line, self._checksum)
                    self._line += 1
                    if text.strip():
                        self._take_line(text, start=start)
        except FileNotFoundError as error:
            raise EventsError(
                f"{self.path}: there is no such file or folder; name a run, such as reports/RUN"
            ) from error
        except OSError as error:
            raise EventsError(f"{self.path}: cannot be read as events: {error.strerror or error}") from error
        return False

    def finish(self) -> Run:
        """Read what is left, and return the run; raises as `read_on` does."""
        cut_off = self.read_on()
        return self._run(("the last line of events.jsonl was cut off and left out",) if cut_off else ())

    def is_as_read(self) -> bool:
        """Return whether the file still holds what was read of it."""
        checksum, left = 0, self.end
        with suppress(OSError), self.path.open("rb") as file:
            while left and (block := file.read(min(left, _BLOCK))):
                checksum, left = crc32(block, checksum), left - len(block)
        return not left and checksum == self._checksum

    def _opened(self) -> BinaryIO:
        """Open the file behind what was read of it; EventsError for one that took its place."""
        if self._file is None:
            self._file = EventsOnDisk.of(self.path)
        file = readable(self.path).open("rb")
        if self._file is not None:  # a pipe is read once, from its beginning
            if not (self._file.is_same(file) and file.seek(0, os.SEEK_END) >= self.end):
                file.close()
                raise self._file.changed()
            file.seek(self.end)
        return file

    def _take_line(self, line: bytes, *, start: int) -> None:
        event = sound_event(line) or self._event_of(line)
        if isinstance(event, PartEvent):
            self._take_part(event, start=start)
        elif event is not None:
            self._take(event)

    def _event_of(self, line: bytes) -> types.AnyEvent | None:
        """Return the event of a line by its head; None for one of an unknown type, and for a damaged line."""
        try:
            return decode_event(line, decode_head(line, where=self._where), where=self._where)
        except EventsError as error:
            if self._info is None:
                raise self._no_events(line, str(error).removeprefix(f"{self.path}, ")) from error
            if is_json(line):
                raise
            self._leave_out()
            return None

    @property
    def _where(self) -> str:
        """The line that is read, as errors name it."""
        return f"{self.path}, line {self._line}"

    def _fault(self, text: str) -> EventsError:
        return EventsError(f"{self._where}: {text}")

    def _no_events(self, first: bytes, reason: str) -> EventsError:
        """Return the error for a file of another kind, by its first line; it names the run in whose folder it lies."""
        held = measured_kind(first)
        if held is MeasuredFile.EVENTS:
            return EventsError(f"{self.path}, {reason}")
        if held is not None:
            reason = f"it holds {held.shown}"
        folder = self.path.parent
        run = folder if (folder / EVENTS_FILE).is_file() and self.path.name != EVENTS_FILE else Path("reports", "RUN")
        return EventsError(
            f"{self.path}: is no events.jsonl of pytest-swarm ({reason}); name the folder of a run, such as {run}"
        )

    def _leave_out(self) -> None:
        """Leave out a damaged line with every job that is open there; nobody knows to which of them it belongs."""
        self._damaged.append(self._line)
        self._unowned += not self._open
        self._goes_on = False
        self._torn |= {case: job.label for case, job in self._open.items()}
        self._open.clear()

    def _take(self, event: types.AnyEvent) -> None:
        match event:
            case types.RunStartEvent():
                if self._info is not None:
                    raise self._fault("field 'event': a second run_start; a file holds one run, so split it")
                self._info = self._run_info(event)
            case types.RunEndEvent():
                self._complete, self._notes, self._failed = event.complete, list(event.notes), event.failed
                self._parts = event.parts
            case types.CollectionEvent():
                self._complete = False  # until this session too has ended
                self._goes_on |= bool(self._damaged) and self._collected.keys() <= {*event.tests}
                self._collected.update(dict.fromkeys(map(sys.intern, event.tests)))  # jobs name them too
            case MeasuredTestEvent() | VerifiedCaseEvent():
                self._measured.take(event)
            case types.NoteEvent():
                self._case_notes.append(event.text)
            case types.DagStructureEvent():
                case = events.decode_dag_structure(event, self._graph(event))
                self._open[event.case] = OpenJob(
                    case=case,
                    simulated=event.simulated,
                    open_tasks={each.id for each in case.graph.tasks},
                    parts=JobParts(self._file, held=self._ended is not None),
                )
            case types.JobSummaryEvent():
                job = self._open_job(event)
                if job is not None:
                    if (fault := job.fault_of_end(event)) is not None:
                        raise self._fault(fault)
                    del self._open[event.case]
                    self._jobs.append(job.closed(event, job.parts.stored()))
                    if self._ended is not None:
                        self._ended(job.closed(event, job.parts.held()))

    def _take_part(self, event: PartEvent, *, start: int) -> None:
        job = self._open_job(event)
        if job is None:
            return
        fault = job.fault_of(event, fleet=None if self._info is None else self._info.fleet)
        if fault is not None:
            raise self._fault(fault)
        job.parts.take(event, start=start, end=self.end)

    def _open_job(self, event: PartEvent | types.JobSummaryEvent) -> OpenJob | None:
        """Return the job of an event; None for one that was left out, or whose beginning was."""
        job = self._open.get(event.case)
        if job is None and not self._damaged:
            name = type(event).__struct_config__.tag
            raise self._fault(f"{name} of a job that no dag_structure opened")
        if job is None and event.case not in self._torn.keys() | self._headless:
            self._headless.add(event.case)
            self._unowned = max(0, self._unowned - 1)
        return job

    def _run_info(self, event: types.RunStartEvent) -> RunInfo:
        try:
            return events.decode_run_start(event)
        except SwarmError as error:  # a fleet that is not valid
            raise self._fault(str(error)) from error

    def _graph(self, event: types.DagStructureEvent) -> TaskGraph:
        """The graph of an event. The same graph comes with every mode, budget and repeat: it is decoded once."""
        content = sha256(repr(event.graph).encode()).digest()
        if content not in self._graphs:
            self._graphs[content] = decode_graph_object(event.graph, where=self._where, error=EventsError)
        return self._graphs[content]

    def _run(self, cut_off: tuple[str, ...]) -> Run:
        if self._info is None:
            raise self._no_events(b"", "it holds no run_start event")
        unfinished = [f"{job.label} was still running when the run stopped" for job in self._open.values()]
        again = {job.case.digest for job in self._jobs}
        made_good = self._goes_on and not self._unowned and self._torn.keys() | self._headless <= again
        damage = self._damage(again | self._open.keys(), made_good=made_good)
        lost = (*(() if made_good else damage), *cut_off)
        return Run(
            info=self._info,
            jobs=tuple(self._jobs),
            complete=self._complete and not unfinished and not lost,
            notes=(*self._notes, *sorted(set(self._case_notes)), *unfinished, *damage, *cut_off),
            collected=tuple(self._collected),
            failed=self._failed,
            measured=tuple(self._measured.tests),
            verified=tuple(self._measured.cases.values()),
            lost=lost,
            parts=self._parts,
        )

    def _damage(self, again: Set[str], *, made_good: bool) -> tuple[str, ...]:
        """A sentence for the damaged lines and the jobs that were left out and not run again."""
        if not self._damaged:
            return ()
        lost = [label for case, label in self._torn.items() if case not in again]
        jobs = f", and with them {', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}" if lost else ""
        lines = "line" if len(self._damaged) == 1 else "lines"
        now = "their jobs ran again" if made_good else "go on with --swarm-resume to run what is missing"
        return (
            f"events.jsonl has {len(self._damaged)} damaged {lines} (first: line {self._damaged[0]}), left out{jobs}; "
            f"{now}",
        )
