"""Figures of many jobs of one mode: means over what was measured, counts, and the score's interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.metrics.job_metrics import JobMetrics, add_counts
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, setting_order
from pytest_swarm.routing.registry import mode_order
from pytest_swarm.statistics.intervals import Interval, clustered_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One mode at one horizon and budget, or over all of them (None).

    Means are over jobs; None where no job measured the figure. Peaks are the highest of any job, counts
    (`violations`, `planner_failures`, `origins`, `not_run`) are sums. `violation_rate` is the share of jobs that
    planned at least one step and broke the budget in any. `score_per_token_cost` is mean score over mean token cost.
    """

    mode: str
    horizon_depth: HorizonDepth | None
    vram_budget_gb: float | None
    jobs: int
    completed: int
    infeasible: int
    errors: int
    scored: int
    score: Interval | None
    utility: float | None
    regret: float | None
    violations: int
    jobs_over_budget: int
    violation_rate: float | None
    measured_violations: int | None
    measured_violation_rate: float | None
    planned_vram_gb: float | None
    peak_vram_gb: float | None
    distinct_vram_gb: float | None
    measured_peak_vram_gb: float | None
    spilled_gb: float | None
    switches: float | None
    load_s: float | None
    makespan_s: float | None
    total_latency_s: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    token_cost: float | None
    score_per_token_cost: float | None
    steps: int
    fractional_steps: int
    decision_ms: float | None
    decision_ms_per_step: float | None
    decision_ms_median: float | None
    solve_ms: float | None
    solve_ms_per_step: float | None
    planner_failures: Mapping[str, int]
    origins: Mapping[str, int]
    not_run: int

    @property
    def setting(self) -> Setting:
        """Horizon and budget of an aggregate that has both; an aggregate over all of them has no setting."""
        if self.horizon_depth is None or self.vram_budget_gb is None:
            raise ValueError(f"the aggregate of mode {self.mode!r} is over all settings")
        return self.horizon_depth, self.vram_budget_gb


def aggregate_modes(jobs: Sequence[MeasuredJob]) -> tuple[Aggregate, ...]:
    """One aggregate per mode over all its jobs, in the order of modes."""
    return tuple(_aggregate(group, mode, None) for mode, group in sorted(_by_mode(jobs).items(), key=_first))


def aggregate_settings(jobs: Sequence[MeasuredJob]) -> tuple[Aggregate, ...]:
    """One aggregate per mode, horizon and budget, ordered by mode, budget and horizon."""
    cells: dict[tuple[str, Setting], list[MeasuredJob]] = {}
    for each in jobs:
        cells.setdefault((each.key.mode, each.setting), []).append(each)
    order = sorted(cells, key=lambda cell: (mode_order(cell[0]), setting_order(cell[1])))
    return tuple(_aggregate(cells[cell], cell[0], cell[1]) for cell in order)


def aggregate_over(
    jobs: Sequence[MeasuredJob], *, horizon: HorizonDepth | None, budget_gb: float | None
) -> tuple[Aggregate, ...]:
    """One aggregate per mode over the jobs of one horizon, one budget, both, or neither (None = all of them)."""
    chosen = select(jobs, horizon=horizon, budget_gb=budget_gb)
    groups = sorted(_by_mode(chosen).items(), key=_first)
    return tuple(
        replace(_aggregate(group, mode, None), horizon_depth=horizon, vram_budget_gb=budget_gb)
        for mode, group in groups
    )


def select(
    jobs: Sequence[MeasuredJob], *, horizon: HorizonDepth | None, budget_gb: float | None
) -> tuple[MeasuredJob, ...]:
    """The jobs of one horizon, one budget, both, or neither (None = all of them)."""
    return tuple(
        each
        for each in jobs
        if (horizon is None or each.key.horizon == horizon)
        and (budget_gb is None or each.key.vram_budget_gb == budget_gb)
    )


def _by_mode(jobs: Iterable[MeasuredJob]) -> dict[str, list[MeasuredJob]]:
    groups: dict[str, list[MeasuredJob]] = {}
    for each in jobs:
        groups.setdefault(each.key.mode, []).append(each)
    return groups


