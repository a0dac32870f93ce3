"""Metrics of the energy that the GPUs used, by NVML's counters; null without a GPU that counts it."""

from __future__ import annotations

from itertools import pairwise

from pytest_swarm.domain.record import TaskStatus
from pytest_swarm.domain.vram_sample import SamplePhase, VramSample
from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.spec import Column, Kind, MetricGroup, MetricSpec, Show, Unit, Worse
from pytest_swarm.metrics.summaries import mean, mean_over_steps, not_summed_up, ratio_of_means

SOLVED = 1.0  # the score of a task that is entirely right


def _counted(job: JobFacts) -> tuple[VramSample, ...]:
    """Return the samples that hold the energy counter."""
    return tuple(each for each in job.record.samples if each.gpu is not None and each.gpu.energy_j is not None)


def _between(first: VramSample, last: VramSample) -> float | None:
    """Return the joules between two samples: above idle, where that was measured, and never below 0."""
    if first.gpu is None or last.gpu is None or first.gpu.energy_j is None or last.gpu.energy_j is None:
        return None
    idle_j = _idle_between(first, last)
    return None if idle_j is None else max(0.0, last.gpu.energy_j - first.gpu.energy_j - idle_j)


def _idle_between(first: VramSample, last: VramSample) -> float | None:
    """Return the joules that idle GPUs would have used between two samples."""
    power_w = None if first.gpu is None else first.gpu.idle_power_w
    return None if power_w is None else power_w * (last.at_s - first.at_s)


def _energy_j(job: JobFacts) -> float | None:
    samples = _counted(job)
    return _between(samples[0], samples[-1]) if job.timed and len(samples) > 1 else None


def _idle_energy_j(job: JobFacts) -> float | None:
    samples = _counted(job)
    return _idle_between(samples[0], samples[-1]) if job.timed and len(samples) > 1 else None


def _idle_power_w(job: JobFacts) -> float | None:
    return next((each.gpu.idle_power_w for each in _counted(job) if each.gpu is not None), None)


def _energy_j_per_step(job: JobFacts) -> tuple[float | None, ...]:
    """Return the joules of each step, from its first sample to that of the next one."""
    samples = _counted(job)
    bounds = [n for n, each in enumerate(samples) if each.phase is SamplePhase.START]
    if not samples or not bounds:
        return ()
    ends = [*bounds, len(samples) - 1]
    return tuple(_between(samples[a], samples[b]) for a, b in pairwise(ends) if b > a)


def _tasks_solved(job: JobFacts) -> int:
    return sum(each.status is TaskStatus.OK and each.score == SOLVED for each in job.record.outcomes)


def _energy_j_per_solved_task(job: JobFacts) -> float | None:
    energy_j, solved = _energy_j(job), _tasks_solved(job)
    return energy_j / solved if energy_j is not None and solved else None


def energy_over_solved(column: Column[float | None]) -> float | None:
    """Energy of all jobs that measured it, over the tasks that these solved."""
    used_j = [EnergyMetrics.energy_j.of_job(job) for job in column.jobs]
    return ratio_of_means(column, used_j, [EnergyMetrics.tasks_solved.of_job(job) for job in column.jobs])


class EnergyMetrics(MetricGroup):
    """The energy of the GPUs, above what they draw while nothing runs."""

    __slots__ = ()
    GROUP = "Energy"

    energy_j = MetricSpec(
        label="Energy above idle",
        short="energy",
        definition="Joules that all GPUs used, by everybody, from the first sample of the job to the last, by NVML's "
        "counters, less `idle_energy_j`. `null` without a GPU that counts its energy, where the server is not on this "
        "machine, or where all tasks were refused",
        of=_energy_j,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        unit=Unit.JOULES,
        digits=1,
    )
    idle_energy_j = MetricSpec(
        label="Energy of idle GPUs",
        definition="Joules that the GPUs would have used meanwhile at `idle_power_w`",
        of=_idle_energy_j,
        over=mean,
        show=Show.FILES | Show.DETAIL,
        unit=Unit.JOULES,
        digits=1,
    )
    idle_power_w = MetricSpec(
        label="Idle power",
        definition="Watts of all GPUs over one second before the first case of the run, with what was loaded then",
        of=_idle_power_w,
        over=mean,
        show=Show.FILES | Show.DETAIL,
        unit=Unit.WATTS,
        digits=1,
    )
    energy_j_per_step = MetricSpec(
        label="Energy per step",
        definition="Joules of each step above idle, loads of its models included",
        of=_energy_j_per_step,
        over=mean_over_steps,
        show=Show.JSON,
        unit=Unit.JOULES,
        digits=1,
    )
    tasks_solved = MetricSpec(
        label="Tasks solved",
        definition="Tasks that ran and have a score of 1",
        of=_tasks_solved,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
        kind=Kind.COUNT,
        worse_when=Worse.LOWER,
    )
    energy_j_per_solved_task = MetricSpec(
        label="Energy per solved task",
        definition="`energy_j / tasks_solved`. `null` where nothing was solved",
        of=_energy_j_per_solved_task,
        over=energy_over_solved,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        unit=Unit.JOULES,
        digits=1,
    )
