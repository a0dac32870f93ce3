"""The simulated planner: answers the routing problem in a prompt, with the faults of its profile.

It sees what a planner model sees (`pytest_swarm.planner_problem`), and nothing else of the simulator's profile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Final

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.fields import Json
from pytest_swarm.planner_problem import Offer, PlannerProblem, ProblemModel, ProblemTask
from pytest_swarm.simulator.models.profile_types import Favour, PlannerProfile

_FREE_TEXT: Final = frozenset({"invalid_json", "fenced", "unknown_task", "unknown_model"})
_PROSE: Final = (
    "Looking at the tasks, I would give the demanding ones to the strongest model that fits and the rest to the "
    "smallest, because loading a model takes time."
)


def plan_text(problem: PlannerProblem, profile: PlannerProfile, rng: Random, *, constrained: bool) -> tuple[str, int]:
    """Return the planner's answer, and the tokens that it decodes besides the text (thinking or a runaway answer).

    Args:
        problem: The routing problem in the prompt.
        profile: What the planner favors, and the probability of each fault.
        rng: Generator of the draws.
        constrained: Whether a JSON schema constrains the answer. Then all names are known and the text is JSON. A fault
            that the schema prevents becomes the nearest possible one: truncated JSON for prose, none for a fence or an
            unknown name.
    """
    free = profile.ignores_schema or not constrained
    fault = _draw_fault(problem, profile, rng)
    choice = choose_models(problem, profile, exceed=fault == "over_budget")
    rows = [(task.id, choice[task.id]) for task in problem.tasks if task.id in choice]
    if fault == "runaway":
        return _answer(rows)[: len(rows) * 10], profile.runaway_tokens
    if fault == "invalid_json":
        return _PROSE if free else _answer(rows)[:-3], profile.thinking_tokens
    if not free and fault in _FREE_TEXT:
        return _answer(rows), profile.thinking_tokens
    text = _answer(_apply_fault(rows, fault, rng, fixed_length=not free))
    return f"```json\n{text}\n```" if fault == "fenced" else text, profile.thinking_tokens


def _draw_fault(problem: PlannerProblem, profile: PlannerProfile, rng: Random) -> str | None:
    """Draw the fault of this answer; None for none. A second answer is corrected with probability `corrects`."""
    draw, corrected = rng.random(), rng.random() < profile.corrects
    if problem.refused is not None and corrected:
        return None
    for name, chance in profile.faults:
        if draw < chance:
            return name
        draw -= chance
    return "over_budget" if problem.refused is not None else None


def choose_models(problem: PlannerProblem, profile: PlannerProfile, *, exceed: bool = False) -> dict[str, str]:
    """Return for each task the favored model among those that fit beside the chosen ones; a task may get none.

    A planner that ignores the budget takes all models for fitting.

    Args:
        problem: The routing problem.
        profile: What the planner favors.
        exceed: Whether to choose by stated quality and exceed the budget, as a planner does that does not add up.
    """
    within_budget = not exceed and not profile.ignores_budget
    by_tag = {model.tag: model for model in problem.models}
    chosen = {model.tag for model in problem.models if model.pinned}
    choice: dict[str, str] = {}
    for number, task in enumerate(problem.tasks):
        options = [tag for tag in task.offers if tag in by_tag]
        if within_budget:
            options = [
                tag
                for tag in options
                if _vram_gb(chosen | {tag}, by_tag) <= problem.vram_budget_gb + BUDGET_TOLERANCE_GB
            ]
        if options:
            wanted = Favour.CAPABILITY if exceed and not profile.ignores_budget else profile.favours
            in_turn = options[number % len(options)]
            best = max(options, key=lambda tag: _rank(task.offers[tag], by_tag[tag], wanted))
            choice[task.id] = in_turn if wanted is Favour.IN_TURN else best
            chosen.add(choice[task.id])
    if exceed and _vram_gb(chosen, by_tag) <= problem.vram_budget_gb + BUDGET_TOLERANCE_GB:
        _exceed_budget(choice, problem.tasks, by_tag)
    return choice


def _exceed_budget(choice: dict[str, str], tasks: tuple[ProblemTask, ...], by_tag: Mapping[str, ProblemModel]) -> None:
    """Give each task its largest unused model, so that the sum grows as far as possible."""
    for task in tasks:
        unused = [tag for tag in task.offers if tag in by_tag and tag not in choice.values()]
        if unused:
            choice[task.id] = max(unused, key=lambda tag: by_tag[tag].vram_gb)


def _rank(offer: Offer, model: ProblemModel, favours: Favour) -> tuple[float, float]:
    """Return the rank of a model by what the planner favors; the smaller model wins ties."""
    match favours:
        case Favour.CAPABILITY:
            return offer.quality, -model.vram_gb
        case Favour.UTILITY:
            return offer.utility, -model.vram_gb
        case Favour.CHEAPEST:
            return -offer.token_cost, -model.vram_gb
        case Favour.SMALLEST | Favour.IN_TURN:
            return -model.vram_gb, offer.quality


def _vram_gb(tags: set[str], by_tag: Mapping[str, ProblemModel]) -> float:
    return sum(by_tag[tag].vram_gb for tag in {by_tag[tag].shares_with or tag for tag in tags} & by_tag.keys())


def _apply_fault(
    rows: list[tuple[str, str]], fault: str | None, rng: Random, *, fixed_length: bool
) -> list[tuple[str, str]]:
    """Return the rows with the fault. A schema fixes their number: a missing task becomes a duplicate of another."""
    if not rows:
        return rows
    at = rng.randrange(len(rows))
    task, model = rows[at]
    match fault:
        case "missing_task" if not fixed_length:
            return rows[:at] + rows[at + 1 :]
        case "missing_task" | "duplicate_task" if fixed_length:
            return [*rows[:at], rows[at - 1], *rows[at + 1 :]] if len(rows) > 1 else rows
        case "duplicate_task":
            return [*rows, (task, rows[at - 1][1])]
        case "unknown_task":
            return [*rows[:at], (f"{task}_final", model), *rows[at + 1 :]]
        case "unknown_model":
            return [*rows[:at], (task, f"{model.split(':')[0]}:70b"), *rows[at + 1 :]]
    return rows


def _answer(rows: list[tuple[str, str]]) -> str:
    assignments: list[Json] = [{"task": task, "model": model} for task, model in rows]
    return json.dumps({"assignments": assignments})
