"""The check of a plan before it is executed, and the reason where no plan exists. The same for every router."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from pytest_swarm.domain.model import Model
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.task import Task
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import stage_count
from pytest_swarm.units import format_gb, format_gb_apart


class ProblemKind(StrEnum):
    """What can be wrong with a plan."""

    MISSING_TASK = "missing_task"
    DUPLICATE_TASK = "duplicate_task"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_MODEL = "unknown_model"
    NOT_ALLOWED = "not_allowed"
    NOT_RESIDENT = "not_resident"
    NOT_KEPT = "not_kept"
    STAGES = "stages"
    NOTHING_RUNS = "nothing_runs"
    OVER_BUDGET = "over_budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a plan; `sentence` names task, model and figure.

    An over-budget stage is `lp`'s published behavior: it is executed and counted as a violation. Every other problem
    is `structural`: the plan must not be executed.
    """

    kind: ProblemKind
    sentence: str

    @property
    def structural(self) -> bool:
        """Whether the plan cannot be executed at all."""
        return self.kind is not ProblemKind.OVER_BUDGET


def check(plan: Plan, view: PlanningView) -> tuple[Problem, ...]:
    """Return everything that is wrong with a plan; empty for one that may be executed without a violation.

    Every task of the horizon assigned once, at least one ready task not deferred, known models, context length,
    assigned models resident in their stage (those of deferred tasks need not be), pinned models kept in every stage,
    residency within the budget (+1e-6 GB) in every stage.

    Args:
        plan: The plan of a router.
        view: The step that it plans.
    """
    return (
        *_check_tasks(plan, view),
        *_check_deferred(plan, view),
        *_check_models(plan, view),
        *_check_residency(plan, view),
    )


def structural_problems(plan: Plan, view: PlanningView) -> tuple[Problem, ...]:
    """Return the problems that forbid executing a plan: all but an over-budget residency.

    Args:
        plan: The plan of a router.
        view: The step that it plans.
    """
    return tuple(problem for problem in check(plan, view) if problem.structural)


def _check_tasks(plan: Plan, view: PlanningView) -> list[Problem]:
    assigned = [each.task for each in plan.assignments]
    if assigned == [task.id for task in view.tasks]:
        return []
    wanted, counts = {task.id for task in view.tasks}, Counter(assigned)
    missing = [task.id for task in view.tasks if task.id not in counts]
    return [
        *(Problem(kind=ProblemKind.MISSING_TASK, sentence=f"task {task!r} is not assigned") for task in missing),
        *(
            Problem(kind=ProblemKind.DUPLICATE_TASK, sentence=f"task {task!r} is assigned {count} times")
            for task, count in counts.items()
            if count > 1 and task in wanted
        ),
        *(
            Problem(kind=ProblemKind.UNKNOWN_TASK, sentence=f"task {task!r} is assigned, but not in the horizon")
            for task in counts
            if task not in wanted
        ),
    ]


def _check_deferred(plan: Plan, view: PlanningView) -> list[Problem]:
    wanted = {task.id for task in view.tasks}
    problems = [
        Problem(kind=ProblemKind.UNKNOWN_TASK, sentence=f"task {task!r} is deferred, but not in the horizon")
        for task in sorted(plan.deferred - wanted)
    ]
    if view.ready and plan.deferred.issuperset(view.ready):
        sentence = f"every ready task is deferred ({', '.join(view.ready)}), so that nothing runs; leave one out"
        problems.append(Problem(kind=ProblemKind.NOTHING_RUNS, sentence=sentence))
    return problems


def _check_models(plan: Plan, view: PlanningView) -> list[Problem]:
    row = view.fleet.row
    column = {task.id: m for m, task in enumerate(view.tasks)}
    allowed = view.estimates.allowed
    problems = []
    for each in plan.assignments:
        if each.model not in row:
            sentence = f"task {each.task!r} is assigned to {each.model!r}, which fleet {view.fleet.name!r} lacks"
            problems.append(Problem(kind=ProblemKind.UNKNOWN_MODEL, sentence=sentence))
        elif each.task in column and not allowed[row[each.model], column[each.task]]:
            sentence = f"task {each.task!r} is assigned to {each.model!r}, which cannot take it (context length)"
            problems.append(Problem(kind=ProblemKind.NOT_ALLOWED, sentence=sentence))
    for tag in frozenset().union(*plan.residency):
        if tag not in row:
            sentence = f"model {tag!r} is to be resident, but fleet {view.fleet.name!r} lacks it"
            problems.append(Problem(kind=ProblemKind.UNKNOWN_MODEL, sentence=sentence))
    return problems


