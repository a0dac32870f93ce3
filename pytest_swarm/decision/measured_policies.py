"""The policies that runs measured at one VRAM budget: which can be used there, and their figures on the same jobs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.decision.criteria import Criterion
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.record import JobStatus, lambda_label
from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.facts import mean_of_all
from pytest_swarm.metrics.measured_jobs import MeasuredJob, horizon_order, lambda_order
from pytest_swarm.metrics.metric_table import METRICS
from pytest_swarm.routing.registry import built_in, mode_order, policy_name
from pytest_swarm.units import format_gb

LEAST_SHARE: Final = 0.9
"""Share of the jobs that a policy must have figures for; the jobs that one lacks are left out for all."""
Draw: TypeAlias = tuple[int, int, int]
"""Number of the run, repeat, and occurrence of the case in the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySetting:
    """A policy that a run measured: its mode and horizon, and its weight of token cost where that was swept."""

    mode: str
    horizon: HorizonDepth
    lambda_token: float | None = None

    @property
    def label(self) -> str:
        """The mode with its horizon, as in test ids: `milp-h3`."""
        depth = "flat" if self.horizon == "flat" else f"h{self.horizon}"
        swept = "" if self.lambda_token is None else f"-{lambda_label(self.lambda_token)}"
        return f"{self.mode}-{depth}{swept}"

    @property
    def name(self) -> str:
        """The policy as people read it: `MILP (horizon 3)`."""
        return policy_name(self.mode, self.horizon, self.lambda_token)

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key: the order of the table of modes, then the horizon, then the weight."""
        return mode_order(self.mode), horizon_order(self.horizon), lambda_order(self.lambda_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyJob:
    """One job under one policy: its repeats by draw, and the family that it is declared to belong to."""

    name: str
    family: str | None
    draws: Mapping[Draw, MeasuredJob]

    @property
    def graph(self) -> TaskGraph:
        """Return its graph, which all draws share."""
        return next(iter(self.draws.values())).record.case.graph

    def mean(self, metric: str) -> float | None:
        """Return the mean over repeats of a metric; None where a repeat lacks it."""
        values = (each.comparable(METRICS[metric]) for each in self.draws.values())
        return mean_of_all(value if isinstance(value, int | float) else None for value in values)


JobsByDigest: TypeAlias = Mapping[str, PolicyJob]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPolicies:
    """The policies that can be used, the present one first, and the digests of the jobs that all of them have.

    `excluded` says of each other one why it was left out, `present_fault` why the present one, which stays,
    cannot be used: `breaks the budget in 3 of 8 jobs`; None where it can.
    """

    settings: tuple[PolicySetting, ...]
    jobs: tuple[str, ...]
    by_setting: Mapping[PolicySetting, JobsByDigest]
    excluded: Mapping[PolicySetting, str]
    present_fault: str | None = None

    def rows(self, criterion: Criterion) -> tuple[tuple[float, ...], ...]:
        """Return the figures, one row per policy and one column per job.

        Raises:
            OptionError: A figure was not measured, or a relative one is not above 0.
        """
        return tuple(
            tuple(_figure(self.by_setting[setting][digest], criterion, self.name_of(setting)) for digest in self.jobs)
            for setting in self.settings
        )

    def name_of(self, policy: PolicySetting) -> str:
        """Return the name of a policy for people, with its horizon where several were measured."""
        several = len({each.horizon for each in self.by_setting}) > 1
        return policy_name(policy.mode, policy.horizon if several else None, policy.lambda_token)

    @property
    def families(self) -> tuple[Hashable, ...]:
        """Return the key of each job's family; a job without one is a family of its own."""
        jobs = self.by_setting[self.settings[0]]
        return tuple(digest if (family := jobs[digest].family) is None else (family,) for digest in self.jobs)

    @property
    def declares_families(self) -> bool:
        """Return whether any of the jobs belongs to a declared family."""
        jobs = self.by_setting[self.settings[0]]
        return any(jobs[digest].family is not None for digest in self.jobs)

    def noise(self, criterion: Criterion) -> tuple[tuple[float, ...], int]:
        """Return the variance of a job's gain that comes from its repeats, by policy, and the number of repeats.

        It is empty where a job has one repeat only.
        """
        present = self.by_setting[self.settings[0]]
        repeats = min((len(present[digest].draws) for digest in self.jobs), default=1)
        if repeats < 2:
            return (), repeats
        found = [0.0]
        for setting in self.settings[1:]:
            parts = []
            for digest in self.jobs:
                gains = _repeat_gains(present[digest], self.by_setting[setting][digest], criterion)
                if len(gains) < 2:
                    return (), repeats
                parts.append(variance(gains) / len(gains))
            found.append(fmean(parts))
        return tuple(found), repeats

    def scored_tasks(self) -> float:
        """Return the mean number of tasks of a job that have a score, at least 1."""
        jobs = [next(iter(self.by_setting[self.settings[0]][digest].draws.values())) for digest in self.jobs]
        return max(1.0, fmean(sum(score is not None for score in each.task_score.values()) for each in jobs))


