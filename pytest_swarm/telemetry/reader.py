"""Reading events.jsonl back into a Run.

A cut-off last line and a job without an end are accepted, and a note of the run says so. So is a line in the middle
that is no JSON, which a full disk or an editor left: the jobs that it may belong to are left out as a whole, because
figures of a part would be wrong. Events of unknown types are left out: a later version may write them.
"""

from __future__ import annotations

import codecs
import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pytest_swarm.codec import is_json
from pytest_swarm.documents import path_of
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, JobRecord, Run, RunInfo
from pytest_swarm.errors import EventsError, SwarmError
from pytest_swarm.files import readable
from pytest_swarm.graph_codec import decode_graph_object
from pytest_swarm.telemetry import EVENTS_FILE, events
from pytest_swarm.telemetry import event_types as types
from pytest_swarm.telemetry.event_lines import decode_event, decode_head
from pytest_swarm.telemetry.job_parts import EventsOnDisk, JobParts, PartEvent
from pytest_swarm.telemetry.measured_events import MeasuredReader, MeasuredTestEvent, VerifiedCaseEvent


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
    path = events_file(path)
    cut_off = False
    try:
        reader = _Reader(str(path), EventsOnDisk.of(path))
        with readable(path).open("rb") as file:  # by lines: the events of a large run are longer than what they hold
            for number, line in enumerate(file, start=1):
                reader.end += len(line)
                line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                cut_off = not line.endswith(b"\n") and not is_json(line)  # only the last line can be
                if line.strip() and not cut_off:
                    reader.take_line(line, number=number)
    except FileNotFoundError as error:
        raise EventsError(f"{path}: there is no such file or folder; name a run, such as reports/RUN") from error
    except OSError as error:
        raise EventsError(f"{path}: cannot be read as events: {error.strerror or error}") from error
    return reader.finish(("the last line of events.jsonl was cut off and left out",) if cut_off else ())


@dataclass(slots=True)
class _OpenJob:
    case: Case
    simulated: bool
    open_tasks: set[str]
    parts: JobParts

    @property
    def label(self) -> str:
        return self.case.label

    def close(self, event: types.JobSummaryEvent) -> JobRecord:
        return JobRecord(
            case=self.case,
            status=event.status,
            simulated=self.simulated,
            started_ts_ms=event.started_ts_ms,
            makespan_s=event.makespan_s,
            error=event.error,
            host=event.host,
            **self.parts.close(),
        )