def _check_residency(plan: Plan, view: PlanningView) -> list[Problem]:
    stages = stage_count(view.stages)
    if len(plan.residency) not in (1, stages):
        sentence = f"the plan lists {len(plan.residency)} residencies for {stages} stages; 1 or {stages} are right"
        return [Problem(kind=ProblemKind.STAGES, sentence=sentence)]
    usable = tuple(map(view.fleet.usable, plan.residency))
    held = usable * stages if len(usable) == 1 else usable
    problems = [
        Problem(
            kind=ProblemKind.NOT_RESIDENT,
            sentence=f"task {each.task!r} is assigned to {each.model!r}, which is not resident in its stage",
        )
        for each in plan.assignments
        if each.task in view.stage_of
        and each.task not in plan.deferred
        and each.model not in held[view.stage_of[each.task]]
    ]
    for stage, tags in enumerate(map(view.fleet.held, plan.residency)):
        problems += _check_stage(stage, tags, view)
    return problems


def _check_stage(stage: int, tags: frozenset[str], view: PlanningView) -> list[Problem]:
    problems = [
        Problem(kind=ProblemKind.NOT_KEPT, sentence=f"stage {stage} evicts {model.tag!r}, which is pinned (keep)")
        for model in view.pinned
        if model.tag not in tags
    ]
    needed_gb = sum(model.vram_gb for model in view.fleet if model.tag in tags)
    if needed_gb > view.limit_gb:
        names = ", ".join(tag for tag in view.fleet.tags if tag in tags)
        needed, budget = format_gb_apart(needed_gb, view.vram_budget_gb)
        sentence = f"stage {stage} holds {names} = {needed}, over the budget of {budget}"
        problems.append(Problem(kind=ProblemKind.OVER_BUDGET, sentence=sentence))
    return problems


def explain_infeasible(view: PlanningView, *, staged: bool = False) -> str | None:
    """Return the sentence that says why no plan exists, naming budget, smallest model and task; None where one exists.

    Args:
        view: The step to plan.
        staged: Whether each stage may have its own residency, in place of one for the whole horizon.
    """
    return explain_alone(view) or _explain_together(view, staged=staged)


def explain_alone(view: PlanningView) -> str | None:
    """Return why some task cannot run, not even alone, in one sentence; None where each can.

    A router that defers tasks needs no more; the others need models that fit together as well.
    """
    if not view.tasks:
        return f"job {view.job!r}: the horizon is empty, so there is nothing to plan"
    pinned_gb = sum(model.vram_gb for model in view.pinned)
    if pinned_gb > view.limit_gb:
        names = ", ".join(model.tag for model in view.pinned)
        needed, budget = format_gb_apart(pinned_gb, view.vram_budget_gb)
        return (
            f"the models pinned with keep ({names}) need {needed}, more than the VRAM budget of "
            f"{budget}, so task {view.tasks[0].id!r} cannot run; pin fewer models or raise the budget"
        )
    able = view.assignable.T.tolist()
    stuck = [m for m, models in enumerate(able) if not any(models)]
    return next(filter(None, (_explain_task(view, m, view.tasks[m], pinned_gb) for m in stuck)), None)


def context_advice(model: Model, prompt: int, *, its: str = "it") -> str:
    """Return what to do about a prompt that is longer than a model's context.

    Args:
        model: The model.
        prompt: Estimated tokens of the prompt.
        its: What its `num_ctx` is called.
    """
    if max(model.context_tokens, prompt) >= model.max_ctx:
        return "its max_ctx allows no more; shorten the prompt, or add a model with a longer context"
    if model.auto_ctx:
        return "the VRAM budget has no room for more; raise the budget, or shorten the prompt"
    return f'raise {its}, or write num_ctx = "auto" in the fleet file'


