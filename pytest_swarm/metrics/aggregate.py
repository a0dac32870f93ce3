"""The metrics of many jobs of one mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, setting_order, unit_name
from pytest_swarm.metrics.metric_table import METRICS, AnyMetric, MetricTable
from pytest_swarm.metrics.spec import Column, ModeValues, Unit
from pytest_swarm.metrics.summaries import OF_EVERY_JOB
from pytest_swarm.routing.registry import mode_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(MetricTable, ModeValues):
    """One mode at one horizon, budget and swept weight, or over all of them (None), with a metric per attribute.

    Each metric is summed up over the jobs as its row says; None where no job measured it. `jobs` is the number of
    jobs, `completed`, `infeasible` and `errors` say how they ended, `scored` of them have a score. `measured_by` says
    how many of them measured each metric that is a number of jobs.
    """

    mode: str
    horizon_depth: HorizonDepth | None
    vram_budget_gb: float | None
    lambda_token: float | None
    jobs: int
    completed: int
    infeasible: int
    errors: int
    scored: int
    measured_by: Mapping[str, int]

    @property
    def setting(self) -> Setting:
        """Return horizon, budget and swept weight; ValueError for an aggregate over all of them."""
        if self.horizon_depth is None or self.vram_budget_gb is None:
            raise ValueError(f"the aggregate of mode {self.mode!r} is over all settings")
        return Setting(self.horizon_depth, self.vram_budget_gb, self.lambda_token)


def aggregate_modes(jobs: Sequence[MeasuredJob]) -> tuple[Aggregate, ...]:
    """Return one aggregate per mode over all its jobs, in the order of modes."""
    return tuple(_aggregate(group, mode) for mode, group in _by_mode(jobs))


def aggregate_settings(jobs: Sequence[MeasuredJob], *, modes: Sequence[Aggregate] = ()) -> tuple[Aggregate, ...]:
    """Return one aggregate per mode and setting, ordered by mode, budget, horizon and swept weight.

    Args:
        jobs: All jobs of a run.
        modes: Their `aggregate_modes` where they are known: that of a mode with one setting has the same values.
    """
    whole = {(each.mode, each.jobs): each for each in modes}
    cells: dict[tuple[str, Setting], list[MeasuredJob]] = {}
    for each in jobs:
        cells.setdefault((each.key.mode, each.setting), []).append(each)
    order = sorted(cells, key=lambda cell: (mode_order(cell[0]), setting_order(cell[1])))
    return tuple(
        _at(whole.get((mode, len(cells[mode, setting]))) or _aggregate(cells[mode, setting], mode), setting)
        for mode, setting in order
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One horizon, budget and swept weight, or all of them (None)."""

    horizon: HorizonDepth | None = None
    budget_gb: float | None = None
    lambda_token: float | None = None

    def holds(self, job: MeasuredJob) -> bool:
        """Return whether a job belongs to it."""
        key = job.key
        return (
            self.horizon in (None, key.horizon)
            and self.budget_gb in (None, key.vram_budget_gb)
            and self.lambda_token in (None, key.lambda_token)
        )


def aggregate_over(jobs: Sequence[MeasuredJob], selection: Selection) -> tuple[Aggregate, ...]:
    """Return one aggregate per mode over the jobs of a selection.

    Args:
        jobs: Jobs of any modes and settings.
        selection: The setting whose jobs count.
    """
    chosen = _by_mode(filter(selection.holds, jobs))
    return tuple(_at(_aggregate(group, mode), selection) for mode, group in chosen)


def summed_up(metric: AnyMetric, jobs: Sequence[MeasuredJob]) -> object:
    """Return one metric over jobs of one mode, as its row sums it up.

    Args:
        metric: The row of the table of metrics, which says how it is summed up.
        jobs: Jobs of one mode.

    Returns:
        In the unit of the metric: an `Interval`, a number, or a tally; None where no job measured it.
    """
    return metric.over(_Columns(jobs).of(metric))


def _by_mode(jobs: Iterable[MeasuredJob]) -> list[tuple[str, list[MeasuredJob]]]:
    groups: dict[str, list[MeasuredJob]] = {}
    for each in jobs:
        groups.setdefault(each.key.mode, []).append(each)
    return sorted(groups.items(), key=lambda group: mode_order(group[0]))


def _at(aggregate: Aggregate, place: Setting | Selection) -> Aggregate:
    return replace(
        aggregate, horizon_depth=place.horizon, vram_budget_gb=place.budget_gb, lambda_token=place.lambda_token
    )


def _aggregate(jobs: Sequence[MeasuredJob], mode: str) -> Aggregate:
    status = Counter(each.record.status for each in jobs)
    columns = _Columns(jobs)
    values = {name: row.over(columns.of(row)) for name, row in METRICS.items()}
    numbers_of_jobs = [row for row in METRICS.values() if row.unit is Unit.JOBS]
    return Aggregate(
        mode=mode,
        horizon_depth=None,
        vram_budget_gb=None,
        lambda_token=None,
        jobs=len(jobs),
        completed=status[JobStatus.COMPLETED],
        infeasible=status[JobStatus.INFEASIBLE],
        errors=status[JobStatus.ERROR],
        scored=sum(each.metrics.score is not None for each in jobs),
        measured_by={row.name: sum(v is not None for v in columns.of(row).values) for row in numbers_of_jobs},
        values=MappingProxyType(values),
    )


def counts(metric: AnyMetric, job: MeasuredJob) -> bool:
    """Return whether a job takes part in a metric's figure of a mode.

    Sums, numbers, shares of jobs and maxima are of every job. Means and quantiles are of completed jobs alone: what an
    error cut short was not fast.

    Args:
        metric: The row of the table of metrics.
        job: A job of the mode.
    """
    return metric.over in OF_EVERY_JOB or job.record.status is JobStatus.COMPLETED


class _Columns:
    """The columns of jobs of one mode, by metric."""

    def __init__(self, jobs: Sequence[MeasuredJob]) -> None:
        completed = [each for each in jobs if each.record.status is JobStatus.COMPLETED]
        self._every = _Rows(jobs)
        self._completed = self._every if len(completed) == len(jobs) else _Rows(completed)

    def of(self, metric: AnyMetric) -> Column[Any]:
        """Return the values of one metric, of the jobs that count."""
        return (self._every if metric.over in OF_EVERY_JOB else self._completed).of(metric)


class _Rows:
    """What the columns of the same jobs have in common."""

    def __init__(self, jobs: Sequence[MeasuredJob]) -> None:
        by_case = any(each.weighs_by_case for each in jobs)
        self._metrics = [each.metrics for each in jobs]
        self._families = [each.family for each in jobs]
        self._unit = unit_name(jobs)
        self._cases = [each.case_without_repeat for each in jobs] if by_case else None

    def of(self, metric: AnyMetric) -> Column[Any]:
        """Return the values of one metric."""
        values = [metric.of_job(each) for each in self._metrics]
        return Column(values=values, jobs=self._metrics, families=self._families, unit=self._unit, cases=self._cases)
