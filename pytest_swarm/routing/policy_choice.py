"""A policy in a program of your own: which model a task should go to now, and why.

`load_policy(path).choose(task, resident=..., horizon=...)` plans one step as the policy's mode does. It needs neither
pytest nor a server.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from pytest_swarm.documents import path_of
from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.domain.task import ANY_TYPE, Task
from pytest_swarm.errors import EstimateError, GraphError, OptionError, PolicyError
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup
from pytest_swarm.routing.lp_direct import DirectLpRouter
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.routing.objective import load_price_of, utility_of
from pytest_swarm.routing.policy import weights_of
from pytest_swarm.routing.policy_changes import changed_models, model_digests
from pytest_swarm.routing.policy_file import PolicyFile, read_policy
from pytest_swarm.routing.program import FirstChoice, ProgramSolver, StepSetting, program_in
from pytest_swarm.routing.registry import LP
from pytest_swarm.units import format_gb, format_gb_apart

TypicalTask: TypeAlias = Task | str
"""A task, or the type of one of usual size."""
_USUAL_TOKENS: Final = 300  # of prompt and answer, where only the type of a task is known
_Situation: TypeAlias = tuple[frozenset[str], tuple[tuple[str, float, int, int], ...]]
"""What a choice depends on: the resident models, and of each task its type, difficulty, tokens, and prompt's length."""
_REMEMBERED: Final = 4096
_KEPT: Final = 256  # tasks by type and place in the horizon; reasons by type, model, and what is in view


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The model for a task. `load` says whether it must be loaded, `unload` what must leave VRAM before that."""

    model: str
    reason: str
    load: bool
    unload: tuple[str, ...] = ()


class DecidedPolicy:
    """A policy that answers which model a task should go to. It remembers answers, and may be shared by threads."""

    def __init__(self, policy: PolicyFile, *, where: str) -> None:
        self.file = policy
        self.fleet = policy.fleet
        self._where = where
        self._estimator = Estimator(self.fleet)
        self._weights = weights_of(policy)
        self._vram_gb = {model.tag: model.vram_gb for model in self.fleet}
        self._pinned = frozenset([model.tag for model in self.fleet.pinned])
        self._slow_first = [
            model.tag for model in sorted(self.fleet, key=lambda model: (-model.load_time_ms, model.tag))
        ]
        self._reason = lru_cache(maxsize=_KEPT)(self._make_reason)
        self._known: dict[_Situation, ModelChoice] = {}
        self._router = router = self._make_router()
        self._solver = router if isinstance(router, ProgramSolver) and not self.fleet.sharers else None

    def __reduce__(self) -> tuple[Callable[..., DecidedPolicy], tuple[PolicyFile, str]]:
        """Return what makes the policy again from its file, so that another process may ask it."""
        return _made_again, (self.file, self._where)

    @property
    def budget_gb(self) -> float:
        """The VRAM budget that the policy keeps, in GB."""
        return self.file.vram_budget_gb

    @property
    def fault(self) -> str | None:
        """Why it cannot be used as it is, by the runs of its decision; None where it can."""
        fault = self.file.provenance.fault
        return (
            None
            if fault is None
            else f"{self._where}: it cannot be used as it is: in the runs of its decision it {fault}"
        )

    def choose(
        self, task: TypicalTask, *, resident: Collection[str] = (), horizon: Sequence[TypicalTask] = ()
    ) -> ModelChoice:
        """Return the model that the policy gives a task now.

        Args:
            task: The task that is ready, or its type.
            resident: Tags of the models that are in VRAM, as `/api/ps` lists them; foreign ones are ignored. Of models
                of the same weights, any one stands for all.
            horizon: The tasks that are expected after it, in their order; no more are looked at than the policy plans.

        Raises:
            PolicyError: An argument is not of its type, or no model of the policy can take the task within the budget.
        """
        fault = _argument_fault(task, resident=resident, horizon=horizon)
        if fault is not None:
            raise PolicyError(f"{self._where}: choose: {fault}")
        try:
            return self._chosen([task, *horizon], resident)
        except (GraphError, EstimateError) as error:  # a type that is no word, weights beyond what can be computed
            raise PolicyError(f"{self._where}: choose: {error}") from error

    def _chosen(self, task_and_horizon: Sequence[TypicalTask], resident: Collection[str]) -> ModelChoice:
        given = {self.fleet.holder(own := self.fleet[tag].tag): own for tag in resident if tag in self.fleet}
        held = frozenset(given)
        tasks = self._seen(task_and_horizon)
        figures = [(each.type, each.difficulty, each.estimated_tokens, len(each.whole_prompt)) for each in tasks]
        situation = (held, tuple(figures))
        known = self._known.get(situation)
        if known is None:
            known = self._planned(tasks, held)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[situation] = known
        return replace(known, unload=tuple(given[tag] for tag in known.unload)) if self.fleet.sharers else known

    def changes(self, installed: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
        """Return a sentence for each model that a server lacks, or has with another digest than it was measured with.

        Args:
            installed: Tag and digest of each model of the server, as `/api/tags` lists them.

        Raises:
            PolicyError: It is neither a mapping nor a list of pairs.
        """
        return changed_models(self.file, model_digests(installed, where=f"{self._where}: changes"))

    def _make_router(self) -> Router:
        table, mode = ModeTable({}), self.file.mode
        try:
            needs = table.spec(mode).needs
            if "planner" not in needs and "realised" not in needs:
                setup = RouterSetup(fleet=self.fleet)
                return DirectLpRouter() if mode == LP else table.make(mode, setup)
        except OptionError as error:
            raise PolicyError(f"{self._where}: cannot be played: {error}") from error
        what = "asks a planner model" if "planner" in needs else "knows the answers beforehand"
        raise PolicyError(
            f"{self._where}: its mode {mode!r} {what}, which load_policy cannot; use the mode in a run, or decide "
            "among the others"
        )

    def _seen(self, tasks: Sequence[TypicalTask]) -> tuple[Task, ...]:
        """Return the tasks that the policy's horizon holds, renamed where two have one name."""
        depth: HorizonDepth = self.file.horizon_depth
        seen = tasks if depth == "flat" else tasks[: 1 + depth]
        named = [_usual_task(place, each) if isinstance(each, str) else each for place, each in enumerate(seen)]
        if len({each.id for each in named}) < len(named):
            named = [replace(each, id=f"task {n}") for n, each in enumerate(named)]
        return tuple(named)

    def _planned(self, tasks: tuple[Task, ...], resident: frozenset[str]) -> ModelChoice:
        model, held = self._solved(tasks, resident) or self._routed(tasks, resident)
        holder = self.fleet.holder(model)
        kept = held | {holder}
        if not self._fits(kept):  # a plan of lp, of which the first task counts
            kept = self._pinned | {holder}
            if not self._fits(kept):
                needed, budget = format_gb_apart(self._total_gb(kept), self.budget_gb)
                beside = " with the pinned models" if self._pinned - {holder} else ""
                raise PolicyError(
                    f"{self._where}: gives {tasks[0].type!r} to {model}, which{beside} needs {needed}, more than the "
                    f"budget of {budget}; decide for a policy that keeps the budget"
                )
        load = holder not in resident
        return ModelChoice(
            model=model,
            reason=self._reason(tasks[0].type, model, load=load, ahead=len(tasks) - 1),
            load=load,
            unload=self._leaving(kept, resident) if load else (),
        )

    def _solved(self, tasks: tuple[Task, ...], resident: frozenset[str]) -> FirstChoice | None:
        """Return what `_routed` does, without the view and the plan, which take longer than to solve a small program.

        None where the mode solves no program, models share weights, or there is no such choice.
        """
        if self._solver is None:
            return None
        estimates = self._estimator.table(tasks)
        setting = StepSetting(self.fleet, resident, self._stages(len(tasks)), self.budget_gb)
        worth = utility_of(estimates, self._weights, self.fleet)
        return self._solver.first_choice(program_in(setting, worth, estimates.allowed, self._load_price))

    @cached_property
    def _load_price(self) -> Matrix:
        return load_price_of(self._estimator.table(()), self._weights, self.fleet)

    def _routed(self, tasks: tuple[Task, ...], resident: frozenset[str]) -> FirstChoice:
        """Return the model of the first task in the plan of the mode, and what that holds now."""
        plan = self._plan(tasks, resident)
        if plan.status is PlanStatus.INFEASIBLE:
            raise PolicyError(f"{self._where}: {plan.reason}")
        return FirstChoice(plan.model_of[tasks[0].id], plan.target_residency)

    def _stages(self, tasks: int) -> tuple[int, ...]:
        return (0,) * tasks if self.file.horizon_depth == "flat" else tuple(range(tasks))

    def _plan(self, tasks: tuple[Task, ...], resident: frozenset[str]) -> Plan:
        """Return the plan of the policy's mode, which awaits nothing."""
        flat = self.file.horizon_depth == "flat"
        view = PlanningView(
            job="choice",
            step=0,
            tasks=tasks,
            ready=tuple([each.id for each in tasks]) if flat else (tasks[0].id,),
            stages=self._stages(len(tasks)),
            edges=() if flat else tuple([(a.id, b.id) for a, b in pairwise(tasks)]),
            horizon_depth=self.file.horizon_depth,
            fleet=self.fleet,
            resident=self.fleet.usable(resident),
            vram_budget_gb=self.budget_gb,
            estimates=self._estimator.table(tasks),
            weights=self._weights,
        )
        routing = self._router.route(view)
        try:
            routing.send(None)
        except StopIteration as done:
            plan: Plan = done.value
            return plan
        raise PolicyError(f"{self._where}: its mode {self.file.mode!r} waits for a server; use it in a run")

    def _total_gb(self, tags: frozenset[str]) -> float:
        return sum([self._vram_gb[tag] for tag in tags])

    def _fits(self, tags: frozenset[str]) -> bool:
        return self._total_gb(tags) <= self.budget_gb + BUDGET_TOLERANCE_GB

    def _leaving(self, held: frozenset[str], resident: frozenset[str]) -> tuple[str, ...]:
        """Return the resident models that must leave for the plan's, the fastest to load again first."""
        free_gb = self.budget_gb - self._total_gb(held)
        leaving: list[str] = []
        for tag in self._slow_first:  # the slowest to load stay where they fit
            if tag not in resident or tag in held:
                continue
            if self._vram_gb[tag] <= free_gb:
                free_gb -= self._vram_gb[tag]
            else:
                leaving.append(tag)
        return tuple(reversed(leaving))

    def _make_reason(self, task_type: str, model: str, *, load: bool, ahead: int) -> str:
        state = "has to be loaded" if load else "is resident"
        rule = "rule over types" if self.file.rule_over_types else f"mode {self.file.mode}"
        known = {task_type, ANY_TYPE} & self.fleet[model].capabilities.keys()
        taken = "estimated at" if known else "not known and taken as"
        quality = f"its quality on {task_type} is {taken} {self._estimator.capability(model, task_type):.2f}"
        view = f", with {ahead} further task{'s' if ahead > 1 else ''} in view" if ahead else ""
        return f"{rule}: {model} {state}, {quality}, within {format_gb(self.budget_gb)}{view}"


