"""Quality by task type and model: what the routers believed against what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """One model on one task type: mean of its estimated qualities, mean of its scores, and number of scored tasks."""

    believed: float | None
    observed: float | None
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Rows are the task types that occurred, columns the models of the fleet; `folded` types share the last row."""

    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    folded: tuple[str, ...] = ()


MAX_ROWS: Final = 10  # task types of their own row: the most frequent ones


def heat(jobs: Iterable[MeasuredJob], fleet: Fleet) -> Heat:
    """Return the heat map of all jobs. A task that failed counts 0; one that was not scored counts nowhere.

    Args:
        jobs: Jobs of one run.
        fleet: Its models, one a row.
    """
    believed: dict[tuple[str, str], list[float]] = {}
    observed: dict[tuple[str, str], list[float]] = {}
    frequency: Counter[str] = Counter()
    for job in jobs:
        frequency.update(task.type for task in job.record.case.graph.tasks)
        types = {task.id: task.type for task in job.record.case.graph.tasks}
        for step in job.record.steps:
            ready = set(step.ready_tasks)  # a task is estimated in every horizon it stands in; once is enough
            for row in step.estimates:
                if row.task in ready:
                    believed.setdefault((types[row.task], row.model), []).append(row.quality)
        for outcome in job.record.outcomes:
            score = job.task_score.get(outcome.task)
            if outcome.model is not None and score is not None:
                observed.setdefault((types[outcome.task], outcome.model), []).append(score)
    shown, folded = _shown({kind for kind, _ in (*believed, *observed)}, frequency)
    groups = {kind: (kind,) for kind in shown} | ({plural(len(folded), "other type"): folded} if folded else {})
    rows = {
        name: tuple(_cell(_of(believed, kinds, tag), _of(observed, kinds, tag)) for tag in fleet.tags)
        for name, kinds in groups.items()
    }
    return Heat(models=fleet.tags, rows=tuple(rows.items()), folded=folded)


def _shown(kinds: set[str], frequency: Counter[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types with a row of their own, and the others; a single other one has its own row as well."""
    ranked = sorted(kinds, key=lambda kind: (-frequency[kind], kind))
    most = MAX_ROWS if len(ranked) > MAX_ROWS + 1 else len(ranked)
    return in_type_order(ranked[:most]), in_type_order(ranked[most:])


def _of(values: dict[tuple[str, str], list[float]], kinds: tuple[str, ...], tag: str) -> list[float]:
    return [value for kind in kinds for value in values.get((kind, tag), ())]


def _cell(believed: list[float], observed: list[float]) -> HeatCell:
    return HeatCell(
        believed=fmean(believed) if believed else None,
        observed=fmean(observed) if observed else None,
        tasks=len(observed),
    )
