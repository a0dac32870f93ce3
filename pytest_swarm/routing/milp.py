"""`milp`: the published program with a binary residency, solved exactly. No planned violation is possible.

For a given set of models each task takes its best one, so only the set is to be found. Where the sets within the
budget are few, all of them are valued in one pass; else the mixed-integer program is solved by HiGHS.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import numpy as np

from pytest_swarm.domain.plan import Plan
from pytest_swarm.errors import EstimateError
from pytest_swarm.routing.answer import infeasible_plan
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.family import Family, set_worth, sets_within
from pytest_swarm.routing.program import TIE, Program, Solution, plan_of, program_of

MAX_SETS: Final = 20_000  # sets that are enumerated at most
_FAMILIES: Final = 16  # budgets and fleets whose sets are remembered


class FamilyCache:
    """The families of the last budgets and fleets: they do not depend on the estimates."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], Family | None] = OrderedDict()

    def sets_of(self, program: Program) -> Family | None:
        """The sets within the budget of a program, None where they are too many to enumerate."""
        key = (program.vram_gb.tobytes(), program.limit_gb, program.pinned.tobytes())
        if key not in self._known:
            found = sets_within(program.vram_gb, program.limit_gb, program.pinned, at_most=MAX_SETS)
            self._known[key] = found
            if len(self._known) > _FAMILIES:
                self._known.popitem(last=False)
        return self._known[key]


class MilpRouter:
    """The exact optimum for one residency over the whole horizon; ties: fewest loads, least VRAM, name."""

    name = "milp"

    def __init__(self, *, solve_limit_s: float | None = None) -> None:
        self._solve_limit_s = solve_limit_s
        self._families = FamilyCache()

    async def route(self, view: PlanningView) -> Plan:
        """The best plan, with status `optimal` and gap 0; `feasible` with its gap after the time limit."""
        if not view.tasks:
            return infeasible_plan(view)
        program = program_of(view)
        solution = self.solve(program)
        return infeasible_plan(view) if solution is None else plan_of(view, program, solution)

    def solve(self, program: Program) -> Solution | None:
        """The optimum of the program's one-stage form, None where it has none."""
        started = time.perf_counter()
        if program.vram_gb[program.pinned].sum() > program.limit_gb:
            return None
        family = self._families.sets_of(program)
        if family is None:
            from pytest_swarm.routing.highs import solve_mip

            return solve_mip(program, stages=1, limit_s=self._solve_limit_s)
        return best_set(program, family, started)


def best_set(program: Program, family: Family, started: float) -> Solution | None:
    """The best set of a family; among equals (1e-10) fewest loads, then least VRAM, then the names."""
    load = program.entry_price
    value = set_worth(family, program.worth) - family.member @ load
    best = float(value.max())
    if best == -np.inf:
        return None
    if not np.isfinite(best):
        raise EstimateError("the value of the best plan is not finite; check the weights and the fleet file's figures")
    ties = (value >= best - TIE).nonzero()[0].tolist()
    winner = ties[0] if len(ties) == 1 else min(ties, key=lambda f: tie_key(program, family, f))
    return Solution(
        held=family.member[winner : winner + 1],
        value=float(value[winner]),
        bound=float(value[winner]),
        solver="enumeration",
        solve_ms=(time.perf_counter() - started) * 1000,
    )


def tie_key(program: Program, family: Family, index: int) -> tuple[int, float, tuple[str, ...]]:
    """What decides among sets of equal value: loads, VRAM in GB to a billionth, names."""
    member = family.member[index]
    names = tuple(sorted(program.tags[i] for i in member.nonzero()[0].tolist()))
    return int((member & ~program.resident).sum()), round(float(family.vram_gb[index]), 9), names
