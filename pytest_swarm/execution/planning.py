"""Planning one step: view -> route -> feasibility check -> PlanStep."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.domain.record import Case, EstimateRow, PlanStep
from pytest_swarm.errors import InfeasibleError, PlanError
from pytest_swarm.execution.build_view import Moment, build_view
from pytest_swarm.execution.case_context import CaseContext
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.routing import feasibility, objective
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.milp import cheap_optimum


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """A router's answer and what it took."""

    plan: Plan
    started_s: float
    decision_ms: float


async def plan_step(moment: Moment, case: Case, engine: CaseContext, clock: JobClock) -> PlanStep:
    """The plan of one step, checked. InfeasibleError where none exists; PlanError for a plan that is nonsense."""
    settings = engine.settings
    view = build_view(moment, case.key, estimator=engine.estimator, weights=settings.weights, seed=settings.seed)
    started_s, elapsed_ms = clock.now_s(), clock.stopwatch()
    plan = await engine.router.route(view)
    decision = _Decision(plan=plan, started_s=started_s, decision_ms=elapsed_ms())
    if plan.status is PlanStatus.INFEASIBLE:
        raise InfeasibleError(f"{case.job} [{case.key.label}], step {moment.step}: {plan.reason}")
    problems = feasibility.structural_problems(plan, view)
    if problems:
        raise PlanError(f"router {engine.router.name!r}, {case.job}, step {moment.step}: {problems[0].sentence}")
    return _record(decision, view, case, engine)


def _record(decision: _Decision, view: PlanningView, case: Case, engine: CaseContext) -> PlanStep:
    plan = decision.plan
    verdict = objective.evaluate(plan, view)
    target = plan.target_residency
    vram_gb = {model.tag: model.vram_gb for model in view.fleet}
    ready = set(view.ready)
    return PlanStep(
        step=view.step,
        started_s=decision.started_s,
        mode=case.key.mode,
        horizon_depth=view.horizon_depth,
        vram_budget_gb=view.vram_budget_gb,
        lambda_token=view.weights.token,
        lambda_switch=view.weights.switch,
        lambda_latency=view.weights.latency,
        horizon_tasks=tuple(task.id for task in view.tasks),
        ready_tasks=view.ready,
        resident_before=tuple(sorted(view.resident)),
        estimates=_estimate_rows(view),
        switch_cost=dict(zip(view.fleet.tags, objective.switch_cost(view).tolist(), strict=True)),
        vram_gb=vram_gb,
        stages={task.id: stage for task, stage in zip(view.tasks, view.stages, strict=True)},
        assignments=plan.assignments,
        executed=tuple(each for each in plan.assignments if each.task in ready),
        target_residency=tuple(sorted(target)),
        residency_by_stage=tuple(tuple(sorted(stage)) for stage in plan.residency),
        retained=engine.keeper.retained(target),
        planned_vram_gb=sum(vram_gb[tag] for tag in sorted(target)),
        violation=0 in verdict.violations,
        status=plan.status,
        objective=plan.objective,
        value=verdict.value,
        bound=plan.bound,
        optimum=cheap_optimum(view),
        gap=plan.gap,
        fractional=plan.fractional,
        fractional_residency=plan.fractional_residency,
        solver=plan.solver,
        solve_ms=plan.solve_ms,
        decision_ms=decision.decision_ms,
        planner_failures=plan.planner_failures,
        planner_calls=plan.planner_calls,
        reason=plan.reason,
    )


def _estimate_rows(view: PlanningView) -> tuple[EstimateRow, ...]:
    table = view.estimates
    quality, cost, utility = table.quality.tolist(), table.token_cost.tolist(), objective.utility(view).tolist()
    allowed = table.allowed.tolist()
    return tuple(
        EstimateRow(task=task, model=tag, quality=quality[i][m], token_cost=cost[i][m], utility=utility[i][m])
        for m, task in enumerate(table.tasks)
        for i, tag in enumerate(table.models)
        if allowed[i][m]
    )
