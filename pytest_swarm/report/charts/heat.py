"""Quality by task type and model: what the routers believed against what was observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import TaskType
from pytest_swarm.metrics.measured_jobs import MeasuredJob


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """One model on one task type: mean of its estimated qualities, mean of its scores, and number of scored tasks."""

    believed: float | None
    observed: float | None
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Rows are the task types that occurred, columns the models of the fleet."""

    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]


def heat(jobs: Iterable[MeasuredJob], fleet: Fleet) -> Heat:
    """Return the heat map of all jobs. A task that failed counts 0; one that was not scored counts nowhere."""
    believed: dict[tuple[str, str], list[float]] = {}
    observed: dict[tuple[str, str], list[float]] = {}
    for job in jobs:
        types = {task.id: task.type.value for task in job.record.case.graph.tasks}
        for step in job.record.steps:
            ready = set(step.ready_tasks)  # a task is estimated in every horizon it stands in; once is enough
            for row in step.estimates:
                if row.task in ready:
                    believed.setdefault((types[row.task], row.model), []).append(row.quality)
        for outcome in job.record.outcomes:
            score = job.task_score.get(outcome.task)
            if outcome.model is not None and score is not None:
                observed.setdefault((types[outcome.task], outcome.model), []).append(score)
    kinds = [each.value for each in TaskType if any(key[0] == each for key in (*believed, *observed))]
    return Heat(
        models=fleet.tags,
        rows=tuple((kind, tuple(_cell(believed, observed, (kind, tag)) for tag in fleet.tags)) for kind in kinds),
    )


def _cell(
    believed: dict[tuple[str, str], list[float]], observed: dict[tuple[str, str], list[float]], key: tuple[str, str]
) -> HeatCell:
    scores = observed.get(key, [])
    return HeatCell(
        believed=fmean(believed[key]) if key in believed else None,
        observed=fmean(scores) if scores else None,
        tasks=len(scores),
    )
