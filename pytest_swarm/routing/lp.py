"""`lp`: the published linear relaxation, by CVXPY, rounded by argmax as published.

The VRAM row binds the fractional residency only, so the rounded plan can be over budget (docs/routing.md). That
behavior is kept, and the flags of the plan record it; `milp` is the same program without the leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Self

import cvxpy as cp
import numpy as np

from pytest_swarm.domain.plan import Plan
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing.base import PlanningView, RouterSetup, RoutingError
from pytest_swarm.routing.highs import suppress_banner
from pytest_swarm.routing.lp_rounding import SOLVERS, LpRelaxation, relaxed_plan
from pytest_swarm.routing.lp_simplex import lp_optimum
from pytest_swarm.routing.program import program_of

_NO_PLAN: Final = (cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE, "infeasible_or_unbounded")  # all shares are bounded
_AGREEMENT: Final = 1e-6  # of optima, relative to the larger of tasks and theirs: ten times the tolerance of HiGHS
_COMPILED: Final = 32  # programs kept compiled; a run meets few shapes, and each holds some 100 bytes per entry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxation:
    """The compiled program of one shape. CVXPY is untyped, so its objects are `Any`.

    maximize sum_im x_im U_im - sum_i load_i y_i  subject to  sum_i x_im = 1;  x_im <= y_i;  sum_i v_i y_i <= G,
    0 <= x_im <= allowed_im, keep_i <= y_i <= 1; x (I, M), y (I, 1); load_i is price_i, 0 where i is resident. `worth`
    is U row by row: one vector parameter of length I M, because a parameter per entry is what made the published
    program slow to compile.
    """

    problem: Any
    x: Any
    worth: Any
    load: Any
    vram_gb: Any
    budget_gb: Any


class LpRouter:
    """The published heuristic: relaxation, then the model with the largest share of each task."""

    name = "lp"

    def __init__(self, *, solvers: tuple[str, ...] = SOLVERS) -> None:
        self._solvers = solvers
        self._compiled = lru_cache(maxsize=_COMPILED)(_compile)

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:  # noqa: ARG003  every router has it
        """Return the router; it needs nothing of the setup."""
        _prepare()
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        """Return the rounded relaxation: `objective` and `bound` are its optimum, `gap` is what rounding lost."""
        return relaxed_plan(view, self.relax)

    def relax(self, view: PlanningView) -> LpRelaxation | None:
        """Return the relaxation's solution, None where even that is infeasible; RoutingError if no solver works."""
        program = program_of(view)
        allowed = program.allowed
        compiled = self._compiled(allowed.shape, allowed.tobytes(), program.pinned.tobytes())
        compiled.worth.value = np.where(allowed, program.worth, 0.0).ravel()
        compiled.load.value = program.entry_price
        compiled.vram_gb.value, compiled.budget_gb.value = program.vram_gb, program.budget_gb
        status, solver = _solve(compiled.problem, self._solvers)
        if status in _NO_PLAN:
            return None
        optimum = float(compiled.problem.value)
        rule = lp_optimum(program)
        if rule is not None and abs(rule.value - optimum) <= _AGREEMENT * max(len(view.tasks), abs(optimum)):
            shares = rule.shares
        else:
            shares = np.where(allowed, compiled.x.value, 0.0)
        return LpRelaxation(
            program=program,
            shares=shares,
            optimum=optimum,
            solver=solver,
            solve_ms=compiled.problem.solver_stats.solve_time * 1000,
        )


@cache
def _prepare() -> None:
    """Solve a small program before one is timed: CVXPY and HiGHS import and prepare much in the first of a process."""
    small = formulate(np.ones((1, 1)), np.zeros(1))
    small.worth.value, small.load.value, small.vram_gb.value = np.ones(1), np.zeros(1), np.ones(1)
    small.budget_gb.value = 1.0
    _solve(small.problem, SOLVERS)


def _compile(shape: tuple[int, int], allowed: bytes, pinned: bytes) -> Relaxation:
    mask = np.frombuffer(allowed, dtype=bool).reshape(shape)
    return formulate(mask.astype(float), np.frombuffer(pinned, dtype=bool).astype(float))


def formulate(allowed: Matrix, keep: Matrix) -> Relaxation:
    """Return the program of the class `Relaxation`.

    Args:
        allowed: 1 where a model can take a task, else 0; shape (I, M).
        keep: 1 for pinned models, else 0; shape (I,).
    """
    models, tasks = allowed.shape
    x = cp.Variable((models, tasks), bounds=[0, allowed])
    y = cp.Variable((models, 1), bounds=[keep[:, None], 1])
    worth, load = cp.Parameter(models * tasks), cp.Parameter(models, nonneg=True)
    vram_gb, budget_gb = cp.Parameter(models, nonneg=True), cp.Parameter(nonneg=True)
    problem = cp.Problem(
        cp.Maximize(worth @ x.flatten(order="C") - load @ y),
        [
            np.ones((1, models)) @ x == 1,
            x <= y @ np.ones((1, tasks)),
            vram_gb @ y <= budget_gb,
        ],
    )
    return Relaxation(problem=problem, x=x, worth=worth, load=load, vram_gb=vram_gb, budget_gb=budget_gb)


def _solve(problem: Any, solvers: tuple[str, ...]) -> tuple[str, str]:
    """(status, solver) of the first solver that comes to an answer; RoutingError where none does."""
    suppress_banner()
    failures = []
    for solver in solvers:
        try:
            problem.solve(solver=solver, warm_start=False)  # a step must not depend on the steps before
        except cp.SolverError as error:
            failures.append(f"{solver}: {error}")
            continue
        if problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE, *_NO_PLAN):
            return problem.status, solver
        failures.append(f"{solver}: {problem.status}")
    raise RoutingError(f"the linear program could not be solved ({'; '.join(failures)}); check the installed solvers")