@lru_cache(maxsize=_KEPT)
def _usual_task(place: int, task_type: str) -> Task:
    return Task(id=f"later {place}" if place else "task", type=task_type, prompt="-", estimated_tokens=_USUAL_TOKENS)


def _made_again(file: PolicyFile, where: str) -> DecidedPolicy:
    return DecidedPolicy(file, where=where)


def _argument_fault(task: object, *, resident: Collection[object], horizon: Collection[object]) -> str | None:
    """Return what is wrong with the arguments of a choice; None where nothing is.

    A text is no list of texts, and a set has no order that a horizon could have.
    """
    for what, given, kind in (("resident", resident, Collection), ("horizon", horizon, Sequence)):
        if not isinstance(given, kind) or isinstance(given, (str, bytes)):
            return f"{what} is {given!r}; give a list, such as {what}=[{'...' if given is None else repr(given)}]"
    foreign = [each for each in resident if not isinstance(each, str)]
    if foreign:
        return f"resident holds {foreign[0]!r}, which is no tag; give tags of models, such as 'gemma2:2b'"
    wrong = [each for each in (task, *horizon) if not each or not isinstance(each, (Task, str))]
    return f"{wrong[0]!r} is no task; give a Task, or the type of one, such as 'code'" if wrong else None


def load_policy(path: str | os.PathLike[str]) -> DecidedPolicy:
    """Return the policy of a file that `decide` wrote; warn where it cannot be used as it is, as `fault` says.

    Raises:
        PolicyError: The file cannot be read, is newer, or plays a mode that asks a planner model or knows the
            answers beforehand; or `path` is none.
    """
    policy = DecidedPolicy(read_policy(path_of(path, PolicyError)), where=f"policy {path}")
    if policy.fault is not None:
        warnings.warn(policy.fault, stacklevel=2)
    return policy
