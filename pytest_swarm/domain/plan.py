"""The plan that a router returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pytest_swarm.domain.rebuilt import Rebuilt


class PlanStatus(StrEnum):
    """What is known of a plan; failure is a status, not an exception."""

    OPTIMAL = "optimal"  # proven best for the router's own program
    FEASIBLE = "feasible"  # within the budget, not proven best (time limit, or a gap that was asked for)
    HEURISTIC = "heuristic"  # a rule's or a planner's choice; no bound is known
    INFEASIBLE = "infeasible"  # no plan exists


class Origin(StrEnum):
    """Who chose the model of a task. Nothing is repaired silently: a filled-in choice says so."""

    SOLVER = "solver"
    PLANNER = "planner"
    REPLANNER = "replanner"  # the planner's second answer, after it went over budget
    RULE = "rule"  # greedy, single, best-single, random, a third party's rule
    FILL_IN = "fill-in"  # greedy, because the planner left the task out or failed


class PlannerFailure(StrEnum):
    """The eight ways in which a planner's answer can fail; docs/llm.md says what each one keeps."""

    INVALID_JSON = "invalid_json"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_TASK = "unknown_task"
    MISSING_TASK = "missing_task"
    DUPLICATE_TASK = "duplicate_task"
    OVER_BUDGET = "over_budget"
    TIMEOUT = "timeout"
    BACKEND_ERROR = "backend_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Task -> model, and who decided it."""

    task: str
    model: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTask:
    """A task that runs while a router is asked; `seconds_left` is an estimate, None without speeds in the fleet."""

    task: str
    model: str
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerCall:
    """One prompt to the planner and its raw answer (None where none came); hostile data, never run.

    `truncated`: the server cut the prompt, so its answer was not used.
    """

    prompt: str
    answer: str | None
    failures: tuple[PlannerFailure, ...] = ()
    detail: str | None = None
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Rebuilt):
    """Assignments over the horizon, the models to hold in VRAM, and what is known of the solution.

    `residency` has one entry for each stage of the horizon (as `staged` gives it); a plan with one entry holds
    it throughout. `deferred` are tasks of the horizon that are left to a later plan: each has its model, but is not run
    now and needs no place in the residency. At least one ready task is not deferred. `objective` is what the router's
    own solver reports (for `lp` the relaxation's optimum), `bound` an upper bound on any plan's value, `gap` = bound -
    value of the incumbent, relative to max(1, |value|); None = not known. `solve_ms` is wall time inside the solver.
    """

    assignments: tuple[Assignment, ...]
    residency: tuple[frozenset[str], ...]
    status: PlanStatus
    deferred: frozenset[str] = frozenset()
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    fractional: bool = False
    fractional_residency: Mapping[str, float] = field(default_factory=dict)
    solver: str | None = None
    solve_ms: float | None = None
    planner_calls: tuple[PlannerCall, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "fractional_residency", MappingProxyType(dict(self.fractional_residency)))

    @property
    def target_residency(self) -> frozenset[str]:
        """The models that the plan holds in VRAM now (stage 0)."""
        return self.residency[0] if self.residency else frozenset()

    @property
    def model_of(self) -> dict[str, str]:
        """Task -> model."""
        return {each.task: each.model for each in self.assignments}

    @property
    def planner_failures(self) -> dict[str, int]:
        """Failures by kind over all calls; kinds that did not happen are left out."""
        found = [failure.value for call in self.planner_calls for failure in call.failures]
        return {kind: found.count(kind) for kind in found}
