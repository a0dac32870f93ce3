"""Planning of one step: build the view, route, check the plan, record the step. Each is a function of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.plan import Plan, PlanStatus, RunningTask
from pytest_swarm.domain.prompt import Message, task_messages
from pytest_swarm.domain.record import Case, EstimateRow, PlanStep
from pytest_swarm.domain.seeding import stable_int
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import InfeasibleError, PlanError
from pytest_swarm.estimate.context_fit import fitted_fleet
from pytest_swarm.estimate.prompt_tokens import prompt_size
from pytest_swarm.execution.case_context import CaseContext
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.router_failures import ask_router
from pytest_swarm.routing import feasibility, objective
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.milp import cheap_optimum


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The state of a job when a step is planned.

    `answers` are those of its finished tasks, which prompts may hold. `ready_since` has the step from which on each
    ready task was ready (this step where it has none), `last_used` the last step in which a model ran a task.
    Without a barrier between steps, `running` are the tasks that run meanwhile (else None), and `trigger` says what
    ended or began.
    """

    step: int
    graph: TaskGraph
    finished: frozenset[str]
    resident: frozenset[str]
    answers: Mapping[str, str] = field(default_factory=dict)
    ready_since: Mapping[str, int] = field(default_factory=dict)
    last_used: Mapping[str, int] = field(default_factory=dict)
    running: tuple[RunningTask, ...] | None = None
    trigger: str | None = None


def build_view(moment: Moment, case: Case, context: CaseContext, *, depth: int | None = None) -> PlanningView:
    """Return what the router may see of a step.

    Args:
        moment: The state of the job.
        case: The case with its horizon and budget.
        context: The estimates, and the weights and seed of the run.
        depth: How many stages are seen behind the ready one; None = the case's horizon. A flat one is the ready tasks
            of a graph without edges: all that is unfinished.
    """
    key, graph, settings = case.key, moment.graph, context.settings
    if depth is None:
        depth = 0 if key.horizon == "flat" else key.horizon
    reached = graph.horizon(moment.finished, depth)
    sees_all = len(reached) == len(graph) - len(moment.finished)
    stages = graph.stages(reached)  # what depends on a running task comes after it
    running = {each.task for each in moment.running or ()}
    horizon = tuple(each for each in reached if each not in running)
    tasks = tuple(graph.task(task_id) for task_id in horizon)
    inside = frozenset(horizon)
    sizes = {task.id: prompt_size(_messages(task, moment)) for task in tasks}
    fleet = fitted_fleet(context.estimator.fleet, sizes.values(), vram_budget_gb=key.vram_budget_gb)
    prompts = {task_id: size.estimated for task_id, size in sizes.items()}
    ready = tuple(task_id for task_id in horizon if stages[task_id] == 0)
    return PlanningView(
        job=graph.name,
        step=moment.step,
        tasks=tasks,
        ready=ready,
        stages=tuple(stages[task_id] for task_id in horizon),
        edges=tuple((parent, child) for child in horizon for parent in graph.parents(child) if parent in inside),
        horizon_depth=key.horizon,
        fleet=fleet,
        resident=fleet.usable(moment.resident),
        vram_budget_gb=key.vram_budget_gb,
        estimates=context.estimator.table(tasks, fleet=fleet, prompts=prompts),
        prompts=prompts,
        weights=settings.weights,
        seed=stable_int("view", settings.seed, key.repeat, graph.name, moment.step),
        ready_since={task_id: moment.ready_since.get(task_id, moment.step) for task_id in ready},
        last_used=dict(moment.last_used),
        running=moment.running or (),
        whole_graph=None if sees_all else lambda: build_view(moment, case, context, depth=len(graph)),
    )


def _messages(task: Task, moment: Moment) -> tuple[Message, ...]:
    """Return the chat of a task as far as it is known: with the answers of finished tasks that it is given."""
    given = moment.graph.inputs(task.id)
    return task_messages(task, {each: moment.answers[each] for each in given if each in moment.answers})


