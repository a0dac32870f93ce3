"""All jobs of a run with their metrics, in an order that does not depend on how the run was scheduled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, NamedTuple, TypeAlias

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import CaseKey, JobRecord, JobStatus, Run
from pytest_swarm.domain.run_options import text_of
from pytest_swarm.metrics.job_figures import JobFigures, figures_of
from pytest_swarm.metrics.job_metrics import JobMetrics, with_regret
from pytest_swarm.metrics.metric_table import AnyMetric, MetricTable
from pytest_swarm.metrics.quality_metrics import regret_of
from pytest_swarm.metrics.spec import Kind, Unit
from pytest_swarm.routing.registry import ORACLE, mode_order

_AUTO: Final = "auto"
_AMOUNTS: Final = frozenset((Unit.TOKENS, Unit.COST, Unit.PER_COST, Unit.JOULES))
_LOADS: Final = frozenset(row.name for row in (MetricTable.switches, MetricTable.evictions, MetricTable.loads_unused))


class Setting(NamedTuple):
    """Horizon depth, VRAM budget in GB, and the weight of token cost where the run sweeps it (else None)."""

    horizon: HorizonDepth
    budget_gb: float
    lambda_token: float | None = None


PairKey: TypeAlias = tuple[str, Setting, int, int]
_Job: TypeAlias = tuple[JobRecord, JobFigures]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredJob:
    """A record and its metrics. `task_score` is each task's part in the job's score (None = left out of it).

    `task_model` is the model of each task that was dispatched, `sandboxes` are what confined the code that was run.

    `occurrence` tells apart jobs of one case that a run holds twice (two tests with the same graph). `weighs_by_case`:
    the run repeated its cases only while needed, so that a mean gives each case the same weight.
    """

    record: JobRecord
    metrics: JobMetrics
    task_score: Mapping[str, float | None]
    task_model: Mapping[str, str]
    sandboxes: tuple[tuple[str, ...], ...] = ()
    occurrence: int = 0
    weighs_by_case: bool = False

    @property
    def key(self) -> CaseKey:
        """Return mode, horizon, budget, swept weight and repeat."""
        return self.record.case.key

    @property
    def job(self) -> str:
        """Return the graph's name: repeats, horizons, budgets and modes of one job share it."""
        return self.record.case.job

    @property
    def family(self) -> Hashable:
        """Return what chance moves together: the jobs of the graph's family, or without one those of its name."""
        family = self.record.case.graph.family
        return self.job if family is None else (family,)

    @property
    def setting(self) -> Setting:
        """Return horizon depth, budget and swept weight."""
        return setting_of(self.key)

    @property
    def lambda_token(self) -> float | None:
        """Return the weight of token cost that the job was planned with; None where no step was planned."""
        swept, steps = self.key.lambda_token, self.record.steps
        return steps[0].lambda_token if swept is None and steps else swept

    @property
    def case_without_repeat(self) -> Hashable:
        """Return what all repeats of a case share."""
        digest, setting, _, occurrence = self.pair_key
        return self.key.mode, digest, setting, occurrence

    def comparable(self, metric: AnyMetric) -> object:
        """Return the job's value of a metric, for a comparison with that of another job; None for a mere bound.

        Args:
            metric: The row of the table of metrics.
        """
        return None if self.metrics.tasks_failed and bound_by_failure(metric) else metric.of_job(self.metrics)

    @property
    def pair_key(self) -> PairKey:
        """Return what two jobs must share to be compared."""
        return pair_key(self.record, self.occurrence)


def bound_by_failure(metric: AnyMetric) -> bool:
    """Return whether a failed task leaves but a bound of a metric, as what follows it was not run.

    Times, loads, tokens, cost and energy are lower bounds, score per cost an upper one.
    """
    return metric.kind is Kind.TIME or metric.unit in _AMOUNTS or metric.name in _LOADS


def pair_family(one: MeasuredJob, other: MeasuredJob) -> Hashable:
    """Return the family of two jobs of one graph: a family that only one of them declares is that of both.

    Args:
        one: A job; its family comes first where they declare different ones.
        other: The job that it is compared with.
    """
    return other.family if one.record.case.graph.family is None else one.family


def unit_name(jobs: Iterable[MeasuredJob]) -> str:
    """Return what the values of an interval over jobs are called: families where one is declared, else workflows."""
    return "workflow" if all(each.record.case.graph.family is None for each in jobs) else "family"


