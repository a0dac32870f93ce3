"""Metrics of quality: how good the answers were, and how good the routing was on the routers' own estimates."""

from __future__ import annotations

from pytest_swarm.domain.record import JobRecord, JobStatus, PlanStep, TaskStatus
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.metrics.facts import JobFacts, mean_of_known
from pytest_swarm.metrics.spec import Difference, MetricGroup, MetricSpec, Show, Unit, Worse
from pytest_swarm.metrics.summaries import mean, mean_with_interval, not_summed_up


def _score(job: JobFacts) -> float | None:
    return job.score


def _local_score(job: JobFacts) -> float | None:
    """Return the score with each answer held against what was right for the inputs that its task was really given.

    It is over the tasks that have a local score, and tells a task's own errors from those that it inherited.
    """
    if job.record.status is not JobStatus.COMPLETED:
        return None
    local = {
        each.task: each.local_score if each.status is TaskStatus.OK else job.task_scores[each.task]
        for each in job.record.outcomes
    }
    return mean_of_known(local.values())


def _regret(_: JobFacts) -> float | None:
    """Return None: the oracle's job of the run tells it, not this job (`regret_of`)."""
    return None


def regret_of(score: float | None, oracle_score: float, *, over_budget: bool) -> float | None:
    """Return the best score that is known of a pair, less that of one of its jobs.

    Args:
        score: The job's score; None, as without one, where it has none.
        oracle_score: The best score within the budget, where an oracle ran.
        over_budget: Whether a step of the job was planned over its budget, which an oracle never does.
    """
    return None if score is None or over_budget else oracle_score - score


def _utility(job: JobFacts) -> float | None:
    """Return sum over tasks of u_im, minus lambda_switch * sum of S_i over loads; None where no step was planned.

    u_im is the utility row that the router saw (quality - lambda_token * token cost) in the last plan that committed
    the task. S_i is the switch cost of each model that was loaded for a task: with a barrier each executed model that
    was not resident before its step, else each load that the job really made. Each task counts once, however often it
    stood in a horizon, and each load where it happens, so the figure is comparable over modes and horizons.
    """
    record = job.record
    if not record.steps:
        return None
    last = {each.task: step.step for step in record.steps for each in step.executed}
    parts: list[float] = []
    for step in record.steps:
        chosen = {(each.task, each.model) for each in step.executed if last[each.task] == step.step}
        parts += [row.utility for row in step.estimates if (row.task, row.model) in chosen]
        parts += [-step.lambda_switch * step.switch_cost.get(tag, 0.0) for tag in sorted(_loaded(step))]
    return sum(parts) - _overlapped_loads(record)


def _loaded(step: PlanStep) -> frozenset[str]:
    """Return the executed models that a step with a barrier has to load."""
    if step.running is not None:
        return frozenset()
    return step.held(each.model for each in step.executed).difference(step.resident_before)


def _overlapped_loads(record: JobRecord) -> float:
    """Return the price of the loads that a job without barriers made for its tasks."""
    steps = {step.step: step for step in record.steps if step.running is not None}
    if not steps:
        return 0.0
    cost = {tag: price for step in record.steps for tag, price in step.switch_cost.items() if price}
    return sum(
        steps[each.step].lambda_switch * cost.get(each.model, 0.0)
        for each in record.switches
        if each.action == "load" and each.purpose is not SwitchPurpose.AUXILIARY and each.step in steps
    )


class QualityMetrics(MetricGroup):
    """How good the answers were, and the routing on the routers' own estimates."""

    __slots__ = ()
    GROUP = "Quality"

    score = MetricSpec(
        label="Score",
        definition="Mean score over the job's tasks that could be scored, 0 to 1. A failed or skipped task counts 0. "
        "Left out is a task that ran and has no score, or that could never have been scored. `null` if nothing was "
        "scored, and for a job that is not `completed`: an error is not a low score",
        of=_score,
        over=mean_with_interval,
        show=Show.FILES | Show.CURVE | Show.GATE | Show.SCOREBOARD | Show.CHART | Show.TEXT,
        unit=Unit.SHARE,
        worse_when=Worse.LOWER,
        high=1.0,
        digits=1,
        difference=Difference.POINTS,
    )
    local_score = MetricSpec(
        label="Local score",
        definition="The same mean with each answer held against what was right for the inputs that its task was really "
        "given. See [benchmarks.md](benchmarks.md#answers-that-are-right-for-wrong-inputs)",
        of=_local_score,
        over=not_summed_up,
        show=Show.CASE | Show.CSV,
        unit=Unit.SHARE,
        worse_when=Worse.LOWER,
        high=1.0,
        digits=1,
        difference=Difference.POINTS,
    )
    utility = MetricSpec(
        label="Utility",
        definition="Value of what was really executed, on the router's own estimates. It is the sum of `quality - "
        "lambda_token * token_cost` over the executed assignments, minus `lambda_switch * S_i` for each executed model "
        "that was not resident. Each task counts once, so it compares over modes and horizons",
        of=_utility,
        over=mean,
        show=Show.FILES | Show.CURVE | Show.GATE | Show.SCOREBOARD | Show.CHART | Show.DETAIL,
        unit=Unit.VALUE,
        worse_when=Worse.LOWER,
        low=None,
        digits=3,
        difference=Difference.ABSOLUTE,
    )
    regret = MetricSpec(
        label="Regret",
        definition="Best score known with the same graph, horizon, budget and repeat, minus `score`; never below 0. It "
        "is the highest of the oracle's ([how far that is a bound](routing.md#what-the-oracle-maximizes)) and those of "
        "jobs that kept the budget. `null` where no oracle ran, and for a job whose plans broke the budget",
        of=_regret,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.DETAIL,
        unit=Unit.SHARE,
        low=None,
        digits=1,
        difference=Difference.POINTS,
    )