class _Reader:
    """Gathers events into jobs; events of different cases may interleave."""

    def __init__(self, where: str, file: EventsOnDisk | None) -> None:
        self.where = where
        self.file = file
        self.end = 0  # bytes of the file up to the end of the line that is read
        self.info: RunInfo | None = None
        self.open: dict[str, _OpenJob] = {}
        self.jobs: list[JobRecord] = []
        self.complete = False
        self.notes: list[str] = []
        self.case_notes: list[str] = []
        self.collected: dict[str, None] = {}
        self.failed: tuple[str, ...] | None = None
        self.damaged: list[int] = []
        self.torn: dict[str, str] = {}  # case -> what a job is called that a damaged line may belong to
        self.measured = MeasuredReader()
        self._graphs: dict[bytes, TaskGraph] = {}

    def take_line(self, line: bytes, *, number: int) -> None:
        where = f"{self.where}, line {number}"
        try:
            head = decode_head(line, where=where)
        except EventsError:
            if self.info is None or is_json(line):
                raise
            self._leave_out(number)
            return
        event = decode_event(line, head, where=where)
        if isinstance(event, PartEvent):
            self._take_part(event, where, length=len(line))
        elif event is not None:
            self._take(event, where)

    def _leave_out(self, number: int) -> None:
        """Leave out a damaged line with every job that is open there; nobody knows to which of them it belongs."""
        self.damaged.append(number)
        self.torn |= {case: job.label for case, job in self.open.items()}
        self.open.clear()

    def _take(self, event: types.AnyEvent, where: str) -> None:
        match event:
            case types.RunStartEvent():
                if self.info is not None:
                    raise EventsError(f"{where}: field 'event': a second run_start; a file holds one run, so split it")
                self.info = _run_info(event, where)
            case types.RunEndEvent():
                self.complete, self.notes, self.failed = event.complete, list(event.notes), event.failed
            case types.CollectionEvent():
                self.collected.update(dict.fromkeys(map(sys.intern, event.tests)))  # jobs name them too
            case MeasuredTestEvent() | VerifiedCaseEvent():
                self.measured.take(event)
            case types.NoteEvent():
                self.case_notes.append(event.text)
            case types.DagStructureEvent():
                case = events.decode_dag_structure(event, self._graph(event, where))
                self.open[event.case] = _OpenJob(
                    case=case,
                    simulated=event.simulated,
                    open_tasks={each.id for each in case.graph.tasks},
                    parts=JobParts(self.file),
                )
            case types.JobSummaryEvent():
                job = self._open_job(event, where)
                if job is not None:
                    self.jobs.append(job.close(event))
                    del self.open[event.case]

    def _take_part(self, event: PartEvent, where: str, *, length: int) -> None:
        job = self._open_job(event, where)
        if job is None:
            return
        match event:
            case types.PlanStepEvent():
                _check_step(event, where)
            case types.TaskResultEvent():
                self._check_result(event, job, where)
            case types.ModelSwitchEvent():
                _check_times(event.started_s, event.finished_s, where)
        job.parts.take(event, start=self.end - length, end=self.end)

    def _open_job(self, event: PartEvent | types.JobSummaryEvent, where: str) -> _OpenJob | None:
        """Return the job of an event; None for one that was left out, or whose beginning was."""
        job = self.open.get(event.case)
        if job is None and not self.damaged:
            name = type(event).__struct_config__.tag
            raise EventsError(f"{where}: {name} of a job that no dag_structure opened")
        return job

    def _check_result(self, event: types.TaskResultEvent, job: _OpenJob, where: str) -> None:
        """Refuse a result that contradicts the fleet, the graph or an earlier line."""
        if event.task not in job.open_tasks:
            if any(each.id == event.task for each in job.case.graph.tasks):
                raise EventsError(f"{where}: field 'task': a second task_result of {event.task!r} in one job")
            raise EventsError(f"{where}: field 'task': the graph of {job.case.job!r} has no task {event.task!r}")
        job.open_tasks.discard(event.task)
        if event.model is not None and self.info is not None and event.model not in self.info.fleet:
            known = ", ".join(self.info.fleet.tags)
            raise EventsError(f"{where}: field 'model': the fleet has no model {event.model!r}; it has {known}")
        _check_times(event.started_s, event.finished_s, where)

    def _graph(self, event: types.DagStructureEvent, where: str) -> TaskGraph:
        """The graph of an event. The same graph comes with every mode, budget and repeat: it is decoded once."""
        content = sha256(repr(event.graph).encode()).digest()
        if content not in self._graphs:
            self._graphs[content] = decode_graph_object(event.graph, where=where, error=EventsError)
        return self._graphs[content]

    def finish(self, notes: tuple[str, ...]) -> Run:
        if self.info is None:
            raise EventsError(f"{self.where}: holds no run_start event, so it is no events.jsonl of pytest-swarm")
        unfinished = [f"{job.label} was still running when the run stopped" for job in self.open.values()]
        damage = self._damage()
        return Run(
            info=self.info,
            jobs=tuple(self.jobs),
            complete=self.complete and not unfinished and not notes and not damage,
            notes=(*self.notes, *sorted(set(self.case_notes)), *unfinished, *damage, *notes),
            collected=tuple(self.collected),
            failed=self.failed,
            measured=tuple(self.measured.tests),
            verified=tuple(self.measured.cases.values()),
        )

    def _damage(self) -> tuple[str, ...]:
        """A sentence for the damaged lines and the jobs that were left out and not run again."""
        if not self.damaged:
            return ()
        again = {job.case.digest for job in self.jobs} | self.open.keys()
        lost = [label for case, label in self.torn.items() if case not in again]
        jobs = f", and with them {', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}" if lost else ""
        lines = "line" if len(self.damaged) == 1 else "lines"
        return (
            f"events.jsonl has {len(self.damaged)} damaged {lines} (first: line {self.damaged[0]}), left out{jobs}; "
            f"go on with --swarm-resume to run what is missing",
        )


def _run_info(event: types.RunStartEvent, where: str) -> RunInfo:
    try:
        return events.decode_run_start(event)
    except SwarmError as error:  # a fleet that is not valid
        raise EventsError(f"{where}: {error}") from error


def _check_times(started_s: float | None, finished_s: float | None, where: str) -> None:
    if started_s is not None and finished_s is not None and finished_s < started_s:
        raise EventsError(f"{where}: field 'finished_s': {finished_s:g} is before started_s, which is {started_s:g}")


def _check_step(event: types.PlanStepEvent, where: str) -> None:
    """Refuse a plan whose models have no footprint, or whose tasks have no origin."""
    assignments = (*event.assignments, *event.executed)
    for model in (*(each.model for each in assignments), *event.target_residency):
        if model not in event.vram_gb:
            raise EventsError(f"{where}: field 'vram_gb' has no entry for model {model!r}")
    for each in assignments:
        if each.task not in event.origin:
            raise EventsError(f"{where}: field 'origin' has no entry for task {each.task!r}")
