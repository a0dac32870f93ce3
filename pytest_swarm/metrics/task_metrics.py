"""Metrics of the tasks: how they ended, and who decided where they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_swarm.domain.answer_state import ENDED_AT_LIMIT
from pytest_swarm.domain.record import TaskStatus
from pytest_swarm.metrics.facts import JobFacts, shared_map
from pytest_swarm.metrics.spec import Kind, MetricGroup, MetricSpec, Show, Worse
from pytest_swarm.metrics.summaries import add_counts, not_summed_up, number_of_entries, tally, total, total_of_measured
from pytest_swarm.scoring.answer_text import readable


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """A failed or skipped task, and why it was not run."""

    task: str
    status: TaskStatus
    error: str | None


def _tasks_ok(job: JobFacts) -> int:
    return _number(job, TaskStatus.OK)


def _tasks_failed(job: JobFacts) -> int:
    return _number(job, TaskStatus.FAILED)


def _tasks_skipped(job: JobFacts) -> int:
    return _number(job, TaskStatus.SKIPPED)


def _tasks_unscored(job: JobFacts) -> int:
    return sum(each.status is TaskStatus.OK and each.score is None for each in job.record.outcomes)


def _truncated_prompts(job: JobFacts) -> int | None:
    counted = [each.truncated for each in job.record.outcomes if each.truncated is not None]
    planner = sum(call.truncated for step in job.record.steps for call in step.planner_calls)
    return sum(counted) + planner if counted or planner else None


def _cut_answers(job: JobFacts) -> int | None:
    reasons = [each.done_reason for each in job.record.outcomes if each.done_reason is not None]
    return reasons.count(ENDED_AT_LIMIT) if reasons else None


def _empty_answers(job: JobFacts) -> int:
    return sum(each.answer is not None and not readable(each.answer) for each in job.record.outcomes)


def _retries(job: JobFacts) -> int:
    return len(job.record.retries)


def _planner_failures(job: JobFacts) -> Mapping[str, int]:
    return shared_map(add_counts(step.planner_failures for step in job.record.steps))


def _origins(job: JobFacts) -> Mapping[str, int]:
    counts = Counter(each.origin.value for step in job.record.steps for each in step.executed)
    return shared_map(dict(sorted(counts.items())))


def _not_run(job: JobFacts) -> tuple[NotRun, ...]:
    return tuple(
        NotRun(task=each.task, status=each.status, error=each.error)
        for each in job.record.outcomes
        if each.status is not TaskStatus.OK
    )


def _number(job: JobFacts, status: TaskStatus) -> int:
    return sum(each.status is status for each in job.record.outcomes)


class TaskMetrics(MetricGroup):
    """How the tasks ended, and who decided where they ran."""

    __slots__ = ()
    GROUP = "Tasks"

    tasks_ok = MetricSpec(
        label="Tasks that ran",
        definition="Tasks that ran",
        of=_tasks_ok,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
        worse_when=Worse.LOWER,
    )
    tasks_failed = MetricSpec(
        label="Failed tasks",
        definition="Tasks whose call failed",
        of=_tasks_failed,
        over=not_summed_up,
        show=Show.CASE | Show.CSV | Show.GATE,
    )
    tasks_skipped = MetricSpec(
        label="Skipped tasks",
        definition="Tasks that were never run",
        of=_tasks_skipped,
        over=not_summed_up,
        show=Show.CASE | Show.CSV | Show.GATE,
    )
    tasks_unscored = MetricSpec(
        label="Unscored tasks",
        definition="Tasks that ran and have no score",
        of=_tasks_unscored,
        over=not_summed_up,
        show=Show.CASE | Show.CSV | Show.GATE,
    )
    truncated_prompts = MetricSpec(
        label="Truncated prompts",
        definition="Prompts of tasks and planner that the server cut to about half of the context. Their answers have "
        "no score. `null` where the server counted no prompt",
        of=_truncated_prompts,
        over=total_of_measured,
        show=Show.FILES | Show.SCOREBOARD,
        kind=Kind.COUNT,
    )
    cut_answers = MetricSpec(
        label="Cut answers",
        definition="Answers that the server ended at the limit of tokens (`done_reason` length), which is the model's "
        "own `num_predict`",
        of=_cut_answers,
        over=total_of_measured,
        show=Show.FILES | Show.GATE,
    )
    empty_answers = MetricSpec(
        label="Empty answers",
        definition="Answers that hold nothing, or nothing but thinking",
        of=_empty_answers,
        over=total,
        show=Show.FILES | Show.GATE,
    )
    retries = MetricSpec(
        label="Retries",
        definition="Calls that were tried again because they had failed for the server's sake. Times include the waits",
        of=_retries,
        over=total,
        show=Show.FILES | Show.SCOREBOARD,
        kind=Kind.COUNT,
    )
    planner_failures = MetricSpec(
        label="Planner failures",
        definition="Failures of the planner by kind. In CSV their number",
        of=_planner_failures,
        over=tally,
        show=Show.FILES,
        kind=Kind.COUNT,
    )
    origins = MetricSpec(
        label="Origins",
        definition="Executed assignments by who decided them: `solver`, `planner`, `replanner`, `rule`, `fill-in`",
        of=_origins,
        over=tally,
        show=Show.JSON,
        kind=Kind.COUNT,
        worse_when=Worse.NEITHER,
    )
    not_run = MetricSpec(
        label="Tasks not run",
        definition="Failed and skipped tasks with their errors",
        of=_not_run,
        over=number_of_entries,
        show=Show.JSON,
        kind=Kind.COUNT,
    )
