"""`oracle`: the feasible plan with the highest realized job score, in hindsight. Regret is measured against it.

Tasks can wait for their model, so each may take any one of those that fit alone. Of equal scores the least token cost
counts, then the fewest loads over the whole graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Self

import numpy as np

from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.errors import EstimateError
from pytest_swarm.routing.base import HindsightAnswers, PlanningView, RouterSetup
from pytest_swarm.routing.best_answers import AnswerProblem, BestAnswers, best_answers
from pytest_swarm.routing.feasibility import explain_alone
from pytest_swarm.routing.fewest_loads import LoadProblem, next_residency
from pytest_swarm.routing.plan_builders import infeasible_plan

_TIE: Final = 1e-9  # scores and token costs that differ by less are equal


class OracleRouter:
    """The models of a job by realized score, then token cost; the order of the tasks by the fewest loads.

    With `hindsight`, scores are those that the job gets, wrong answers handed on included, and the models of all tasks
    are chosen together at the first step. Without it, each task is scored as if the answers before it were right.
    """

    name = "oracle"

    def __init__(self, *, realised: Mapping[tuple[str, str], float], hindsight: HindsightAnswers | None = None) -> None:
        self._realised = realised
        self._hindsight = hindsight
        self._best = BestAnswers(options={}, scores={}, proven=False)

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router with the realized scores of the setup."""
        assert setup.realised is not None, "the table of modes checks it"
        return cls(realised=setup.realised, hindsight=setup.hindsight)

    async def route(self, view: PlanningView) -> Plan:
        """Return the optimum in hindsight; EstimateError where the score of an allowed pair is not known."""
        whole = view.whole()
        reason = explain_alone(whole)
        if reason is not None:
            return infeasible_plan(view, reason=reason)
        whole = hindsight(whole, self._realised)
        options, found = self._options(whole, view)
        problem = _load_problem(whole, options)
        resident, proven = _residency(problem, view)
        usable = view.fleet.usable(resident)
        chosen = {task.id: min(options[task.id] & usable or options[task.id]) for task in view.tasks}
        run = frozenset(task for task in view.ready if chosen[task] in usable)
        score = sum(self._best.scores.get(task, self._realised[task, tag]) for task, tag in chosen.items())
        return Plan(
            assignments=tuple(Assignment(task=task, model=tag, origin=Origin.SOLVER) for task, tag in chosen.items()),
            residency=(resident,),
            status=PlanStatus.OPTIMAL if proven and found else PlanStatus.FEASIBLE,
            deferred=frozenset(chosen) - run,
            objective=score,
            bound=score if found else None,
            gap=0.0 if found else None,
        )

    def _options(self, whole: PlanningView, view: PlanningView) -> tuple[dict[str, frozenset[str]], bool]:
        """Return the models that each unfinished task may take, and whether none are better."""
        alone = best_models(whole)
        if self._hindsight is None:
            return alone, True
        able = whole.models_by_task(whole.assignable)
        if view.step == 0:
            self._best = best_answers(_answer_problem(whole, able, self._hindsight))
        found = {task: tags & self._best.options.get(task, frozenset()) for task, tags in able.items()}
        # where none is left, the prompt has outgrown the context of what was chosen
        options = {task: tags or alone[task] for task, tags in found.items()}
        return options, self._best.proven and all(found.values())


def _answer_problem(view: PlanningView, able: Mapping[str, frozenset[str]], answers: HindsightAnswers) -> AnswerProblem:
    costs = zip(able, view.estimates.token_cost.T.tolist(), strict=True)
    return AnswerProblem(
        tasks=tuple(able),
        cost={
            task: {tag: cost for tag, cost in zip(view.fleet.tags, column, strict=True) if tag in able[task]}
            for task, column in costs
        },
        answers=answers,
    )


def best_models(view: PlanningView) -> dict[str, frozenset[str]]:
    """Return for each task the models with the highest quality among those that fit alone, of these the cheapest.

    Args:
        view: The step, with realized scores as quality.
    """
    table, able = view.estimates, view.assignable
    score = np.where(able, table.quality, -np.inf)
    best = able & (score >= score.max(axis=0) - _TIE)
    cost = np.where(best, table.token_cost, np.inf)
    best &= cost <= cost.min(axis=0) + _TIE
    return view.models_by_task(best)


def _load_problem(view: PlanningView, options: Mapping[str, frozenset[str]]) -> LoadProblem:
    """Return the loads that are to be few; models of the same weights are one there."""
    parents = {**view.parents}
    for task, stage in view.stage_of.items():
        if stage and not parents[task]:  # a view that names stages only: a stage follows the whole one before it
            parents[task] = [each for each, earlier in view.stage_of.items() if earlier == stage - 1]
    return LoadProblem(
        tasks=tuple(parents),
        parents=parents,
        options={task: view.fleet.held(tags) for task, tags in options.items()},
        vram_gb={model.tag: model.vram_gb for model in view.fleet},
        limit_gb=view.limit_gb,
        pinned=frozenset(model.tag for model in view.pinned),
    )


def _residency(problem: LoadProblem, view: PlanningView) -> tuple[frozenset[str], bool]:
    """Return the models to hold now, and whether no plan has fewer loads: those in VRAM as long as one can be used."""
    useful = frozenset().union(*problem.options.values())
    resident = problem.pinned | (view.resident & useful)
    if sum(problem.vram_gb[tag] for tag in sorted(resident)) > problem.limit_gb:
        resident = problem.pinned
    if any(problem.options[task] & resident for task in problem.runnable(frozenset())):
        return resident, True
    return next_residency(problem, resident)


def hindsight(view: PlanningView, realised: Mapping[tuple[str, str], float]) -> PlanningView:
    """Return the view with P_im replaced by the realized score of task m on model i; costs and budget stay.

    Args:
        view: The step to plan.
        realised: Score in [0, 1] by task ID and model tag.

    Raises:
        EstimateError: The score of an allowed pair is not known.
    """
    allowed = view.estimates.allowed
    quality = np.zeros_like(view.estimates.quality)
    for i, tag in enumerate(view.fleet.tags):
        for m, task in enumerate(view.tasks):
            if (task.id, tag) in realised:
                quality[i, m] = realised[task.id, tag]
            elif allowed[i, m]:
                raise EstimateError(
                    f"the oracle has no realized score of task {task.id!r} on model {tag!r}; "
                    "measure every task on every model, as --swarm-complete does for --swarm-backend=measure, "
                    "or leave the mode out"
                )
    return replace(view, estimates=replace(view.estimates, quality=quality))
