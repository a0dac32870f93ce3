"""Reading events.jsonl back into a Run.

A cut-off last line and a job without an end are accepted, and a note of the run says so. So is a line in the middle
that is no sound event, which a full disk or an editor left, or that contradicts those before it: the jobs that it may
belong to are left out as a whole, because figures of a part would be wrong. A line that stands there twice counts once.
Events of unknown types are left out: a later version may write them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import chain, compress

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord, Run, RunInfo
from pytest_swarm.errors import EventsError, SwarmError
from pytest_swarm.graph_codec import decode_graph_object
from pytest_swarm.telemetry import event_types as types
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.copied_lines import CopiedLines, line_hash
from pytest_swarm.telemetry.damage import Damage
from pytest_swarm.telemetry.event_lines import (
    RUN_AGAIN,
    EventHead,
    decode_event,
    decode_head,
    is_of_later_version,
    sound_event,
)
from pytest_swarm.telemetry.events import PartEvent
from pytest_swarm.telemetry.events_path import events_file, no_events
from pytest_swarm.telemetry.growing_file import GrowingFile
from pytest_swarm.telemetry.job_parts import JobParts
from pytest_swarm.telemetry.measured_events import MeasuredReader, MeasuredTestEvent, VerifiedCaseEvent
from pytest_swarm.telemetry.open_job import OpenJob
from pytest_swarm.telemetry.sessions import Sessions


def read_run(path: str | os.PathLike[str]) -> Run:
    """Return the Run of an events.jsonl, or of the folder that holds one.

    Raises:
        EventsError: The file is none of events, holds two runs, or is of a later version. The message names the line.
    """
    return RunReader(path).finish()


class RunReader:
    """Gathers the events of a file into jobs, also while it is written; events of different cases may interleave.

    Args:
        path: An events.jsonl, or the folder that holds one.
        ended: Takes each job as it ends: a record whose parts are in memory, equal to the one of the run.
        numbered: Whether `sound_lines` are asked for.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        ended: Callable[[JobRecord], None] | None = None,
        numbered: bool = False,
    ) -> None:
        self.file = GrowingFile(events_file(path))
        self._job_lines: list[tuple[int, ...]] | None = [] if numbered else None  # of each job that has ended
        self._beside: list[int] = []  # numbers of the lines that stand for themselves
        self._ended = ended
        self._info: RunInfo | None = None
        self._open: dict[str, OpenJob] = {}
        self._jobs: list[JobRecord] = []
        self._sessions = Sessions()
        self._case_notes: list[str] = []
        self._damage = Damage()
        self._ended_last: dict[str, int] = {}  # case -> which of the jobs is its last one
        self._withdrawn: dict[str, int] = {}  # case -> how many jobs had ended when a line contradicted those of it
        self._copies = CopiedLines(self.file.path)
        self._measured = MeasuredReader()
        self._graphs: dict[bytes, TaskGraph] = {}

    def read_on(self) -> bool:
        """Read the whole lines that were added since the last call; return whether a line that is cut off is left.

        Raises:
            EventsError: As of `read_run`; or the file is another one, or shorter, than what was read.
        """
        return self.file.read_on(self._take_line)

    def finish(self) -> Run:
        """Read what is left, and return the run; raises as `read_on` does."""
        cut_off = self.read_on()
        return self._run(("the last line of events.jsonl was cut off and left out",) if cut_off else ())

    @property
    def standing(self) -> Sequence[bool]:
        """Whether each job that has ended belongs to the run; no later line contradicts such a one."""
        return [n >= self._withdrawn.get(job.case.digest, 0) for n, job in enumerate(self._jobs)]

    def sound_lines(self) -> frozenset[int]:
        """Return the numbers, from 1, of the lines of jobs that belong to the run, and of those beside jobs."""
        assert self._job_lines is not None, "they were asked for from the beginning"
        return frozenset(chain(self._beside, *compress(self._job_lines, self.standing)))

    def _take_line(self, line: bytes) -> None:
        event = sound_event(line) or self._event_of(line)
        text = line_hash(line)
        if isinstance(event, PartEvent):
            self._take_part(event, text)
        elif isinstance(event, types.JobSummaryEvent):
            self._take_end(event, text)
        elif event is not None and not self._copies.is_single(event, text, begins_anew=self._begins_anew(event)):
            self._take(event, text)
        self._copies.note(text)

    def _begins_anew(self, event: types.AnyEvent) -> bool:
        """Whether an event is the beginning of a case of which no job is there."""
        return isinstance(event, types.DagStructureEvent) and not (
            event.case in self._open or event.case in self._ended_last
        )

    def _event_of(self, line: bytes) -> types.AnyEvent | None:
        """Return the event of a line by its head; None for one of an unknown type, and for a damaged line."""
        head = None
        try:
            head = decode_head(line, where=self._where)
            return decode_event(line, head, where=self._where)
        except EventsError as error:
            if self._info is None:
                raise no_events(self.file.path, line, str(error).removeprefix(f"{self.file.path}, ")) from error
            if head is not None and is_of_later_version(head):
                raise
            self._take_damaged(head, str(error).removeprefix(f"{self._where}: "))
            return None

    def _take_damaged(self, head: EventHead | None, reason: str) -> None:
        """Leave out a line that is no sound event, with its job; with each that runs where it names none."""
        if head is None:
            self._damage.take_unreadable(self.file.line, reason, running=self._open)
            self._open.clear()
        elif not self._damage.passes_over(head.case):
            self._leave_out(head.case, reason)

    @property
    def _where(self) -> str:
        """The line that is read, as errors name it."""
        return f"{self.file.path}, line {self.file.line}"

    def _fault(self, text: str) -> EventsError:
        return EventsError(f"{self._where}: {text}")

    def _take(self, event: types.AnyEvent, text: int) -> None:
        match event:
            case types.RunStartEvent():
                info = self._run_info(event)
                if self._info not in (None, info):
                    raise self._fault("field 'event': a second run_start; a file holds one run, so split it")
                self._info = info
            case types.RunEndEvent():
                self._sessions.end(event)
            case types.CollectionEvent():
                self._damage.begin_session(has_all=self._sessions.begin(event))
            case MeasuredTestEvent() | VerifiedCaseEvent():
                self._measured.take(event)
                self._beside.append(self.file.line)
            case types.NoteEvent():
                self._case_notes.append(event.text)
                self._beside.append(self.file.line)
            case types.DagStructureEvent():
                if not self._damage.passes_over(event.case):
                    self._begin(event, text)

    def _begin(self, event: types.DagStructureEvent, text: int) -> None:
        try:
            case = events.decode_dag_structure(event, self._graph(event))
        except EventsError as error:
            self._leave_out(event.case, str(error).removeprefix(f"{self._where}: "))
            return
        self._open[event.case] = OpenJob(
            case=case,
            simulated=event.simulated,
            open_tasks={each.id for each in case.graph.tasks},
            parts=JobParts(self.file.on_disk, held=self._ended is not None),
            lines={text: self.file.line},
        )

    def _take_end(self, event: types.JobSummaryEvent, text: int) -> None:
        job = self._open_job(event, text)
        if job is None:
            return
        if (fault := job.fault_of_end(event)) is not None:
            self._leave_out(event.case, fault)
            return
        del self._open[event.case]
        self._ended_last[event.case] = len(self._jobs)
        self._jobs.append(job.closed(event, job.parts.stored()))
        if self._job_lines is not None:
            self._job_lines.append((*job.lines.values(), self.file.line))
        if self._ended is not None:
            self._ended(job.closed(event, job.parts.held()))

    def _take_part(self, event: PartEvent, text: int) -> None:
        job = self._open_job(event, text)
        if job is None or self._copies.is_in(job.lines, text):
            return
        fault = job.fault_of(event, fleet=None if self._info is None else self._info.fleet)
        if fault is not None:
            self._leave_out(event.case, fault)
            return
        job.lines[text] = self.file.line
        job.parts.take(event, start=self.file.start, end=self.file.end)

    def _open_job(self, event: PartEvent | types.JobSummaryEvent, text: int) -> OpenJob | None:
        """Return the job of an event; None for one that was left out, or that stands there twice."""
        job = self._open.get(event.case)
        if job is not None or self._damage.passes_over(event.case):
            return job
        if self._copies.is_anywhere(text, start=self.file.start):
            return None
        name = type(event).__struct_config__.tag
        if event.case in self._ended_last:
            self._leave_out(event.case, f"{name} of a job that has ended")
        elif not self._damage.explains(event.case):
            self._leave_out(event.case, f"{name} of a job that no dag_structure opened")
        return None

    def _leave_out(self, case: str, reason: str) -> None:
        """Leave out the line that is read, and with it what the file holds of its case."""
        running, last = self._open.pop(case, None), self._ended_last.pop(case, None)
        label = None if running is None else running.label
        if last is not None:
            self._withdrawn[case] = len(self._jobs)
            label = self._jobs[last].case.label
        self._damage.take_contradiction(self.file.line, reason, case=case, label=label)

    def _run_info(self, event: types.RunStartEvent) -> RunInfo:
        try:
            return events.decode_run_start(event)
        except SwarmError as error:  # a fleet that is not valid
            raise self._fault(f"{error}; {RUN_AGAIN}") from error

    def _graph(self, event: types.DagStructureEvent) -> TaskGraph:
        """The graph of an event. The same graph comes with every mode, budget and repeat: it is decoded once."""
        content = sha256(repr(event.graph).encode()).digest()
        if content not in self._graphs:
            self._graphs[content] = decode_graph_object(event.graph, where=self._where, error=EventsError)
        return self._graphs[content]

    def _run(self, cut_off: tuple[str, ...]) -> Run:
        if self._info is None:
            raise no_events(self.file.path, b"", "it holds no run_start event")
        unfinished = [f"{job.label} was still running when the run stopped" for job in self._open.values()]
        jobs = tuple(compress(self._jobs, self.standing))
        there = {job.case.digest for job in jobs}
        sessions = self._sessions
        made_good = sessions.complete and self._damage.is_made_good(there)
        damage = self._damage.sentences(there | self._open.keys(), is_made_good=made_good)
        lost = (*sessions.lost(len(jobs), damage=() if made_good else damage), *cut_off)
        return Run(
            info=self._info,
            jobs=jobs,
            complete=sessions.complete and not unfinished and not lost,
            notes=(
                *sessions.notes,
                *sorted(set(self._case_notes)),
                *unfinished,
                *self._copies.sentences,
                *(damage if made_good else ()),
                *lost,
            ),
            collected=tuple(sessions.collected),
            failed=sessions.failed,
            measured=tuple(self._measured.tests),
            verified=tuple(self._measured.cases.values()),
            lost=lost,
            parts=sessions.parts,
        )