async def plan_step(moment: Moment, case: Case, context: CaseContext, *, clock: JobClock) -> PlanStep:
    """Return the checked plan of one step.

    Args:
        moment: The state of the job.
        case: The case that is run.
        context: The router and what it plans with.
        clock: The job's clock, by which the decision is timed.

    Raises:
        InfeasibleError: No plan exists.
        PlanError: The plan cannot be executed.
        RoutingError: The router failed, or returned no plan.
    """
    view = build_view(moment, case, context)
    context.residency.fleet = view.fleet
    started_s, elapsed_ms = clock.now_s(), clock.stopwatch()
    plan = await ask_router(context.router, view, mode=case.key.mode)
    if view.fleet.sharers:
        plan = replace(plan, residency=tuple(map(view.fleet.held, plan.residency)))
    decision_ms = elapsed_ms()
    _check(plan, view, case)
    return PlanStep(
        **_problem(view, case),
        **_answer(plan, view),
        started_s=started_s,
        decision_ms=decision_ms,
        retained=context.residency.retained(plan.target_residency),
        running=moment.running,
        reason=plan.reason if moment.trigger is None else ": ".join(filter(None, (moment.trigger, plan.reason))),
    )


def _check(plan: Plan, view: PlanningView, case: Case) -> None:
    """Raise InfeasibleError where there is no plan, PlanError for one that cannot be executed."""
    if plan.status is PlanStatus.INFEASIBLE:
        raise InfeasibleError(f"{case.label}, step {view.step}: {plan.reason}")
    problems = feasibility.structural_problems(plan, view)
    if problems:
        raise PlanError(f"router {case.key.mode!r}, {case.job}, step {view.step}: {problems[0].sentence}")


def _answer(plan: Plan, view: PlanningView) -> dict[str, Any]:
    """Return the fields of a PlanStep that state the plan and its value, by name."""
    verdict = objective.evaluate(plan, view)
    target = sorted(plan.target_residency)
    run_now = frozenset(view.ready) - plan.deferred
    return {
        "assignments": plan.assignments,
        "executed": tuple(each for each in plan.assignments if each.task in run_now),
        "deferred": tuple(task.id for task in view.tasks if task.id in plan.deferred),
        "target_residency": tuple(target),
        "residency_by_stage": tuple(tuple(sorted(stage)) for stage in plan.residency),
        "planned_vram_gb": sum(view.fleet[tag].vram_gb for tag in target),
        "violation": 0 in verdict.violations,
        "status": plan.status,
        "objective": plan.objective,
        "value": verdict.value,
        "bound": plan.bound,
        "optimum": cheap_optimum(view),
        "gap": plan.gap,
        "fractional": plan.fractional,
        "fractional_residency": plan.fractional_residency,
        "solver": plan.solver,
        "solve_ms": None if plan.solve_ms is None else max(0.0, plan.solve_ms),  # a clock that is faked may go back
        "planner_failures": plan.planner_failures,
        "planner_calls": plan.planner_calls,
    }


def _problem(view: PlanningView, case: Case) -> dict[str, Any]:
    """Return the fields of a PlanStep that state the problem, by name."""
    return {
        "step": view.step,
        "mode": case.key.mode,
        "horizon_depth": view.horizon_depth,
        "vram_budget_gb": view.vram_budget_gb,
        "lambda_token": view.weights.token,
        "lambda_switch": view.weights.switch,
        "lambda_latency": view.weights.latency,
        "horizon_tasks": tuple(task.id for task in view.tasks),
        "ready_tasks": view.ready,
        "ready_since": view.ready_since,
        "resident_before": tuple(sorted(view.fleet.held(view.resident))),
        "last_used": view.last_used,
        "estimates": _estimate_rows(view),
        "switch_cost": dict(zip(view.fleet.tags, objective.switch_cost(view).tolist(), strict=True)),
        "vram_gb": {model.tag: model.vram_gb for model in view.fleet},
        "shares_with": view.fleet.sharers,
        "stages": {task.id: stage for task, stage in zip(view.tasks, view.stages, strict=True)},
    }


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