def _figure(job: PolicyJob, criterion: Criterion, policy: str) -> float:
    value = job.mean(criterion.metric)
    if value is None:
        raise OptionError(
            f"--by {criterion.name}: job {job.name!r} has no {criterion.metric} under {policy}; "
            "measure it, or decide by another figure"
        )
    if criterion.relative and value <= 0:
        raise OptionError(
            f"--by {criterion.name}: {criterion.metric} of job {job.name!r} under {policy} is {value:g}, so "
            "nothing can be saved of it; decide by another figure"
        )
    return value


def _repeat_gains(present: PolicyJob, policy: PolicyJob, criterion: Criterion) -> list[float]:
    """Return the gains of the repeats that both have."""
    gains: list[float] = []
    for draw in present.draws.keys() & policy.draws.keys():
        was, now = criterion.of_job(present.draws[draw]), criterion.of_job(policy.draws[draw])
        if was is None or now is None:
            continue
        if not criterion.relative:
            gains.append(now - was)
        elif was > 0 and now > 0:
            gains.append(math.log(was / now))
    return gains


def group_jobs(
    runs: Sequence[Iterable[MeasuredJob]], budget_gb: float, *, twins: Mapping[int, int] = MappingProxyType({})
) -> dict[PolicySetting, dict[str, PolicyJob]]:
    """Return the jobs of all runs at one budget, by policy and by the digest of their graph.

    Args:
        runs: The jobs of each run.
        budget_gb: The VRAM budget.
        twins: Numbers of runs that are an earlier one again, with its number: a case of both is one draw.
    """
    draws: dict[PolicySetting, dict[str, dict[Draw, MeasuredJob]]] = {}
    names: dict[str, str] = {}
    families: dict[str, str] = {}
    for number, jobs in enumerate(runs):
        for job in jobs:
            if job.key.vram_budget_gb == budget_gb:
                key = job.key
                setting = PolicySetting(mode=key.mode, horizon=key.horizon, lambda_token=key.lambda_token)
                digest, family = job.record.case.graph.digest, job.record.case.graph.family
                names[digest] = job.job
                if family is not None:
                    families[digest] = family
                draws.setdefault(setting, {}).setdefault(digest, {}).setdefault(
                    (twins.get(number, number), job.key.repeat, job.occurrence), job
                )
    return {
        setting: {
            digest: PolicyJob(name=names[digest], family=families.get(digest), draws=each)
            for digest, each in by_digest.items()
        }
        for setting, by_digest in draws.items()
    }


