"""How a recorded planner answers: how often each fault occurs, what it favors, and how often it corrects itself.

An answer has at most one fault here, the first of the list in `FAULTS`, because the simulated planner draws one.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.planner_problem import PlannerProblem
from pytest_swarm.simulator.models.profile_types import Favour, PlannerProfile
from pytest_swarm.simulator.models.simulated_planner import choose_models

FAULTS: Final = ("invalid_json", "unknown_task", "unknown_model", "duplicate_task", "missing_task", "over_budget")
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerBehaviour:
    """What the answers of a planner amount to; shares are of its answers.

    A fault that follows from the other values is not counted: an answer that the limit of tokens cut, and one over the
    budget by the rule of a planner that ignores it. `corrects` is the share of second answers, after a refusal, without
    a fault; None where there was none. `favours` is the rule that agrees with the most choices; None without any.
    `answer_tokens` are the median tokens of an answer for 1, 2, 3 ... tasks, a cut one with one more than it has.
    """

    answers: int
    faults: Mapping[str, float]
    corrects: float | None
    favours: Favour | None
    ignores_budget: bool
    answer_tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanAnswer:
    """One answer: its problem, its rows (None where it is not JSON), its fault, its tokens, whether it was cut."""

    problem: PlannerProblem
    rows: tuple[tuple[str, str], ...] | None
    fault: str | None
    tokens: int | None
    cut: bool

    def agreed(self, profile: PlannerProfile) -> int:
        """Return in how many choices the answer agrees with a rule."""
        chosen = choose_models(self.problem, profile)
        return sum(chosen.get(task) == model for task, model in self.rows or ())


def planner_behaviour(chats: Iterable[RecordedChat]) -> PlannerBehaviour | None:
    """Return how the planner answered the routing problems of these chats; None if there are none."""
    found = [_plan_answer(problem, chat) for chat in chats if (problem := chat.problem) is not None]
    if not found:
        return None
    rule = _rule([each for each in found if each.fault in (None, "over_budget")])
    ignores = rule is not None and rule.ignores_budget
    counts = Counter(each.fault for each in found if not _follows(each, ignores_budget=ignores))
    again = [each.fault for each in found if each.problem.refused is not None]
    return PlannerBehaviour(
        answers=len(found),
        faults={name: counts[name] / len(found) for name in FAULTS},
        corrects=again.count(None) / len(again) if again else None,
        favours=None if rule is None else rule.favours,
        ignores_budget=ignores,
        answer_tokens=_answer_tokens(found),
    )


def _plan_answer(problem: PlannerProblem, chat: RecordedChat) -> _PlanAnswer:
    rows = _rows(chat.reply.text)
    return _PlanAnswer(
        problem=problem,
        rows=rows,
        fault=_fault(problem, rows),
        tokens=chat.reply.completion_tokens,
        cut=chat.reply.done_reason == "length",
    )


def _follows(answer: _PlanAnswer, *, ignores_budget: bool) -> bool:
    """Return whether the fault of an answer follows from the limit of tokens, or from a rule without a budget."""
    return (answer.fault == "invalid_json" and answer.cut) or (answer.fault == "over_budget" and ignores_budget)


def _answer_tokens(answers: Iterable[_PlanAnswer]) -> tuple[int, ...]:
    """Return the median tokens by number of tasks, from 1 on without a gap; empty where no answer tells."""
    known: dict[int, list[int]] = defaultdict(list)
    for each in answers:
        if each.tokens:
            known[len(each.problem.tasks)].append(each.tokens + each.cut)
    if not known:
        return ()
    places, values = sorted(known), [median(known[tasks]) for tasks in sorted(known)]
    return tuple(round(_between(tasks, places, values)) for tasks in range(1, places[-1] + 1))


def _between(tasks: int, places: Sequence[int], values: Sequence[float]) -> float:
    """Return the value at a place, on the line between its neighbors; below the first in proportion."""
    at = bisect_left(places, tasks)
    if places[at] == tasks or at == 0:
        return values[at] * tasks / places[at]
    share = (tasks - places[at - 1]) / (places[at] - places[at - 1])
    return values[at - 1] + share * (values[at] - values[at - 1])


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


def _rule(answers: Sequence[_PlanAnswer]) -> PlannerProfile | None:
    """Return the rule that agrees with the most choices, the first of equals; None without a choice.

    Of two rules that agree equally often, the one within the budget counts.
    """
    if not any(each.rows for each in answers):
        return None
    rules = [PlannerProfile(favours=favours, ignores_budget=ignores) for ignores in (False, True) for favours in Favour]
    return max(rules, key=lambda rule: sum(each.agreed(rule) for each in answers))
