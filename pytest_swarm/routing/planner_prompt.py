"""The planner's prompt and JSON schema: the same horizon, budget, residency and estimates as the LP sees.

The problem stands in the prompt as one machine-readable line (`planner_problem`). No task's prompt and no model output
is in it, so a planner cannot be talked into anything by a task.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.planner_problem import Offer, PlannerProblem, ProblemModel, ProblemTask, problem_block
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import load_price, switch_cost, utility

MAX_COUNTED_ROWS: Final = 100  # grammars repeat a rule for each row of an exact count, and slow down with it
_DECIMALS: Final = 6  # what is told of an estimate or cost; finer differences no planner can use

_INSTRUCTIONS: Final = """You route the tasks of a workflow to language models that share one GPU.
Choose exactly one model for every task below, so that the total of the utilities of your choices, minus lambda_switch
times the switch_cost of each different model that you use, is as large as possible.

Rules
1. Every task of "tasks" appears exactly once in your answer. Use only tasks and models that are listed.
2. A task can only go to a model in its "offers".
3. The vram_gb of all different models that you use, together with the pinned ones, must add up to at most
   vram_budget_gb. Count a model once, however many tasks it gets.

Fields: quality = expected score from 0 to 1; token_cost = expected cost of the tokens; utility = quality minus the
weighted costs, higher is better; switch_cost = what loading the model costs, 0 where it is in VRAM already; stage 0 =
runs now, higher stages run later; after = the tasks that must be finished first.

"""
_SWITCHING: Final = """lambda_switch
times the switch_cost of each different model that you use"""
_LOADING: Final = """the load_price
of each different model that you use"""
_SHARING: Final = """
A model with "shares_with" uses the copy in VRAM of the model that it names: of the two, count vram_gb and switch_cost
once, however many of them you use.
"""
_FORM: Final = """
Answer with this JSON object and nothing else, one entry per task:
{"assignments": [{"task": "<task>", "model": "<model>"}]}
"""
_REFUSED: Final = """
Your previous answer was refused: %s
Give a new complete answer that obeys every rule.
"""


def build_problem(view: PlanningView) -> PlannerProblem:
    """Return the problem of a view: every figure that the LP sees, estimates and costs to six decimals."""
    costs, prices = switch_cost(view).tolist(), load_price(view).tolist()
    timed = view.weights.latency > 0  # seconds of a load then count beside its switch cost
    models = tuple(
        ProblemModel(
            tag=model.tag,
            vram_gb=model.vram_gb,
            resident=model.tag in view.resident,
            switch_cost=_told(cost),
            pinned=model.keep,
            load_price=_told(0.0 if model.tag in view.resident else price) if timed else None,
            shares_with=model.shares_with,
        )
        for model, cost, price in zip(view.fleet, costs, prices, strict=True)
    )
    return PlannerProblem(
        vram_budget_gb=view.vram_budget_gb,
        lambda_token=view.weights.token,
        lambda_switch=view.weights.switch,
        lambda_latency=view.weights.latency,
        models=models,
        tasks=_tasks(view),
    )


def _tasks(view: PlanningView) -> tuple[ProblemTask, ...]:
    table, worth = view.estimates, utility(view).tolist()
    quality, cost, allowed = table.quality.tolist(), table.token_cost.tolist(), table.allowed.tolist()
    rows = []
    for m, (task, stage) in enumerate(zip(view.tasks, view.stages, strict=True)):
        offers = {
            tag: Offer(quality=_told(quality[i][m]), token_cost=_told(cost[i][m]), utility=_told(worth[i][m]))
            for i, tag in enumerate(view.fleet.tags)
            if allowed[i][m]
        }
        rows.append(
            ProblemTask(
                id=task.id,
                type=task.type,
                difficulty=task.difficulty,
                estimated_tokens=task.estimated_tokens,
                stage=stage,
                after=tuple(view.parents[task.id]),
                offers=offers,
            )
        )
    return tuple(rows)


def _told(figure: float) -> float:
    return round(figure, _DECIMALS)


def planner_prompt(problem: PlannerProblem) -> str:
    """Return the whole prompt; with the reason in it where an earlier answer was refused."""
    refused = "" if problem.refused is None else _REFUSED % problem.refused
    priced = any(model.load_price is not None for model in problem.models)
    instructions = _INSTRUCTIONS.replace(_SWITCHING, _LOADING) if priced else _INSTRUCTIONS
    sharing = _SHARING if any(model.shares_with is not None for model in problem.models) else ""
    return f"{instructions}{problem_block(problem)}\n{sharing}{_FORM}{refused}"


def planner_schema(view: PlanningView) -> dict[str, Json]:
    """Return the JSON schema of an answer: tasks and models as enums, and the number of rows if they are few."""
    tasks: list[Json] = [task.id for task in view.tasks]
    models: list[Json] = list(view.fleet.tags)
    row: dict[str, Json] = {
        "type": "object",
        "properties": {"task": {"enum": tasks, "type": "string"}, "model": {"enum": models, "type": "string"}},
        "required": ["task", "model"],
        "additionalProperties": False,
    }
    rows: dict[str, Json] = {"type": "array", "items": row}
    if len(tasks) <= MAX_COUNTED_ROWS:
        rows |= {"minItems": len(tasks), "maxItems": len(tasks)}
    return {
        "type": "object",
        "properties": {"assignments": rows},
        "required": ["assignments"],
        "additionalProperties": False,
    }
