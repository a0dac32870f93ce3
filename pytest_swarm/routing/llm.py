"""`llm`: a planner model chooses, and each of its failures is counted.

One prompt per step; one more, with the reason, where the answer goes over budget. Whatever the planner leaves open
is filled in by `greedy` beside what is kept, with origin `fill-in`. Nothing is repaired: a choice is kept as it was
given, or not at all (`planner_answer` lists what is kept). An answer that is over budget is not valid as a whole:
nothing of it is kept, neither of a second one, nor of the first where the second fails in another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from msgspec import structs

from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlannerCall, PlannerFailure, PlanStatus
from pytest_swarm.errors import BackendError, CallTimeoutError, InfeasibleError, PromptTooLongError, ServerDownError
from pytest_swarm.fields import Json
from pytest_swarm.routing.base import Planner, PlanningView, RouterSetup
from pytest_swarm.routing.feasibility import explain_infeasible
from pytest_swarm.routing.greedy import fill_in
from pytest_swarm.routing.plan_builders import held_throughout, infeasible_plan
from pytest_swarm.routing.planner_answer import PlannerAnswer, read_answer
from pytest_swarm.routing.planner_prompt import build_problem, planner_prompt, planner_schema
from pytest_swarm.units import format_gb, format_gb_apart


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consulted:
    """What asking came to: the choices that are kept, who made them, and every call."""

    choices: Mapping[str, str]
    origin: Origin
    calls: tuple[PlannerCall, ...]


class LlmRouter:
    """Routes by the answers of a planner model, within the budget whatever it answers."""

    def __init__(self, *, planner: Planner, tag: str | None = None) -> None:
        self.name = "llm" if tag is None else f"llm:{tag}"
        self._planner = planner

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router of the setup's planner; an argument is the planner's tag, for its name."""
        assert setup.planner is not None, "the table of modes checks it"
        return cls(planner=setup.planner, tag=setup.argument)

    async def route(self, view: PlanningView) -> Plan:
        """Return a feasible plan wherever one exists that holds one residency; raises ServerDownError, nothing else."""
        reason = explain_infeasible(view)
        if reason is not None:
            return infeasible_plan(view, reason=reason)
        consulted = await self._consult(view)
        assignments, calls = _completed(view, consulted)
        return Plan(
            assignments=assignments,
            residency=held_throughout(view, (each.model for each in assignments)),
            status=PlanStatus.HEURISTIC,
            planner_calls=calls,
        )

    async def _consult(self, view: PlanningView) -> _Consulted:
        """Ask, and ask once more where the answer is over budget."""
        problem, schema = build_problem(view), planner_schema(view)
        answer, call = await self._ask(planner_prompt(problem), schema, view)
        over = _over_budget(view, answer)
        if over is None:
            return _Consulted(choices=answer.choices, origin=Origin.PLANNER, calls=(call,))
        first = _refused(call, over)
        answer, call = await self._ask(planner_prompt(structs.replace(problem, refused=over)), schema, view)
        over = _over_budget(view, answer)
        if over is None:
            return _Consulted(choices=answer.choices, origin=Origin.REPLANNER, calls=(first, call))
        return _Consulted(choices={}, origin=Origin.REPLANNER, calls=(first, _refused(call, over)))

    async def _ask(
        self, prompt: str, schema: Mapping[str, Json], view: PlanningView
    ) -> tuple[PlannerAnswer, PlannerCall]:
        """Send one prompt. A call that fails keeps nothing and is counted; only ServerDownError goes through."""
        try:
            text = await self._planner.ask(prompt, schema=schema)
        except ServerDownError:
            raise
        except BackendError as error:
            kind = PlannerFailure.TIMEOUT if isinstance(error, CallTimeoutError) else PlannerFailure.BACKEND_ERROR
            failed = PlannerAnswer(failures=(kind,), detail=str(error))
            truncated = isinstance(error, PromptTooLongError) and error.truncated
            call = PlannerCall(
                prompt=prompt, answer=None, failures=failed.failures, detail=failed.detail, truncated=truncated
            )
            return failed, call
        answer = read_answer(text, view)
        return answer, PlannerCall(prompt=prompt, answer=text, failures=answer.failures, detail=answer.detail)


def _over_budget(view: PlanningView, answer: PlannerAnswer) -> str | None:
    """Return by how much the chosen and the pinned models exceed the budget, in a sentence; None where they fit."""
    chosen = view.fleet.held(answer.choices.values())
    used = [model for model in view.fleet.holders if model.tag in chosen or model.keep]
    needed_gb = sum(model.vram_gb for model in used)
    if not chosen or needed_gb <= view.limit_gb:
        return None
    parts = " + ".join(f"{model.tag} {format_gb(model.vram_gb)}" for model in used)
    needed, budget = format_gb_apart(needed_gb, view.vram_budget_gb)
    return f"{parts} = {needed}, over the budget of {budget}"


def _refused(call: PlannerCall, reason: str) -> PlannerCall:
    detail = reason if call.detail is None else f"{call.detail}; {reason}"
    return replace(call, failures=(*call.failures, PlannerFailure.OVER_BUDGET), detail=detail)


def _completed(view: PlanningView, consulted: _Consulted) -> tuple[tuple[Assignment, ...], tuple[PlannerCall, ...]]:
    """Return the planner's choices with the rest filled in, in the order of the horizon.

    Choices that leave no room for the rest (its models fit, but none beside them takes a task that is open) are dropped
    as a whole, and the last call says so: greedy then fills in everything.
    """
    choices, calls = consulted.choices, consulted.calls
    try:
        filled = fill_in(view, choices)
    except InfeasibleError as error:
        last = calls[-1]
        note = f"its choices are dropped, because they leave no room for the rest: {error}"
        calls = (*calls[:-1], replace(last, detail=note if last.detail is None else f"{last.detail}; {note}"))
        choices, filled = {}, fill_in(view, {})
    kept = {task: Assignment(task=task, model=model, origin=consulted.origin) for task, model in choices.items()}
    by_task = kept | {each.task: each for each in filled}
    return tuple(by_task[task.id] for task in view.tasks), calls