def pair_key(record: JobRecord, occurrence: int) -> PairKey:
    """Return what two jobs must share to be compared: everything but the mode.

    Args:
        record: The job.
        occurrence: Which job it is, from 0, of those that are equal in all the rest.
    """
    key = record.case.key
    return record.case.graph.digest, setting_of(key), key.repeat, occurrence


def setting_of(key: CaseKey) -> Setting:
    """Return the setting of a case."""
    return Setting(key.horizon, key.vram_budget_gb, key.lambda_token)


def measure_run(run: Run, figures: Sequence[JobFigures] | None = None) -> tuple[MeasuredJob, ...]:
    """Return the jobs of a run with their metrics; where repeats were added while needed, they weigh by case.

    Args:
        run: The run.
        figures: Those of its jobs, where they are known.
    """
    jobs = measure(run.jobs, figures)
    if not text_of("swarm_repeat", run.info.options).startswith(_AUTO):
        return jobs
    return tuple(replace(job, weighs_by_case=True) for job in jobs)


def measure(records: Iterable[JobRecord], figures: Sequence[JobFigures] | None = None) -> tuple[MeasuredJob, ...]:
    """Return the jobs with their metrics, sorted by job, budget, horizon, swept weight, mode and repeat.

    One that is not completed, and that ran again later, in the same test, is left out. The best score of each pair with
    an oracle gives the regret of its jobs.

    Args:
        records: The jobs in the order in which they ended.
        figures: Those of the records, where they are known.
    """
    listed = list(records)
    known = map(figures_of, listed) if figures is None else figures
    standing = compress(zip(listed, known, strict=True), stands(listed))
    ordered = _numbered(sorted(standing, key=_order))
    best = _best_scores(ordered)
    return tuple(_measured(job, occurrence, best) for job, occurrence in ordered)


def _best_scores(ordered: Sequence[tuple[_Job, int]]) -> dict[PairKey, float]:
    """Return the best score within the budget of each pair that an oracle ran."""
    best: dict[PairKey, float] = {}
    judged: set[PairKey] = set()
    for (record, figures), occurrence in ordered:
        key, score = pair_key(record, occurrence), figures.metrics.score
        if score is None:
            continue
        if record.case.key.mode == ORACLE:
            judged.add(key)
        if not figures.over_budget:
            best[key] = max(best.get(key, score), score)
    return {key: score for key, score in best.items() if key in judged}


def _measured(job: _Job, occurrence: int, best: Mapping[PairKey, float]) -> MeasuredJob:
    record, figures = job
    oracle_score, metrics = best.get(pair_key(record, occurrence)), figures.metrics
    if oracle_score is not None:
        metrics = with_regret(metrics, regret_of(metrics.score, oracle_score, over_budget=figures.over_budget))
    return MeasuredJob(
        record=record,
        metrics=metrics,
        task_score=figures.task_score,
        task_model=figures.task_model,
        sandboxes=figures.sandboxes,
        occurrence=occurrence,
    )


def _numbered(jobs: Iterable[_Job]) -> list[tuple[_Job, int]]:
    """Number the jobs of one case."""
    seen: Counter[str] = Counter()
    numbered: list[tuple[_Job, int]] = []
    for job in jobs:
        digest = job[0].case.digest
        numbered.append((job, seen[digest]))
        seen[digest] += 1
    return numbered


def stands(records: Sequence[JobRecord]) -> list[bool]:
    """Return of each job whether it counts: one that was not completed, and ran again later, does not."""
    later: set[tuple[str, str]] = set()
    kept: list[bool] = []
    for record in reversed(records):
        case = (record.case.digest, record.case.test)
        kept.append(record.status is JobStatus.COMPLETED or case not in later)
        later.add(case)
    return kept[::-1]


def horizon_order(horizon: HorizonDepth) -> tuple[int, int]:
    """Return the sort key of horizons: by depth, `flat` last."""
    return (1, 0) if horizon == "flat" else (0, horizon)


def lambda_order(lambda_token: float | None) -> float:
    """Return the sort key of swept weights; None, for a weight that is not swept, is first."""
    return -1.0 if lambda_token is None else lambda_token


def setting_order(setting: Setting) -> tuple[float, tuple[int, int], float]:
    """Return the sort key of settings: by budget, then by horizon, then by swept weight."""
    return setting.budget_gb, horizon_order(setting.horizon), lambda_order(setting.lambda_token)


def _order(job: _Job) -> tuple[object, ...]:
    record, _ = job
    key = record.case.key
    return (
        record.case.job,
        record.case.graph.digest,
        *setting_order(setting_of(key)),
        mode_order(key.mode),
        key.repeat,
        record.case.test,
    )