def usable_policies(
    grouped: Mapping[PolicySetting, JobsByDigest], present: PolicySetting, criteria: Sequence[Criterion]
) -> MeasuredPolicies:
    """Return the policies that could be used at the budget, on the jobs that all of them finished.

    Left out are policies that know what no user knows, that break the budget, that found no plan for a job, or that
    lack figures for a tenth of the jobs; by time or cost also those of which failed tasks left a job without one, whose
    low score would be left out with it.

    Args:
        grouped: What `group_jobs` returned.
        present: The policy that is in use now; it stays, whatever it does.
        criteria: The figures that each job must have.
    """
    complete = {setting: complete_jobs(jobs, criteria) for setting, jobs in grouped.items()}
    wanted = complete[present]
    excluded: dict[PolicySetting, str] = {}
    kept = [present]
    for setting in sorted(grouped, key=lambda each: each.order):
        if setting == present:
            continue
        lost = next((text for each in criteria if (text := _lost_figures(grouped[setting], wanted, each))), None)
        reason = _fault_against(setting, grouped[setting]) or lost or _missing(complete[setting], wanted)
        if reason is None:
            kept.append(setting)
        else:
            excluded[setting] = reason
    jobs = sorted(set.intersection(*(complete[each] for each in kept)), key=lambda d: (grouped[present][d].name, d))
    return MeasuredPolicies(
        settings=tuple(kept),
        jobs=tuple(jobs),
        by_setting=grouped,
        excluded=MappingProxyType(excluded),
        present_fault=fault_of(grouped[present]),
    )


def complete_jobs(jobs: JobsByDigest, criteria: Sequence[Criterion]) -> set[str]:
    """Return the jobs that have every figure."""
    return {digest for digest, job in jobs.items() if all(job.mean(each.metric) is not None for each in criteria)}


def _fault_against(setting: PolicySetting, jobs: JobsByDigest) -> str | None:
    return "knows the answers beforehand, so it cannot be used" if in_hindsight(setting) else fault_of(jobs)


def _lost_figures(jobs: JobsByDigest, wanted: set[str], criterion: Criterion) -> str | None:
    """Return `has no makespan in 2 of 30 jobs, because tasks failed`; None for a score, and where no job ended so."""
    if not criterion.relative:
        return None
    failed = {
        digest
        for digest in wanted & jobs.keys()
        for each in jobs[digest].draws.values()
        if each.record.status is JobStatus.COMPLETED and each.metrics.tasks_failed and criterion.of_job(each) is None
    }
    return f"has no {criterion.name} in {_of_jobs(len(failed), len(wanted))}, because tasks failed" if failed else None


def _missing(complete: set[str], wanted: set[str]) -> str | None:
    known = len(complete & wanted)
    return f"has figures for {_of_jobs(known, len(wanted))} only" if known < LEAST_SHARE * len(wanted) else None


def in_hindsight(setting: PolicySetting) -> bool:
    """Return whether a policy knows what no user knows."""
    row = built_in(setting.mode)
    return row is not None and row.group == "hindsight"


def fault_of(jobs: JobsByDigest) -> str | None:
    """Return why a policy cannot be used, by what it did: it breaks the budget, or finds no plan."""
    every = [(digest, each) for digest, job in jobs.items() for each in job.draws.values()]
    planned = {digest for digest, each in every if each.metrics.violations}
    measured = {digest for digest, each in every if each.metrics.measured_violations}
    if measured - planned:
        peak_gb = max(each.metrics.measured_peak_vram_gb or 0.0 for digest, each in every if digest in measured)
        held = f"its measured VRAM (up to {format_gb(peak_gb)})"
        if not planned:
            return f"plans within the budget, but {held} breaks it in {_of_jobs(len(measured), len(jobs))}"
        return f"breaks the budget in {_of_jobs(len(planned), len(jobs))}, and {held} in {len(measured - planned)} more"
    if planned:
        return f"breaks the budget in {_of_jobs(len(planned), len(jobs))}"
    without = {digest for digest, each in every if each.record.status is JobStatus.INFEASIBLE}
    return f"finds no plan for {_of_jobs(len(without), len(jobs))}" if without else None


def _of_jobs(count: int, total: int) -> str:
    return f"{count} of {total} job" + ("" if total == 1 else "s")
