"""A job of which events are read, and what contradicts the events before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case, JobRecord, JobStatus
from pytest_swarm.telemetry import event_types as types
from pytest_swarm.telemetry.events import PartEvent
from pytest_swarm.telemetry.job_parts import JobParts


@dataclass(slots=True)
class OpenJob:
    """A job that has begun. `open_tasks` are those without a result, `lines` the number of each line by its hash."""

    case: Case
    simulated: bool
    open_tasks: set[str]
    parts: JobParts
    lines: dict[int, int]

    @property
    def label(self) -> str:
        """Return what the job is called."""
        return self.case.label

    def closed(self, event: types.JobSummaryEvent, parts: Mapping[str, Any]) -> JobRecord:
        """Return the record of the job.

        Args:
            event: Its end.
            parts: Its parts, by the fields of a record.
        """
        return JobRecord(
            case=self.case,
            status=event.status,
            simulated=self.simulated,
            started_ts_ms=event.started_ts_ms,
            makespan_s=event.makespan_s,
            error=event.error,
            host=event.host,
            **parts,
        )

    def fault_of(self, event: PartEvent, *, fleet: Fleet | None) -> str | None:
        """Return what is wrong with a part; None for a sound one, whose task has its result then.

        Args:
            event: The part.
            fleet: The fleet of the run, where it is known.
        """
        match event:
            case types.PlanStepEvent():
                return _step_fault(event)
            case types.TaskResultEvent():
                return self._result_fault(event, fleet) or _times_fault(event.started_s, event.finished_s)
            case types.ModelSwitchEvent():
                return _times_fault(event.started_s, event.finished_s)
            case _:
                return None

    def fault_of_end(self, event: types.JobSummaryEvent) -> str | None:
        """Return what a job lacks, such as a line that an editor removed; None where nothing is missing."""
        if event.status is JobStatus.COMPLETED and self.open_tasks:
            task = next(each.id for each in self.case.graph.tasks if each.id in self.open_tasks)
            return f"field 'status': the job is completed, but has no task_result of {task!r}"
        for kind, count in self.parts.counts().items():
            if count != event.events.get(kind, count):
                return f"field 'events': {event.events[kind]} of {kind}, where the job has {count}"
        return None

    def _result_fault(self, event: types.TaskResultEvent, fleet: Fleet | None) -> str | None:
        """Return how a result contradicts the fleet, the graph or an earlier line."""
        if event.task not in self.open_tasks:
            if any(each.id == event.task for each in self.case.graph.tasks):
                return f"field 'task': a second task_result of {event.task!r} in one job"
            return f"field 'task': the graph of {self.case.job!r} has no task {event.task!r}"
        self.open_tasks.discard(event.task)
        if event.model is not None and fleet is not None and event.model not in fleet:
            return f"field 'model': the fleet has no model {event.model!r}; it has {', '.join(fleet.tags)}"
        return None


def _times_fault(started_s: float | None, finished_s: float | None) -> str | None:
    if started_s is not None and finished_s is not None and finished_s < started_s:
        return f"field 'finished_s': {finished_s:g} is before started_s, which is {started_s:g}"
    return None


def _step_fault(event: types.PlanStepEvent) -> str | None:
    """Return what a plan lacks: the footprint of a model, or the origin of a task."""
    assignments = (*event.assignments, *event.executed)
    for model in (*(each.model for each in assignments), *event.target_residency):
        if model not in event.vram_gb:
            return f"field 'vram_gb' has no entry for model {model!r}"
    for each in assignments:
        if each.task not in event.origin:
            return f"field 'origin' has no entry for task {each.task!r}"
    return None
