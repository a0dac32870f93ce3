"""The rows of the list of jobs: what it shows, sorts and filters by, without anything that takes long to build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.record import JobStatus, TaskOutcome
from pytest_swarm.metrics.measured_jobs import MeasuredJob, PairKey
from pytest_swarm.report.wording import NOT_MEASURED, percent
from pytest_swarm.routing.registry import mode_order

_DIGITS: Final = re.compile("([0-9]+)")


def as_shown(jobs: Iterable[MeasuredJob]) -> list[MeasuredJob]:
    """Return the jobs in the order in which people read them: job2 before job10, else as they come."""
    return sorted(jobs, key=lambda each: natural_order(each.job))


def natural_order(name: str) -> tuple[str | tuple[int, str], ...]:
    """Return the sort key of a name, in which numbers count as numbers; long ones are never converted."""
    parts = _DIGITS.split(name)
    numbers = [each.lstrip("0") for each in parts[1::2]]
    return tuple((len(numbers[n // 2]), numbers[n // 2]) if n % 2 else text for n, text in enumerate(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job at one horizon, budget and repeat, under every mode that ran it."""

    number: int
    jobs: tuple[MeasuredJob, ...]
    differing: int
    spread: float
    worst: float | None
    makespan_s: float
    violations: int
    trouble: bool

    def under(self, mode: str) -> MeasuredJob | None:
        """Return the job under a mode; None where that did not run it."""
        return next((job for job in self.jobs if job.key.mode == mode), None)

    def importance(self) -> tuple[bool, bool, float, int, int]:
        """Return the sort key: failures and broken budgets first, then differences in score and in routing."""
        return not self.trouble, not self.violations, -self.spread, -self.differing, self.number


def job_rows(jobs: Iterable[MeasuredJob]) -> tuple[JobRow, ...]:
    """Return the jobs grouped by everything but their mode, in the order of their names."""
    groups: dict[PairKey, list[MeasuredJob]] = {}
    for each in as_shown(jobs):
        groups.setdefault(each.pair_key, []).append(each)
    return tuple(_row(n, group) for n, group in enumerate(groups.values()))


def _row(number: int, jobs: Sequence[MeasuredJob]) -> JobRow:
    scores = [each.metrics.score for each in jobs if each.metrics.score is not None]
    return JobRow(
        number=number,
        jobs=tuple(sorted(jobs, key=lambda job: mode_order(job.key.mode))),
        differing=len(differing(jobs)),
        spread=max(scores) - min(scores) if scores else 0.0,
        worst=min(scores, default=None),
        makespan_s=max(each.metrics.makespan_s or 0.0 for each in jobs),
        violations=sum(each.metrics.violations for each in jobs),
        trouble=any(each.record.status is not JobStatus.COMPLETED or each.metrics.not_run for each in jobs),
    )


def differing(jobs: Sequence[MeasuredJob]) -> frozenset[str]:
    """Return the tasks that ran on different models under different modes."""
    used: dict[str, set[str]] = {}
    for each in jobs:
        for task, model in each.task_model.items():
            used.setdefault(task, set()).add(model)
    return frozenset(task for task, models in used.items() if len(models) > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefRow:
    """A task and, for each mode, its model and score: what the page shows where the rest is packed."""

    id: str
    cells: tuple[tuple[str, str], ...]


def brief_rows(row: JobRow) -> tuple[BriefRow, ...]:
    """Return the tasks of a job with their models and scores under each mode."""
    sides = [{task: (model, score) for task, model, score in brief(job)} for job in row.jobs]
    missing = (NOT_MEASURED, "not run")
    return tuple(
        BriefRow(id=task, cells=tuple(each.get(task, missing) for each in sides))
        for task in row.jobs[0].record.case.graph.order
    )


def brief(job: MeasuredJob) -> tuple[tuple[str, str, str], ...]:
    """Return task, model and score (or status) of each task of a job."""
    return tuple(
        (each.task, each.model or NOT_MEASURED, written_score(job, each) if each.status == "ok" else each.status.value)
        for each in job.record.outcomes
    )


def written_score(job: MeasuredJob, outcome: TaskOutcome) -> str:
    """Return the score of a task as the page shows it."""
    score = job.task_score.get(outcome.task)
    return "unscored" if score is None else percent(score)
