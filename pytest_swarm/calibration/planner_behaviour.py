"""How a recorded planner answers: how often each fault occurs, what it favors, and how often it corrects itself.

An answer has at most one fault here, the first of the list in `FAULTS`, because the simulated planner draws one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.planner_problem import Offer, PlannerProblem, find_problem
from pytest_swarm.simulator.models.profile_types import Favour
from pytest_swarm.simulator.models.simulated_planner import favour_rank

FAULTS: Final = ("invalid_json", "unknown_task", "unknown_model", "duplicate_task", "missing_task", "over_budget")
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerBehaviour:
    """What the answers of a planner amount to; shares are of its answers.

    `corrects` is the share of second answers, after a refusal, without a fault; None where there was none. `favours` is
    the rule that agrees with the most choices of sound answers; None without any.
    """

    answers: int
    faults: Mapping[str, float]
    corrects: float | None
    favours: Favour | None


def planner_behaviour(chats: Iterable[RecordedChat]) -> PlannerBehaviour | None:
    """Return how the planner answered the routing problems of these chats; None if there are none."""
    asked = [(problem, chat.reply.text) for chat in chats if (problem := _problem(chat)) is not None]
    if not asked:
        return None
    found = [(problem, rows := _rows(text), _fault(problem, rows)) for problem, text in asked]
    counts = Counter(fault for _, _, fault in found if fault is not None)
    again = [fault for problem, _, fault in found if problem.refused is not None]
    return PlannerBehaviour(
        answers=len(found),
        faults={name: counts[name] / len(found) for name in FAULTS},
        corrects=again.count(None) / len(again) if again else None,
        favours=_favours([(problem, rows or ()) for problem, rows, fault in found if fault is None]),
    )


def _problem(chat: RecordedChat) -> PlannerProblem | None:
    return find_problem(chat.messages[-1]["content"]) if chat.task is None and chat.messages else None


def _rows(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return the (task, model) rows of an answer; None where it is not JSON in the form that was asked for."""
    inside = text.split(_FENCE)[1].removeprefix("json") if text.count(_FENCE) > 1 else text
    try:
        value = json.loads(inside)
    except (ValueError, RecursionError):
        return None
    rows = value.get("assignments") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return None
    return tuple((str(row.get("task")), str(row.get("model"))) for row in rows if isinstance(row, dict))


def _fault(problem: PlannerProblem, rows: Sequence[tuple[str, str]] | None) -> str | None:
    """Return the first fault of an answer; None for a sound one."""
    if rows is None:
        return "invalid_json"
    offers = {task.id: task.offers for task in problem.tasks}
    named = [task for task, _ in rows]
    if any(task not in offers for task in named):
        return "unknown_task"
    if any(model not in offers[task] for task, model in rows):
        return "unknown_model"
    if len(set(named)) < len(named):
        return "duplicate_task"
    if len(named) < len(offers):
        return "missing_task"
    chosen = {model for _, model in rows}
    vram_gb = sum(model.vram_gb for model in problem.models if model.pinned or model.tag in chosen)
    return "over_budget" if vram_gb > problem.vram_budget_gb + BUDGET_TOLERANCE_GB else None


def _favours(sound: Iterable[tuple[PlannerProblem, Sequence[tuple[str, str]]]]) -> Favour | None:
    """Return the rule that agrees with the most choices, the first of equals; None without a choice."""
    agreed: Counter[Favour] = Counter()
    for problem, rows in sound:
        models = {model.tag: model for model in problem.models}
        offers = {task.id: task.offers for task in problem.tasks}
        for task, chosen in rows:
            options: Mapping[str, Offer] = offers[task]
            for favour in Favour:
                best = max(options, key=lambda tag: favour_rank(options[tag], models[tag], favour))
                agreed[favour] += best == chosen
    return max(Favour, key=lambda favour: agreed[favour]) if agreed else None
