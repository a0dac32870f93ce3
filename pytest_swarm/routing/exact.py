"""What `milp` and `staged` share: the program of a step, the sets of models within its budget, and the plan."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from itertools import compress
from typing import ClassVar, Self

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.model_sets import Family, sets_of
from pytest_swarm.routing.plan_builders import infeasible_plan
from pytest_swarm.routing.program import FirstChoice, RoutingProgram, Solution, choose_rows, plan_of, program_of
from pytest_swarm.routing.shared_weights import grouped


class ExactRouter(ABC):
    """A router that solves its program exactly; where it is stopped by the time limit, it states the gap.

    Args:
        solve_limit_s: Time limit of one plan in seconds; None = none. Enumeration is short and has no limit.
    """

    name: str
    staged: ClassVar[bool]
    """Whether each stage of the horizon has a residency of its own."""
    max_sets: ClassVar[int]
    """The largest number of sets of models that is enumerated."""

    def __init__(self, *, solve_limit_s: float | None = None) -> None:
        self.solve_limit_s = solve_limit_s

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router with the time limit of the setup."""
        return cls(solve_limit_s=setup.solve_limit_s)

    async def route(self, view: PlanningView) -> Plan:
        """Return the best plan: status `optimal` with gap 0, or `feasible` with its gap after the time limit."""
        if not view.tasks:
            return infeasible_plan(view, staged=self.staged)
        by_weights = grouped(view)
        program = program_of(by_weights.view)
        started = time.perf_counter()
        solution = self.solve(program)
        solve_ms = (time.perf_counter() - started) * 1000
        if solution is None:
            return infeasible_plan(view, staged=self.staged)
        return by_weights.in_own_names(plan_of(by_weights.view, program, solution, solve_ms=solve_ms))

    def first_choice(self, program: RoutingProgram) -> FirstChoice | None:
        """Return what the plan of the program does first."""
        solution = self.solve(program)
        if solution is None:
            return None
        held = frozenset(compress(program.tags, solution.held[0].tolist()))
        return FirstChoice(program.tags[choose_rows(program, solution.held)[0]], held)

    def solve(self, program: RoutingProgram) -> Solution | None:
        """Return the best solution of a program; None where it has none."""
        family = sets_of(program, at_most=self.max_sets)
        if family is None and program.vram_gb[program.pinned].sum() > program.limit_gb:
            return None
        return self.best(program, family)

    @abstractmethod
    def best(self, program: RoutingProgram, family: Family | None) -> Solution | None:
        """Return the best solution of a program whose pinned models fit the budget; None where it has none.

        Args:
            program: The program of the step.
            family: The sets of models within its budget; None where they are too many to enumerate.
        """