def _first(item: tuple[str, list[MeasuredJob]]) -> tuple[int, str]:
    return mode_order(item[0])


def _aggregate(jobs: list[MeasuredJob], mode: str, setting: Setting | None) -> Aggregate:
    """One pass over the jobs; long because it is the one list of all aggregated figures."""
    all_metrics = [each.metrics for each in jobs]
    planned = [m for m in all_metrics if m.steps]
    measured = [m.measured_violations for m in all_metrics if m.measured_violations is not None]
    status = Counter(each.record.status for each in jobs)
    score = clustered_mean((each.job, each.metrics.score) for each in jobs if each.metrics.score is not None)
    step_ms = [ms for m in all_metrics for ms in m.decision_ms_per_step]
    solve_ms = [ms for m in all_metrics for ms in m.solve_ms_per_step if ms is not None]
    return Aggregate(
        mode=mode,
        horizon_depth=None if setting is None else setting[0],
        vram_budget_gb=None if setting is None else setting[1],
        jobs=len(jobs),
        completed=status[JobStatus.COMPLETED],
        infeasible=status[JobStatus.INFEASIBLE],
        errors=status[JobStatus.ERROR],
        scored=0 if score is None else score.samples,
        score=score,
        utility=_mean(all_metrics, lambda m: m.utility),
        regret=_mean(all_metrics, lambda m: m.regret),
        violations=sum(m.violations for m in all_metrics),
        jobs_over_budget=sum(m.violations > 0 for m in planned),
        violation_rate=fmean(m.violations > 0 for m in planned) if planned else None,
        measured_violations=sum(measured) if measured else None,
        measured_violation_rate=fmean(count > 0 for count in measured) if measured else None,
        planned_vram_gb=_mean(all_metrics, lambda m: m.planned_vram_gb),
        peak_vram_gb=_peak(all_metrics, lambda m: m.peak_vram_gb),
        distinct_vram_gb=_mean(all_metrics, lambda m: m.distinct_vram_gb),
        measured_peak_vram_gb=_peak(all_metrics, lambda m: m.measured_peak_vram_gb),
        spilled_gb=_peak(all_metrics, lambda m: m.spilled_gb),
        switches=_mean(planned, lambda m: m.switches),
        load_s=_mean(planned, lambda m: m.load_s),
        makespan_s=_mean(all_metrics, lambda m: m.makespan_s),
        total_latency_s=_mean(all_metrics, lambda m: m.total_latency_s),
        prompt_tokens=_mean(all_metrics, lambda m: m.prompt_tokens),
        completion_tokens=_mean(all_metrics, lambda m: m.completion_tokens),
        token_cost=_mean(all_metrics, lambda m: m.token_cost),
        score_per_token_cost=_score_per_token_cost(all_metrics),
        steps=sum(m.steps for m in all_metrics),
        fractional_steps=sum(m.fractional_steps for m in all_metrics),
        decision_ms=_mean(all_metrics, lambda m: m.decision_ms),
        decision_ms_per_step=fmean(step_ms) if step_ms else None,
        decision_ms_median=median(step_ms) if step_ms else None,
        solve_ms=_mean(all_metrics, lambda m: m.solve_ms),
        solve_ms_per_step=fmean(solve_ms) if solve_ms else None,
        planner_failures=add_counts(m.planner_failures for m in all_metrics),
        origins=add_counts(m.origins for m in all_metrics),
        not_run=sum(len(m.not_run) for m in all_metrics),
    )


def _score_per_token_cost(metrics: Iterable[JobMetrics]) -> float | None:
    """Mean score over mean token cost of the jobs that have both."""
    both = [(m.score, m.token_cost) for m in metrics if m.score is not None and m.token_cost is not None]
    cost = sum(cost for _, cost in both)
    return sum(score for score, _ in both) / cost if cost else None


def _mean(metrics: Iterable[JobMetrics], figure: Callable[[JobMetrics], float | None]) -> float | None:
    known = [value for value in map(figure, metrics) if value is not None]
    return fmean(known) if known else None


def _peak(metrics: Iterable[JobMetrics], figure: Callable[[JobMetrics], float | None]) -> float | None:
    return max((value for value in map(figure, metrics) if value is not None), default=None)
