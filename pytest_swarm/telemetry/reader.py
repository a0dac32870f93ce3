"""Reading events.jsonl back into a Run. A cut-off last line and a job without an end are tolerated, and said so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.record import (
    Case,
    JobRecord,
    JobStatus,
    PlanStep,
    Run,
    RunInfo,
    Switch,
    TaskOutcome,
    VramSample,
)
from pytest_swarm.errors import EventsError, SwarmError
from pytest_swarm.fields import Fields
from pytest_swarm.telemetry import decode
from pytest_swarm.telemetry.events import SCHEMA_VERSION
from pytest_swarm.telemetry.sink import Event


def read_run(path: Path) -> Run:
    """The Run of an events.jsonl, or of the folder that holds one.

    EventsError names the file and the line for anything that is not an event; only a cut-off last line is forgiven.
    """
    path = path / "events.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(f"{path}: cannot be read as events: {error}") from error
    events: list[object] = []
    cut_off = False
    for number, line in enumerate(lines, start=1):
        try:
            events.append(json.loads(line))
        except ValueError as error:
            if number < len(lines) or line.endswith("\n"):
                raise EventsError(f"{path}, line {number}: is no JSON: {error}") from error
            cut_off = True
    run = run_of_events(events, where=str(path))
    if not cut_off:
        return run
    notes = (*run.notes, "the last line of events.jsonl was cut off and left out")
    return Run(info=run.info, jobs=run.jobs, complete=False, notes=notes)


def run_of_events(events: Iterable[object], *, where: str) -> Run:
    """The Run of parsed events, the first being `run_start`; `where` is named in errors."""
    reader = _Reader(where)
    for number, event in enumerate(events, start=1):
        reader.take(Fields(event, where=f"{where}, line {number}", error=EventsError))
    return reader.finish()


def jobs_of_events(events: Iterable[Event]) -> tuple[JobRecord, ...]:
    """The complete jobs among events that carry no `run_start`."""
    reader = _Reader("events")
    for event in events:
        reader.take(Fields(event, where="events", error=EventsError))
    return tuple(reader.jobs)


@dataclass(slots=True)
class _OpenJob:
    case: Case
    simulated: bool
    steps: list[PlanStep] = field(default_factory=list)
    outcomes: list[TaskOutcome] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    samples: list[VramSample] = field(default_factory=list)

    def close(self, fields: Fields) -> JobRecord:
        return JobRecord(
            case=self.case,
            status=JobStatus(fields.text("status")),
            simulated=self.simulated,
            started_ts_ms=fields.number("started_ts_ms"),
            steps=tuple(self.steps),
            outcomes=tuple(self.outcomes),
            switches=tuple(self.switches),
            samples=tuple(self.samples),
            makespan_s=fields.optional_number("makespan_s"),
            error=fields.optional_text("error"),
        )


_INSIDE_A_JOB: Final[Mapping[str, Callable[[_OpenJob, Fields], None]]] = MappingProxyType(
    {
        "plan_step": lambda job, fields: job.steps.append(decode.decode_plan_step(fields)),
        "task_result": lambda job, fields: job.outcomes.append(decode.decode_task_result(fields)),
        "model_switch": lambda job, fields: job.switches.append(decode.decode_switch(fields)),
        "vram_sample": lambda job, fields: job.samples.append(decode.decode_vram_sample(fields)),
    }
)


class _Reader:
    """Gathers events into jobs; jobs of different cases may interleave, events of unknown types are passed over."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.info: RunInfo | None = None
        self.open: dict[str, _OpenJob] = {}
        self.jobs: list[JobRecord] = []
        self.complete = False
        self.notes: list[str] = []
        self.case_notes: list[str] = []

    def take(self, fields: Fields) -> None:
        try:
            self._take(fields)
        except ValueError as error:  # a word that is no member of its enumeration
            raise fields.fail(str(error)) from error
        except EventsError:
            raise
        except SwarmError as error:  # a graph or fleet in it that is not valid
            raise fields.fail(str(error)) from error

    def _take(self, fields: Fields) -> None:
        event = fields.text("event")
        if event == "run_start":
            version = fields.whole("schema_version")
            if version > SCHEMA_VERSION:
                raise fields.fail(f"schema version {version} is newer than {SCHEMA_VERSION}; update pytest-swarm")
            self.info = self.info or decode.decode_run_start(fields)
        elif event == "run_end":
            self.complete = fields.flag("complete")
            self.notes = list(fields.texts("notes"))
        elif event == "note":
            self.case_notes.append(fields.text("text"))
        elif event == "dag_structure":
            case = decode.decode_dag_structure(fields)
            self.open[fields.text("case")] = _OpenJob(case=case, simulated=fields.flag("simulated"))
        elif event in _INSIDE_A_JOB or event == "job_dag_summary":
            self._take_inside(event, fields)

    def _take_inside(self, event: str, fields: Fields) -> None:
        job = self.open.get(fields.text("case"))
        if job is None:
            raise fields.fail(f"{event} of a job that no dag_structure opened")
        if event == "job_dag_summary":
            self.jobs.append(job.close(fields))
            del self.open[fields.text("case")]
        else:
            _INSIDE_A_JOB[event](job, fields)

    def finish(self) -> Run:
        if self.info is None:
            raise EventsError(f"{self.where}: holds no run_start event, so it is no events.jsonl of pytest-swarm")
        unfinished = [
            f"{job.case.job} [{job.case.key.label}] was still running when the run stopped"
            for job in self.open.values()
        ]
        return Run(
            info=self.info,
            jobs=tuple(self.jobs),
            complete=self.complete and not unfinished,
            notes=(*self.notes, *self.case_notes, *unfinished),
        )
