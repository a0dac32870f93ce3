"""`milp`: the published program with a binary residency, solved exactly. No planned violation is possible.

For a given set of models each task takes its best one, so only the set is to be found. Where the sets within the
budget are few, all of them are valued in one pass; else by branch and bound on the same function.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.model_sets import Family, best_set, sets_of
from pytest_swarm.routing.program import RoutingProgram, Solution, program_of
from pytest_swarm.routing.shared_weights import grouped

_FEW_SETS: Final = 64  # always enumerated: bounding does not pay
_MAX_WORK: Final = 4_000_000  # sets x tasks that are enumerated at most, about 20 ms; bounding takes over there
_CHEAP_SETS: Final = 1024  # for `cheap_optimum`: every set of ten models
_CHEAP_WORK: Final = 100_000  # sets x tasks: below a millisecond


class MilpRouter(ExactRouter):
    """The exact optimum for one residency over the whole horizon; ties: fewest loads, least VRAM, name."""

    name = "milp"
    staged = False
    max_sets = 20_000  # listing more takes longer than bounding

    def best(self, program: RoutingProgram, family: Family | None) -> Solution | None:
        """Return the optimum of the program's one-stage form; None where it has none."""
        if family is None or len(family) > max(_FEW_SETS, _MAX_WORK // program.worth.shape[1]):
            from pytest_swarm.routing.branch_and_bound import branch_and_bound  # imports highspy

            return branch_and_bound(program, limit_s=self.solve_limit_s)
        found = best_set(program, family)
        if found is None:
            return None
        member, value = found
        return Solution(held=member[None, :], value=value, bound=value, solver="enumeration")


def cheap_optimum(view: PlanningView) -> float | None:
    """Return the value of the best plan with one residency, None where it is not cheap to know.

    None as well where there is no such plan. Takes a tenth of a millisecond for a handful of models.
    """
    program = program_of(grouped(view).view)
    family = sets_of(program, at_most=_CHEAP_SETS)
    if family is None or len(family) * program.worth.shape[1] > _CHEAP_WORK:
        return None
    found = best_set(program, family)
    return None if found is None else found[1]
