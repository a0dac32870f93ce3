"""What the page shows of one job: its modes next to each other, down to every step, prompt and answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.expectation_codec import encode_expectation
from pytest_swarm.domain.placeholders import fill
from pytest_swarm.domain.record import EstimateRow, PlanStep, TaskOutcome
from pytest_swarm.domain.task import Task
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.report.charts.graph_drawing import GraphDrawing, draw_graph
from pytest_swarm.report.charts.residency_timeline import Timeline, timeline
from pytest_swarm.report.job_rows import JobRow, differing, written_score
from pytest_swarm.report.wording import NOT_MEASURED
from pytest_swarm.scoring.answer_text import handed_on

_TAIL: Final = 400  # of a long text, so many characters of its end are kept: that is where an answer often is


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much is shown of each job: characters of a text, whether estimates, and whether drawings."""

    text: int
    estimates: bool = True
    drawings: bool = True


FULL: Final = Detail(text=16_000)
LADDER: Final = (FULL, Detail(text=1_200), Detail(text=300), Detail(text=120, estimates=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A foreign text, cut where it is too long; `left_out` characters are missing from its middle."""

    head: str
    tail: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCell:
    """One task under one mode. `share` is its part in the job's score; `status` says how it ended.

    `prompt` is what the model was sent, where answers were filled into it: they differ between modes.
    """

    model: str
    score: str
    share: float | None
    status: str
    outcome: TaskOutcome | None
    answer: Text | None
    prompt: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task under all modes; `differs` where the modes chose different models for it."""

    task: Task
    prompt: Text
    expected: Text | None
    differs: bool
    cells: tuple[TaskCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateGroup:
    """The estimates of one task of a step, and the model that was chosen for it (None where none was)."""

    task: str
    chosen: str | None
    executed: bool
    rows: tuple[EstimateRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One prompt to the planner."""

    prompt: Text
    answer: Text | None
    failures: tuple[str, ...]
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A plan step with its estimates grouped by task; `waiting` are the ready tasks that it leaves to a later plan."""

    step: PlanStep
    estimates: tuple[EstimateGroup, ...]
    calls: tuple[CallView, ...]
    origins: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One mode of the job, drawn and step by step. `nodes` has a cell for each task by its id."""

    job: MeasuredJob
    nodes: Mapping[str, TaskCell]
    graph: GraphDrawing | None
    timeline: Timeline | None
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job at one horizon, budget and repeat, under every mode that ran it."""

    number: int
    sides: tuple[Side, ...]
    tasks: tuple[TaskRow, ...]
    differing: frozenset[str]
    detail: Detail


def job_view(row: JobRow, detail: Detail) -> JobView:
    """Return everything that the section of a job shows.

    Args:
        row: The row of the job in the list.
        detail: How much of its texts is shown.
    """
    graph = row.jobs[0].record.case.graph
    drawing = draw_graph(graph) if detail.drawings else None
    differ = differing(row.jobs)
    cells = [_cells(each, detail) for each in row.jobs]
    missing = TaskCell(model=NOT_MEASURED, score=NOT_MEASURED, share=None, status="not run", outcome=None, answer=None)
    tasks = tuple(
        TaskRow(
            task=graph.task(task_id),
            prompt=cut(fill(graph.task(task_id).whole_prompt, {}), detail.text),
            expected=_expected(graph.task(task_id), detail.text),
            differs=task_id in differ,
            cells=tuple(each.get(task_id, missing) for each in cells),
        )
        for task_id in graph.order
    )
    sides = tuple(
        Side(
            job=job,
            nodes=own,
            graph=drawing,
            timeline=timeline(job.record) if detail.drawings else None,
            steps=tuple(_step(step, detail) for step in job.record.steps),
        )
        for job, own in zip(row.jobs, cells, strict=True)
    )
    return JobView(number=row.number, sides=sides, tasks=tasks, differing=differ, detail=detail)


def cut(text: str, limit: int) -> Text:
    """Return the text, or its beginning and its end with the number of characters left out between them."""
    if len(text) <= limit:
        return Text(head=text)
    tail = min(_TAIL, limit // 4)
    return Text(head=text[: limit - tail], tail=text[-tail:], left_out=len(text) - limit)


def _expected(task: Task, limit: int) -> Text | None:
    if task.expected is None:
        return None
    mark = "" if task.reference_model is None else f"\n\nAgreement with {task.reference_model}, not truth."
    return cut(json.dumps(encode_expectation(task.expected), ensure_ascii=False) + mark, limit)


def _cells(job: MeasuredJob, detail: Detail) -> dict[str, TaskCell]:
    return {each.task: _cell(job, each, detail) for each in job.record.outcomes}


def _cell(job: MeasuredJob, outcome: TaskOutcome, detail: Detail) -> TaskCell:
    score = job.task_score.get(outcome.task)
    graph = job.record.case.graph
    template, whole = graph.task(outcome.task).whole_prompt, graph.context == "full"
    given = {each.task: handed_on(each.answer, whole=whole) for each in job.record.outcomes if each.answer is not None}
    filled = fill(template, {} if graph.context == "none" else given)
    return TaskCell(
        model=outcome.model or NOT_MEASURED,
        score=written_score(job, outcome),
        share=score,
        status=outcome.status.value,
        outcome=outcome,
        answer=None if outcome.answer is None else cut(outcome.answer, detail.text),
        prompt=None if filled == fill(template, {}) else cut(filled, detail.text),
    )


def _step(step: PlanStep, detail: Detail) -> StepView:
    return StepView(
        step=step,
        estimates=_estimates(step) if detail.estimates else (),
        calls=tuple(
            CallView(
                prompt=cut(call.prompt, detail.text),
                answer=None if call.answer is None else cut(call.answer, detail.text),
                failures=tuple(failure.value for failure in call.failures),
                detail=call.detail,
            )
            for call in step.planner_calls
        ),
        origins=tuple(dict.fromkeys(each.origin.value for each in step.executed)),
        waiting=tuple(each for each in step.ready_tasks if each in step.deferred),
    )


def _estimates(step: PlanStep) -> tuple[EstimateGroup, ...]:
    chosen = {each.task: each.model for each in step.assignments}
    executed = {each.task for each in step.executed}
    rows: dict[str, list[EstimateRow]] = {}
    for row in step.estimates:
        rows.setdefault(row.task, []).append(row)
    return tuple(
        EstimateGroup(task=task, chosen=chosen.get(task), executed=task in executed, rows=tuple(group))
        for task, group in rows.items()
    )
