"""The decision on runs: which of the policies that they measured to use, at each VRAM budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from pytest_swarm.decision.choice import PolicyChoice, Ruling, choose_policy
from pytest_swarm.decision.criteria import DEFAULT_LOSS, SCORE, AllowedLoss, Criterion
from pytest_swarm.decision.measured_policies import (
    LEAST_SHARE,
    MeasuredPolicies,
    PolicySetting,
    group_jobs,
    usable_policies,
)
from pytest_swarm.decision.policy_figures import LARGEST_SCORE_GAIN, LEVEL, PolicyFigures
from pytest_swarm.decision.pooled_runs import (
    check_answered,
    check_families,
    check_names,
    check_together,
    check_twins,
    run_digest,
    twin_numbers,
)
from pytest_swarm.decision.present_policy import Grouped, PresentPolicy, named_policy, present_policies
from pytest_swarm.decision.undeclared_families import undeclared_templates
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.record import Run, RunInfo
from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.figures_origin import FiguresMark, figures_mark
from pytest_swarm.metrics.measured_jobs import MeasuredJob, measure
from pytest_swarm.statistics.families import Families
from pytest_swarm.units import format_gb, plural

_SAVINGS: Final = ("score", "makespan_s", "switches", "load_s", "token_cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionQuestion:
    """What is to be decided. `budgets_gb` are those of the runs where it is empty; `against` None = found by rule."""

    by: Criterion = SCORE
    max_loss: AllowedLoss = DEFAULT_LOSS
    budgets_gb: tuple[float, ...] = ()
    against: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """The decision at one budget. Rows of `choice` are `policies`, of which the first is the present one.

    `means` are metric -> its mean over the jobs for each policy; None where one was not measured. `runs` are what the
    runs were, and `cut_off` names those that did not come to their end. `policies` use `jobs` jobs of `repeats`
    repeats. `figures` says where the runs' figures come from.
    `presents` are the present policies of all budgets that are decided together, by budget: they share one error.
    `undeclared_templates` is of how many templates the jobs seem to be variants, where that leaves nothing of a gain.
    """

    question: DecisionQuestion
    budget_gb: float
    policies: tuple[PolicySetting, ...]
    choice: PolicyChoice
    measured: MeasuredPolicies
    means: Mapping[str, tuple[float | None, ...]]
    runs: tuple[RunInfo, ...]
    run_digests: tuple[str, ...]
    cut_off: frozenset[str]
    repeats: int
    figures: FiguresMark
    presents: Mapping[float, PresentPolicy]
    undeclared_templates: int | None = None

    @property
    def present(self) -> PolicySetting:
        """The policy in use now."""
        return self.policies[0]

    @property
    def present_assumed(self) -> bool:
        """Whether nothing tells what is done now, so that the present policy only stands for it."""
        return self.presents[self.budget_gb].assumed

    @property
    def best(self) -> PolicySetting | None:
        """The policy to use, or the one that looks best; None where nothing was compared."""
        return None if self.choice.best is None else self.policies[self.choice.best]

    @property
    def in_force(self) -> PolicySetting:
        """The policy that the decision leads to: the chosen one, or the present one where there is no better one."""
        return self.best if self.choice.ruling is Ruling.USE and self.best is not None else self.present

    @property
    def stand_in_force(self) -> bool:
        """Whether that policy was neither chosen nor named: it only stands for what is done now."""
        return self.present_assumed and self.in_force == self.present

    @property
    def fault_in_force(self) -> str | None:
        """Why the policy that the decision leads to cannot be used; None where it can."""
        return self.measured.present_fault if self.in_force == self.present else None

    @property
    def families(self) -> Families:
        """The family of each job that is decided on; a job without one is a family of its own."""
        return Families.of(self.measured.families)

    @property
    def counted(self) -> str:
        """The jobs of the decision: `60 jobs`, or `60 jobs in 12 families` where families are declared."""
        jobs = plural(self.choice.jobs, "job")
        same = self.choice.families == self.choice.jobs
        return jobs if same else f"{jobs} in {plural(self.choice.families, 'family')}"

    def mean(self, metric: str, policy: PolicySetting) -> float | None:
        """Return the mean of a metric over the jobs under one policy.

        Args:
            metric: Its name in report.json.
            policy: One of the policies that were measured.

        Returns:
            In the unit of the metric; None where no job measured it.
        """
        return self.means[metric][self.policies.index(policy)]

    def run_of(self, policy: PolicySetting) -> RunInfo:
        """Return the first run that measured a policy: what the others lack, its options say."""
        draws = (draw for job in self.measured.by_setting[policy].values() for draw in job.draws)
        return self.runs[min(number for number, _, _ in draws)]

    def jobs_under(self, policy: PolicySetting) -> tuple[MeasuredJob, ...]:
        """Return every job that ran under a policy at the budget."""
        return tuple(each for job in self.measured.by_setting[policy].values() for each in job.draws.values())


def decide_runs(
    runs: Sequence[Run], question: DecisionQuestion, *, jobs: Sequence[Sequence[MeasuredJob]] | None = None
) -> tuple[PolicyDecision, ...]:
    """Return a decision for each budget; those that are made together share one error.

    Args:
        runs: Runs of the same fleet and kind of server: more jobs, or more repeats of the same ones.
        question: What is to be decided.
        jobs: The jobs of each run where they are measured already.

    Raises:
        OptionError: The runs do not belong together, or lack what the question names.
    """
    check_together(runs)
    measured = [measure(run.jobs) for run in runs] if jobs is None else jobs
    there = sorted({job.key.vram_budget_gb for each in measured for job in each})
    if not there:
        raise OptionError("decide: no job was run, so there is nothing to decide")
    check_answered(measured)
    check_families(measured)
    budgets = [_measured_budget(each, there) for each in question.budgets_gb or there]
    infos, digests = tuple(run.info for run in runs), tuple(map(run_digest, measured))
    twins = twin_numbers(measured)
    check_twins(runs, measured, twins)
    check_names(runs, measured)
    grouped = {budget_gb: group_jobs(measured, budget_gb, twins=twins) for budget_gb in there}
    cut_off = frozenset(run.info.run for run in runs if not run.complete)
    frame = _Frame(question, infos, digests, cut_off, figures_mark(runs), _presents(grouped, question, budgets))
    return tuple(_decide(grouped[budget_gb], frame, budget_gb) for budget_gb in budgets)


@dataclass(frozen=True, slots=True)
class _Frame:
    question: DecisionQuestion
    runs: tuple[RunInfo, ...]
    digests: tuple[str, ...]
    cut_off: frozenset[str]
    figures: FiguresMark
    presents: Mapping[float, PresentPolicy]


def _measured_budget(budget_gb: float, there: Sequence[float]) -> float:
    """Return the budget of the runs that is asked for, in GB; raise OptionError where they have none like it."""
    for each in there:
        if abs(each - budget_gb) <= BUDGET_TOLERANCE_GB:
            return each
    known = ", ".join(format_gb(each, 9) for each in there)
    raise OptionError(f"--vram: nothing was measured at {format_gb(budget_gb, 9)}; the runs have {known}")


def _presents(
    grouped: Mapping[float, Grouped], question: DecisionQuestion, budgets: Sequence[float]
) -> dict[float, PresentPolicy]:
    """Return the present policy of each budget; by rule, all budgets of the runs tell which one that is."""
    if question.against is not None:
        return {each: named_policy(grouped[each], question.against, each) for each in budgets}
    found = present_policies(grouped, question.by.needed)
    for each in budgets:
        if each not in found:
            modes = ", ".join(dict.fromkeys(policy.mode for policy in grouped[each]))
            raise OptionError(
                f"decide: only {modes} was run, which knows the answers beforehand; run mode fixed as well"
            )
    return {each: found[each] for each in budgets}


def _decide(grouped: Grouped, frame: _Frame, budget_gb: float) -> PolicyDecision:
    question, by, present = frame.question, frame.question.by, frame.presents[budget_gb]
    measured = usable_policies(grouped, present.setting, by.needed)
    noise, repeats = measured.noise(by) if measured.jobs else ((), 1)
    figures = replace(_figures(measured, frame), noise=noise, repeats=repeats, families=measured.families)
    choice = choose_policy(figures)
    if choice.ruling is Ruling.KEEP and measured.present_fault is not None:
        choice = replace(choice, ruling=Ruling.UNUSABLE)
    return PolicyDecision(
        question=question,
        budget_gb=budget_gb,
        policies=measured.settings,
        choice=choice,
        measured=measured,
        means={name: _means(measured, name) for name in _SAVINGS},
        runs=frame.runs,
        run_digests=frame.digests,
        cut_off=frame.cut_off,
        repeats=repeats,
        figures=frame.figures,
        presents=frame.presents,
        undeclared_templates=undeclared_templates(figures, choice, measured),
    )


def _figures(measured: MeasuredPolicies, frame: _Frame) -> PolicyFigures:
    by, loss = frame.question.by, frame.question.max_loss
    if not measured.jobs:
        return PolicyFigures(values=())
    values = measured.rows(by)
    step = 1 / measured.scored_tasks()
    if by.relative:
        scores = measured.rows(SCORE)
        return PolicyFigures(
            values=values,
            relative=True,
            scores=scores,
            allowed_loss=DEFAULT_LOSS.amount,
            allowed_score_loss=loss.of(fmean(scores[0])),
            score_step=step,
            level=LEVEL / len(frame.presents),
        )
    return PolicyFigures(
        values=values,
        allowed_loss=loss.of(fmean(values[0])),
        step=step if by == SCORE else 0.0,
        largest_gain=LARGEST_SCORE_GAIN if by == SCORE else math.inf,
        level=LEVEL / len(frame.presents),
    )


def _means(measured: MeasuredPolicies, metric: str) -> tuple[float | None, ...]:
    """Return the mean of a metric under each policy, over the jobs that have it under all; None if it lacks many.

    Without the latter, a few jobs with failed tasks, which have no loads, would leave all policies without theirs.
    """
    tables = (measured.by_setting[setting] for setting in measured.settings)
    known = [{d: value for d in measured.jobs if (value := table[d].mean(metric)) is not None} for table in tables]
    usual = [values for values in known if len(values) >= LEAST_SHARE * len(measured.jobs)]
    shared = [digest for digest in measured.jobs if all(digest in values for values in usual)]
    return tuple(fmean(values[d] for d in shared) if values in usual and shared else None for values in known)
