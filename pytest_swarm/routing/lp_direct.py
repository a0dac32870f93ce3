"""`lp` for programs that cannot wait for CVXPY: `load_policy` plans with it, and comes to the plans of the mode."""

from __future__ import annotations

import threading
import time
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.lp_rounding import SIMPLEX, LpRelaxation, relaxed_plan, rounded
from pytest_swarm.routing.lp_simplex import lp_optimum
from pytest_swarm.routing.program import FirstChoice, RoutingProgram, program_of

if TYPE_CHECKING:
    from pytest_swarm.routing.lp import LpRouter


class DirectLpRouter:
    """The plans of `lp` by the simplex alone; the mode's own router plans a step that is too large or has no plan.

    Threads may share it.
    """

    name = "lp"

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    async def route(self, view: PlanningView) -> Plan:
        """Return the rounded relaxation, as mode `lp` does."""
        return relaxed_plan(view, self.relax)

    def first_choice(self, program: RoutingProgram) -> FirstChoice | None:
        """Return what the plan of the program does first; None where the simplex finds no solution."""
        found = lp_optimum(program)
        if found is None:
            return None
        models = [program.tags[row] for row in rounded(found.shares)[1]]
        return FirstChoice(models[0], frozenset(models).union(compress(program.tags, program.pinned.tolist())))

    def relax(self, view: PlanningView) -> LpRelaxation | None:
        """Return the relaxation's solution, None where even that is infeasible; RoutingError if no solver works."""
        started = time.perf_counter()
        program = program_of(view)
        found = lp_optimum(program)
        if found is None:
            with self._one_at_a_time:  # CVXPY keeps the figures of a step in its program
                return self._mode.relax(view)
        solve_ms = (time.perf_counter() - started) * 1000
        return LpRelaxation(
            program=program, shares=found.shares, optimum=found.value, solver=SIMPLEX, solve_ms=solve_ms
        )

    @cached_property
    def _mode(self) -> LpRouter:
        from pytest_swarm.routing.lp import LpRouter  # imports CVXPY

        return LpRouter()
