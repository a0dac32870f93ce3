"""Metrics of VRAM: planned by the router, measured by the server's own list and by NVML."""

from __future__ import annotations

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.record import PlanStep
from pytest_swarm.metrics import measured_vram
from pytest_swarm.metrics.facts import JobFacts, mean_of_known
from pytest_swarm.metrics.spec import Difference, Kind, MetricGroup, MetricSpec, Show, Unit
from pytest_swarm.metrics.summaries import (
    highest,
    mean,
    not_summed_up,
    number_of_jobs,
    share,
    total,
    total_of_measured,
)


def is_violation(step: PlanStep) -> bool:
    """Return whether the planned residency of a step is over its budget."""
    return step.planned_vram_gb > step.vram_budget_gb + BUDGET_TOLERANCE_GB


def _violations(job: JobFacts) -> int:
    return sum(
        is_violation(step) or held > step.vram_budget_gb + BUDGET_TOLERANCE_GB
        for step, held in zip(job.record.steps, job.held_gb, strict=True)
    )


def _over_budget(job: JobFacts) -> bool | None:
    return _violations(job) > 0 if job.record.steps else None


def _measured_over_budget(job: JobFacts) -> bool | None:
    count = measured_vram.measured_violations(job)
    return None if count is None else count > 0


def _planned_vram_gb(job: JobFacts) -> float | None:
    return mean_of_known(_planned_vram_gb_per_step(job))


def _planned_vram_gb_per_step(job: JobFacts) -> tuple[float, ...]:
    return tuple(step.planned_vram_gb for step in job.record.steps)


def _peak_vram_gb(job: JobFacts) -> float | None:
    return max((*_planned_vram_gb_per_step(job), *job.held_gb), default=None)


def _distinct_vram_gb(job: JobFacts) -> float | None:
    """Return the sum over the models that were used; those of the same weights are one."""
    used = {
        tag: step.vram_gb[tag] for step in job.record.steps for tag in step.held(each.model for each in step.executed)
    }
    return sum(used[tag] for tag in sorted(used)) if used else None


class VramMetrics(MetricGroup):
    """What was in VRAM: planned, and measured."""

    __slots__ = ()
    GROUP = "VRAM"

    violations = MetricSpec(
        label="Steps over budget, planned",
        short="viol",
        definition="Plan steps whose planned residency, or under `--swarm-dispatch=tasks` what was held at any moment "
        "until the next step, is more than 1e-6 GB over the budget",
        of=_violations,
        over=total,
        show=Show.FILES | Show.CURVE | Show.GATE | Show.SCOREBOARD,
        kind=Kind.COUNT,
        difference=Difference.ABSOLUTE,
    )
    jobs_over_budget = MetricSpec(
        label="Jobs over budget, planned",
        short="over budget",
        definition="Jobs that planned a step, and broke the budget in any. `null` where none planned one",
        of=_over_budget,
        over=number_of_jobs,
        show=Show.MODE | Show.SCOREBOARD | Show.CHART | Show.TEXT,
        kind=Kind.COUNT,
        unit=Unit.JOBS,
        difference=Difference.ABSOLUTE,
    )
    violation_rate = MetricSpec(
        label="Share of jobs over budget, planned",
        definition="Share of the jobs that planned a step and broke the budget in any",
        of=_over_budget,
        over=share,
        show=Show.MODE | Show.CURVE,
        kind=Kind.SHARE,
        unit=Unit.SHARE,
        high=1.0,
        difference=Difference.POINTS,
    )
    measured_violations = MetricSpec(
        label="Steps over budget, measured",
        definition="Steps with any sample of `/api/ps` in which the run's own models are over the budget. `null` "
        "without samples",
        of=measured_vram.measured_violations,
        over=total_of_measured,
        show=Show.FILES | Show.GATE,
        kind=Kind.COUNT,
        difference=Difference.ABSOLUTE,
    )
    jobs_measured_over_budget = MetricSpec(
        label="Jobs over budget, measured",
        definition="Sampled jobs that were measured over budget in any step",
        of=_measured_over_budget,
        over=number_of_jobs,
        show=Show.MODE | Show.SCOREBOARD,
        kind=Kind.COUNT,
        unit=Unit.JOBS,
        difference=Difference.ABSOLUTE,
    )
    measured_violation_rate = MetricSpec(
        label="Share of jobs over budget, measured",
        definition="Share of the sampled jobs that were measured over budget in any step",
        of=_measured_over_budget,
        over=share,
        show=Show.MODE,
        kind=Kind.SHARE,
        unit=Unit.SHARE,
        high=1.0,
        difference=Difference.POINTS,
    )
    planned_vram_gb = MetricSpec(
        label="Planned VRAM",
        definition="Mean over steps of the planned residency (sum of the models' VRAM)",
        of=_planned_vram_gb,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD,
        unit=Unit.GB,
        mark_best=False,
    )
    planned_vram_gb_per_step = MetricSpec(
        label="Planned VRAM of each step",
        definition="Planned residency of each step",
        of=_planned_vram_gb_per_step,
        over=not_summed_up,
        show=Show.CASE,
        unit=Unit.GB,
        mark_best=False,
    )
    peak_vram_gb = MetricSpec(
        label="Peak VRAM, planned",
        short="peak",
        gives_way=2,
        definition="Highest planned residency of any step; under `--swarm-dispatch=tasks` also the most that was held "
        "at once, from the start of a load to the end of an unload",
        of=_peak_vram_gb,
        over=highest,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.TEXT | Show.DETAIL,
        unit=Unit.GB,
        mark_best=False,
    )
    distinct_vram_gb = MetricSpec(
        label="VRAM of distinct models",
        short="distinct models",
        definition="Sum over the distinct models that the job used, also those that were never in VRAM together: the "
        "published system's measure",
        of=_distinct_vram_gb,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        unit=Unit.GB,
        mark_best=False,
    )
    measured_peak_vram_gb = MetricSpec(
        label="Peak VRAM, measured",
        short="peak, measured",
        definition="Highest sum of `size_vram` that `/api/ps` reported",
        of=measured_vram.measured_peak_vram_gb,
        over=highest,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        unit=Unit.GB,
        mark_best=False,
    )
    spilled_gb = MetricSpec(
        label="Spilled to RAM",
        definition="Most of the resident models that did not fit in VRAM: `size - size_vram` in any sample of "
        "`/api/ps`",
        of=measured_vram.spilled_gb,
        over=highest,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD,
        unit=Unit.GB,
        low=None,
    )
    gpu_peak_gb = MetricSpec(
        label="GPU memory, peak",
        definition="Highest memory in use by NVML, over all GPUs and by everybody. `null` without a GPU",
        of=measured_vram.gpu_peak_gb,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
        unit=Unit.GB,
        mark_best=False,
    )
    server_gpu_peak_gb = MetricSpec(
        label="GPU memory of the server, peak",
        definition="Highest memory of the server's own processes by NVML ([vram.md](vram.md)). `null` where the "
        "driver names none of them",
        of=measured_vram.server_gpu_peak_gb,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
        unit=Unit.GB,
        mark_best=False,
    )
    unplanned_loads = MetricSpec(
        label="Unplanned loads",
        definition="Tasks whose own call took 0.25 s or more to load its model, which nobody planned. `null` where the "
        "server reports no load time",
        of=measured_vram.unplanned_loads,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
    )
    residency_mismatches = MetricSpec(
        label="Residency mismatches",
        definition="Steps in which a model that tasks ran on was missing from `/api/ps`, or one was there that the "
        "plan neither held nor kept. `null` without samples",
        of=measured_vram.residency_mismatches,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
    )