def _explain_task(view: PlanningView, column: int, task: Task, pinned_gb: float) -> str | None:
    able = [model for i, model in enumerate(view.fleet) if view.estimates.allowed[i, column]]
    if not able and any(model.can_take(task) for model in view.fleet):
        widest = max(view.fleet, key=lambda model: model.context_tokens)
        longest = max(view.fleet, key=lambda model: (model.max_ctx, model is widest))
        its = "it" if longest is widest else f"that of {longest.tag}"
        tokens = view.prompts.get(task.id, task.estimated_tokens)
        advice = context_advice(longest, tokens, its=its)
        return (
            f"no model of fleet {view.fleet.name!r} can take task {task.id!r}: its prompt has about {tokens} tokens, "
            f"and the largest num_ctx is {widest.context_tokens} ({widest.tag}); {advice}"
        )
    if not able:
        longest = max(view.fleet, key=lambda model: model.max_ctx)
        return (
            f"no model of fleet {view.fleet.name!r} can take task {task.id!r} with its {task.estimated_tokens} tokens: "
            f"the longest context is {longest.max_ctx} ({longest.tag}); shorten the task or add a model"
        )
    smallest = min(able, key=lambda model: _extra_gb(model, pinned_gb))
    need_gb = _extra_gb(smallest, pinned_gb)
    if need_gb <= view.limit_gb:
        return None
    beside = f" beside the pinned models ({format_gb(pinned_gb)})" if pinned_gb else ""
    which = "the smallest model" if len(able) == len(view.fleet) else "the smallest model with its context length"
    needed, budget = format_gb_apart(smallest.vram_gb, view.vram_budget_gb)
    return (
        f"no model fits the VRAM budget of {budget}{beside} for task {task.id!r}: {which}, {smallest.tag}, "
        f"needs {needed}; raise the budget or add a smaller model"
    )


def _extra_gb(model: Model, pinned_gb: float) -> float:
    return pinned_gb if model.keep else pinned_gb + model.vram_gb


def _explain_together(view: PlanningView, *, staged: bool) -> str | None:
    stages = range(stage_count(view.stages)) if staged else (None,)
    for stage in stages:
        columns = [m for m, at in enumerate(view.stages) if stage is None or at == stage]
        kept = frozenset(i for i, model in enumerate(view.fleet) if model.keep and model.shares_with is None)
        if not can_cover(view, columns, kept):
            smallest = view.fleet.smallest
            names = ", ".join(repr(view.tasks[m].id) for m in columns[:3]) + (", ..." if len(columns) > 3 else "")
            return (
                f"no set of models within the VRAM budget of {format_gb(view.vram_budget_gb)} can take the tasks "
                f"{names} together (the smallest model, {smallest.tag}, needs {format_gb(smallest.vram_gb)}, but lacks "
                "the context length for some); raise the budget or plan fewer tasks at once"
            )
    return None


def can_cover(view: PlanningView, columns: list[int], chosen: frozenset[int]) -> bool:
    """Return whether chosen models can be extended within the budget so that some model takes each task.

    Args:
        view: The step to plan.
        columns: The tasks, as column numbers.
        chosen: The models, as row numbers; of those of the same weights the one that stands for them.
    """
    row = holder_rows(view)
    needs = {frozenset(row[i] for i in view.estimates.allowed[:, m].nonzero()[0].tolist()) for m in columns}
    vram_gb = [model.vram_gb for model in view.fleet]
    return _cover(needs, chosen, vram_gb, view.limit_gb)


def holder_rows(view: PlanningView) -> list[int]:
    """Return for each row of the fleet the row of the model that stands for its weights, most often itself."""
    fleet = view.fleet
    if not fleet.sharers:
        return list(range(len(fleet)))
    return [fleet.row[fleet.holder(tag)] for tag in fleet.tags]


def _cover(needs: set[frozenset[int]], chosen: frozenset[int], vram_gb: list[float], limit_gb: float) -> bool:
    """Depth first, on the need with the fewest models that still fit."""
    free_gb = limit_gb - sum(vram_gb[i] for i in chosen)
    if free_gb < 0:
        return False
    open_needs = [need for need in needs if not need & chosen]
    if not open_needs:
        return True
    options = min(([i for i in sorted(need) if vram_gb[i] <= free_gb] for need in open_needs), key=len)
    return any(_cover(set(open_needs), chosen | {i}, vram_gb, limit_gb) for i in options)
