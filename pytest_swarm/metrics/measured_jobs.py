"""A job with its figures, in an order that does not depend on how the run was scheduled; regret against the oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import CaseKey, JobRecord, JobStatus
from pytest_swarm.metrics.job_metrics import JobMetrics, job_metrics, task_scores
from pytest_swarm.routing.registry import ORACLE, mode_order

Setting: TypeAlias = tuple[HorizonDepth, float]  # horizon depth and VRAM budget in GB
PairKey: TypeAlias = tuple[str, HorizonDepth, float, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredJob:
    """A record and its figures. `task_score` is each task's part in the job's score (None = left out of it).

    `occurrence` tells apart jobs of one case that a run holds twice (two tests with the same graph).
    """

    record: JobRecord
    metrics: JobMetrics
    task_score: Mapping[str, float | None]
    occurrence: int = 0

    @property
    def key(self) -> CaseKey:
        """Mode, horizon, budget and repeat."""
        return self.record.case.key

    @property
    def job(self) -> str:
        """The graph's name: repeats, horizons, budgets and modes of one job share it."""
        return self.record.case.job

    @property
    def setting(self) -> Setting:
        """Horizon depth and budget."""
        return self.key.horizon, self.key.vram_budget_gb

    @property
    def pair_key(self) -> PairKey:
        """What two jobs must share to be compared: everything but the mode."""
        key = self.key
        return self.record.case.graph.digest, key.horizon, key.vram_budget_gb, key.repeat, self.occurrence


def measure(records: Iterable[JobRecord]) -> tuple[MeasuredJob, ...]:
    """The jobs with their figures, sorted by job, horizon, budget, mode and repeat; regret set where an oracle ran.

    `records` come in the order they ended. One that is not completed, and that a resumed run completed later, is left
    out: the same test has run the same case again.
    """
    seen: Counter[str] = Counter()
    jobs: list[MeasuredJob] = []
    for record in sorted(_standing(records), key=_record_order):
        digest = record.case.digest
        jobs.append(
            MeasuredJob(
                record=record,
                metrics=job_metrics(record),
                task_score=task_scores(record),
                occurrence=seen[digest],
            )
        )
        seen[digest] += 1
    return _with_regret(jobs)


def _standing(records: Iterable[JobRecord]) -> list[JobRecord]:
    """The records without those that were run again to their end."""
    completed: set[tuple[str, str]] = set()
    kept: list[JobRecord] = []
    for record in reversed(list(records)):
        case = (record.case.digest, record.case.test)
        if record.status is JobStatus.COMPLETED:
            completed.add(case)
        elif case in completed:
            continue
        kept.append(record)
    return kept[::-1]


def horizon_order(horizon: HorizonDepth) -> tuple[int, int]:
    """Sort key of horizons: by depth, `flat` last."""
    return (1, 0) if horizon == "flat" else (0, horizon)


def setting_order(setting: Setting) -> tuple[float, tuple[int, int]]:
    """Sort key of settings: by budget, then by horizon."""
    return setting[1], horizon_order(setting[0])


def _record_order(record: JobRecord) -> tuple[object, ...]:
    key = record.case.key
    return (
        record.case.job,
        record.case.graph.digest,
        key.vram_budget_gb,
        horizon_order(key.horizon),
        mode_order(key.mode),
        key.repeat,
        record.case.test,
    )


def _with_regret(jobs: list[MeasuredJob]) -> tuple[MeasuredJob, ...]:
    """Regret = the oracle's score minus the job's, where both have one."""
    best = {each.pair_key: each.metrics.score for each in jobs if each.key.mode == ORACLE}
    if not best:
        return tuple(jobs)
    return tuple(replace(each, metrics=_regret(each.metrics, best.get(each.pair_key))) for each in jobs)


def _regret(metrics: JobMetrics, best: float | None) -> JobMetrics:
    if best is None or metrics.score is None:
        return metrics
    return replace(metrics, regret=best - metrics.score)
