"""The Router protocol and what a router sees.

A third-party router is a class with `async def route(self, view) -> Plan` and a factory that takes a `RouterSetup`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Final, Protocol, Self, TypeAlias

import numpy as np

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Plan, RunningTask
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import EstimateError, OptionError, SwarmError
from pytest_swarm.estimate.estimate_table import EstimateTable, Mask
from pytest_swarm.fields import Json

DEFAULT_QUALITY_FLOOR: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights of the objective: lambda_token, lambda_switch, and lambda_latency (off by default)."""

    token: float = 0.5
    switch: float = 0.2
    latency: float = 0.0

    def __post_init__(self) -> None:
        for name in ("token", "switch", "latency"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"lambda_{name} is {getattr(self, name):g}, but must be a number of at least 0")


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanningView:
    """Everything that a router may know when it plans a step; the same for every router.

    `tasks` is the horizon in topological order, `ready` the part that is executed now, `stages[m]` the stage of
    `tasks[m]` (0 = ready), `edges` those within the horizon. `estimates` has a column per task of `tasks` and a row
    per model of `fleet`, in those orders. `resident` are the fleet's models that need no load: those observed in VRAM,
    and those that share their weights. `seed` is for routers that draw. `prompts` are the estimated tokens of the
    prompts by task, where they are known. `ready_since` has the step from which on each ready task was ready,
    `last_used` the last step in which a model ran a task of the job. `running` are tasks that run now: they are not in
    the horizon, and their models stay in VRAM until they end. `whole_graph` makes the view of all unfinished tasks, for
    a router that is not bound to the horizon.
    Raises OptionError for a budget that is not a number, EstimateError for estimates that do not match.
    """

    job: str
    step: int
    tasks: tuple[Task, ...]
    ready: tuple[str, ...]
    stages: tuple[int, ...]
    edges: tuple[tuple[str, str], ...]
    horizon_depth: HorizonDepth
    fleet: Fleet
    resident: frozenset[str]
    vram_budget_gb: float
    estimates: EstimateTable
    weights: Weights = field(default_factory=Weights)
    seed: int = 0
    prompts: Mapping[str, int] = field(default_factory=dict)
    ready_since: Mapping[str, int] = field(default_factory=dict)
    last_used: Mapping[str, int] = field(default_factory=dict)
    running: tuple[RunningTask, ...] = ()
    whole_graph: Callable[[], PlanningView] | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.vram_budget_gb):
            raise OptionError(f"the VRAM budget is {self.vram_budget_gb:g} GB; give a size, for example 8GB")
        told = (self.estimates.models, self.estimates.tasks)
        if told != (self.fleet.tags, tuple([task.id for task in self.tasks])):
            raise EstimateError(f"job {self.job!r}: the estimates are for other models or tasks than the horizon's")

    def whole(self) -> PlanningView:
        """Return the view of all unfinished tasks; this one where the horizon has them all."""
        return self if self.whole_graph is None else self.whole_graph()

    @property
    def limit_gb(self) -> float:
        """The most that a residency may take in GB: the budget with its tolerance."""
        return self.vram_budget_gb + BUDGET_TOLERANCE_GB

    @property
    def pinned(self) -> tuple[Model, ...]:
        """The models that are never evicted; of those of the same weights, the one that stands for them."""
        return self.fleet.pinned

    @cached_property
    def fit_alone(self) -> tuple[bool, ...]:
        """Whether each model fits the budget beside the pinned ones."""
        pinned_gb, limit_gb = sum([each.vram_gb for each in self.pinned]), self.limit_gb
        # models of the same weights are alike in both figures
        return tuple([pinned_gb + (0.0 if each.keep else each.vram_gb) <= limit_gb for each in self.fleet.models])

    @cached_property
    def assignable(self) -> Mask:
        """Where a model can take a task and fits the budget beside the pinned ones, shape (I, M)."""
        allowed = self.estimates.allowed
        able: Mask = allowed if all(self.fit_alone) else allowed & np.array(self.fit_alone)[:, None]
        return able

    @cached_property
    def stage_of(self) -> dict[str, int]:
        """Task -> stage."""
        return {task.id: stage for task, stage in zip(self.tasks, self.stages, strict=True)}

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        """Task -> its parents within the horizon, in the order of the edges."""
        parents: dict[str, list[str]] = {task.id: [] for task in self.tasks}
        for parent, child in self.edges:
            parents[child].append(parent)
        return parents

    def models_by_task(self, mask: Mask) -> dict[str, frozenset[str]]:
        """Return task -> the models for which a mask of shape (I, M) is true."""
        return {
            task.id: frozenset(compress(self.fleet.tags, column))
            for task, column in zip(self.tasks, mask.T.tolist(), strict=True)
        }


class Router(Protocol):
    """A routing policy. `name` is its mode as written in --swarm-compare."""

    name: str

    async def route(self, view: PlanningView) -> Plan:
        """Return a plan for every task of the horizon; status `infeasible` (never an exception) where none exists."""


class Planner(Protocol):
    """The planner model behind the `llm` router."""

    async def ask(self, prompt: str, *, schema: Mapping[str, Json]) -> str:
        """Return the model's answer to a prompt.

        Args:
            prompt: The text for the planner.
            schema: The JSON schema that the answer must match.

        Raises:
            BackendError: The server did not answer.
        """


class HindsightAnswers(Protocol):
    """What each model answers to each task of a job, given the answers before it; known in hindsight only."""

    def inputs(self, task: str) -> tuple[str, ...]:
        """Return the tasks whose answers a task is given."""

    def answer(self, task: str, model: str, given: Mapping[str, str]) -> tuple[str, float]:
        """Return the text of an answer and the score that the job gets for it; 0 where it has none.

        Args:
            task: The task.
            model: The tag of the model.
            given: The texts that the task is given, by task.
        """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RouterSetup:
    """What a router factory may use. `argument` is what follows the colon in `single:TAG`.

    `realised[(task id, model tag)]` are the scores that would really be achieved, given right answers of the tasks
    before, where they are known (oracle). `hindsight` are the answers themselves, given any answers of those tasks.
    `concurrency` is the number of tasks that run at a time, `quality_floor` what `heft` gives up of the best quality.
    `make` returns the router of another mode with the same setup, for a mode that plays another one; `folder` is where
    the file that names it is looked for, after the current folder.
    """

    fleet: Fleet
    argument: str | None = None
    planner: Planner | None = None
    solve_limit_s: float | None = None
    realised: Mapping[tuple[str, str], float] | None = None
    hindsight: HindsightAnswers | None = None
    concurrency: int = 1
    quality_floor: float = DEFAULT_QUALITY_FLOOR
    make: Callable[[str], Router] | None = None
    folder: Path | None = None


class SetupFree:
    """A base of routers that need nothing of their setup."""

    @classmethod
    def from_setup(cls, _: RouterSetup) -> Self:
        """Return the router, whatever the setup."""
        return cls()


class RoutingError(SwarmError):
    """A router found no answer although there may be one: its solver failed or ran out of time."""


RouterFactory: TypeAlias = Callable[[RouterSetup], Router]
