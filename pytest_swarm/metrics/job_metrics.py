"""The figures of one job, computed from its record alone (DESIGN 5). Not measured is None, never 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from statistics import fmean
from types import MappingProxyType

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.record import JobRecord, JobStatus, PlanStep, TaskOutcome, TaskStatus
from pytest_swarm.fields import Json
from pytest_swarm.metrics.measured_vram import measured_vram


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """A task that counts 0 in the score because it failed or was skipped, and why."""

    task: str
    status: TaskStatus
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMetrics:
    """Every figure of one job; the names are those of report.json and docs/metrics.md defines each.

    Sizes in GB, durations in s or ms as the name says. `*_per_step` have one entry for each plan step. `utility` is
    the objective's value of what was really executed, on estimates. `origins` counts executed assignments by who
    decided them. `regret` is set by `run_metrics`, because it needs the oracle's job.
    """

    score: float | None
    local_score: float | None
    score_per_token_cost: float | None
    utility: float | None
    regret: float | None = None
    planned_vram_gb: float | None
    planned_vram_gb_per_step: tuple[float, ...]
    peak_vram_gb: float | None
    distinct_vram_gb: float | None
    violations: int
    measured_peak_vram_gb: float | None
    measured_violations: int | None
    spilled_gb: float | None
    gpu_peak_gb: float | None
    server_gpu_peak_gb: float | None
    unplanned_loads: int | None
    residency_mismatches: int | None
    switches: int
    evictions: int
    load_s: float
    makespan_s: float | None
    total_latency_s: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    token_cost: float | None
    steps: int
    fractional_steps: int
    decision_ms: float | None
    decision_ms_per_step: tuple[float, ...]
    solve_ms: float | None
    solve_ms_per_step: tuple[float | None, ...]
    planner_failures: Mapping[str, int] = field(default_factory=dict)
    origins: Mapping[str, int] = field(default_factory=dict)
    tasks_ok: int
    tasks_failed: int
    tasks_skipped: int
    tasks_unscored: int
    not_run: tuple[NotRun, ...] = ()

    def __post_init__(self) -> None:
        for name in ("planner_failures", "origins"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def job_metrics(record: JobRecord) -> JobMetrics:
    """The figures of one job; `regret` is None, because it needs the oracle's job of the same run."""
    steps, outcomes = record.steps, record.outcomes
    planned_gb = tuple(step.planned_vram_gb for step in steps)
    status = Counter(each.status for each in outcomes)
    score = job_score(record)
    token_cost = _total(each.token_cost for each in outcomes)
    measured = measured_vram(record)
    loads = [each for each in record.switches if each.action == "load"]
    return JobMetrics(
        score=score,
        local_score=job_local_score(record),
        score_per_token_cost=score / token_cost if score is not None and token_cost else None,
        utility=realised_utility(steps),
        planned_vram_gb=fmean(planned_gb) if planned_gb else None,
        planned_vram_gb_per_step=planned_gb,
        peak_vram_gb=max(planned_gb, default=None),
        distinct_vram_gb=_distinct_vram_gb(steps),
        violations=sum(map(is_violation, steps)),
        measured_peak_vram_gb=measured.peak_gb,
        measured_violations=measured.violations,
        spilled_gb=measured.spilled_gb,
        gpu_peak_gb=measured.gpu_peak_gb,
        server_gpu_peak_gb=measured.server_gpu_peak_gb,
        unplanned_loads=measured.unplanned_loads,
        residency_mismatches=measured.residency_mismatches,
        switches=len(loads),
        evictions=len(record.switches) - len(loads),
        load_s=sum(each.finished_s - each.started_s for each in loads),
        makespan_s=record.makespan_s,
        total_latency_s=_total(each.latency_s for each in outcomes),
        prompt_tokens=_count(each.prompt_tokens for each in outcomes),
        completion_tokens=_count(each.completion_tokens for each in outcomes),
        token_cost=token_cost,
        steps=len(steps),
        fractional_steps=sum(step.fractional for step in steps),
        decision_ms=_total(step.decision_ms for step in steps),
        decision_ms_per_step=tuple(step.decision_ms for step in steps),
        solve_ms=_total(step.solve_ms for step in steps),
        solve_ms_per_step=tuple(step.solve_ms for step in steps),
        planner_failures=add_counts(step.planner_failures for step in steps),
        origins=dict(sorted(Counter(each.origin.value for step in steps for each in step.executed).items())),
        tasks_ok=status[TaskStatus.OK],
        tasks_failed=status[TaskStatus.FAILED],
        tasks_skipped=status[TaskStatus.SKIPPED],
        tasks_unscored=sum(each.status is TaskStatus.OK and each.score is None for each in outcomes),
        not_run=_not_run(outcomes),
    )


def _not_run(outcomes: Iterable[TaskOutcome]) -> tuple[NotRun, ...]:
    return tuple(
        NotRun(task=each.task, status=each.status, error=each.error)
        for each in outcomes
        if each.status is not TaskStatus.OK
    )


def job_score(record: JobRecord) -> float | None:
    """Mean score over the tasks that could be scored, in [0, 1].

    A failed or skipped task counts 0; a task without a score that did run is left out. None where nothing was
    scored, and for a job that is not completed: an error is not a low score.
    """
    if record.status is not JobStatus.COMPLETED:
        return None
    scores = task_scores(record).values()
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def job_local_score(record: JobRecord) -> float | None:
    """The job's score with each answer held against what was right for the inputs that its task was really given.

    As `job_score`, over the tasks that have a local score; it tells a task's own errors from those that it inherited.
    """
    if record.status is not JobStatus.COMPLETED:
        return None
    counted = task_scores(record)
    local = {
        each.task: each.local_score if each.status is TaskStatus.OK else counted[each.task] for each in record.outcomes
    }
    known = [score for score in local.values() if score is not None]
    return fmean(known) if known else None


def task_scores(record: JobRecord) -> dict[str, float | None]:
    """Score of each task as it counts in the job's mean: 0 where it was not run, None where it is left out.

    A task that was not run is left out only if it could never have been scored: it has no expectation, or it is for
    a judge and a judged task of this job that did run has no score, so there was no judge.
    """
    judged = [each for each in record.outcomes if each.status is TaskStatus.OK and _for_judge(record, each)]
    no_judge = bool(judged) and all(each.score is None for each in judged)
    scores: dict[str, float | None] = {}
    for each in record.outcomes:
        if each.status is TaskStatus.OK:
            scores[each.task] = each.score
        else:
            expected = record.case.graph.task(each.task).expected
            never = expected is None or (no_judge and isinstance(expected, Judge))
            scores[each.task] = None if never else 0.0
    return scores


def is_violation(step: PlanStep) -> bool:
    """Whether the planned residency of a step is over its budget."""
    return step.planned_vram_gb > step.vram_budget_gb + BUDGET_TOLERANCE_GB


def realised_utility(steps: Iterable[PlanStep]) -> float | None:
    """Value of what was executed: sum over steps of (sum of u_im over executed - lambda_switch * sum of S_i loaded).

    u_im is the utility row that the router saw (quality - lambda_token * token cost), S_i the switch cost of each
    executed model that was not resident. Each task counts once, however often it stood in a horizon, and each load
    where it happens, so the figure is comparable over modes and horizons. None where no step was planned.
    """
    parts: list[float] = []
    for step in steps:
        chosen = {(each.task, each.model) for each in step.executed}
        loaded = {each.model for each in step.executed}.difference(step.resident_before)
        parts += [row.utility for row in step.estimates if (row.task, row.model) in chosen]
        parts += [-step.lambda_switch * step.switch_cost.get(tag, 0.0) for tag in sorted(loaded)]
    return sum(parts) if parts else None


def add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several tallies, keys in alphabetical order."""
    total: Counter[str] = Counter()
    for each in counts:
        if each:  # most are empty, and updating with nothing takes as long as with something
            total.update(each)
    return dict(sorted(total.items()))


def encode_metrics(metrics: JobMetrics) -> dict[str, Json]:
    """The JSON object of the figures, keys as the fields are named."""
    return {each.name: _json(getattr(metrics, each.name)) for each in fields(metrics)}


def _json(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    if isinstance(value, NotRun):
        return {"task": value.task, "status": value.status.value, "error": value.error}
    assert value is None or isinstance(value, bool | int | float | str)
    return value


def _for_judge(record: JobRecord, outcome: TaskOutcome) -> bool:
    return isinstance(record.case.graph.task(outcome.task).expected, Judge)


def _distinct_vram_gb(steps: Iterable[PlanStep]) -> float | None:
    """Sum of v over the distinct models that the job used: the published system's measure of VRAM."""
    used = {each.model: step.vram_gb[each.model] for step in steps for each in step.executed}
    return sum(used[tag] for tag in sorted(used)) if used else None


def _total(values: Iterable[float | None]) -> float | None:
    """Sum of what was measured; None where nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _count(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
