"""The relaxation of `lp` for programs that cannot wait for CVXPY: `load_policy` plans with it.

Where one solution alone is optimal, it is found without a solver (`lp_simplex.py`). Elsewhere HiGHS is given the arrays
that CVXPY hands to it, entry by entry, so both come to the same shares, ties included.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any, Final

import highspy
import numpy as np

from pytest_swarm.domain.plan import Plan
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing.base import PlanningView, RoutingError
from pytest_swarm.routing.highs import HighsArrays, new_highs
from pytest_swarm.routing.lp_rounding import SIMPLEX, SOLVERS, LpRelaxation, rounded_plan
from pytest_swarm.routing.lp_simplex import LpStep, unique_optimum
from pytest_swarm.routing.objective import load_price, resident_mask, utility
from pytest_swarm.routing.plan_builders import infeasible_plan
from pytest_swarm.routing.shared_weights import grouped

_KEPT: Final = 32  # programs of one shape; an agent meets few shapes
_REMEMBERED: Final = 1024  # solved programs, of 1 KB or so
_NO_PLAN: Final = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


def lp_arrays(allowed: Matrix, keep: Matrix, vram_gb: Matrix, budget_gb: float) -> HighsArrays:
    """Return the arrays of the program that `routing/lp.py` states, without its costs.

    Columns: x task by task, then y. Rows: sum_i x_im = 1 of each task; x_im <= y_i, task by task; sum_i v_i y_i <= G.

    Args:
        allowed: 1 where a model can take a task, else 0; shape (I, M).
        keep: 1 for pinned models, else 0; shape (I,).
        vram_gb: Footprints; shape (I,).
        budget_gb: The budget in GB.
    """
    models, tasks = allowed.shape
    pairs = models * tasks
    within = tasks + np.arange(pairs)  # the rows x_im <= y_i
    of_x = np.stack([np.repeat(np.arange(tasks), models), within], axis=1).ravel()
    of_y = np.column_stack([within.reshape(tasks, models).T, np.full(models, tasks + pairs)])
    value_y = np.column_stack([np.full((models, tasks), -1.0), vram_gb])
    lengths = np.concatenate([np.full(pairs, 2), np.full(models, tasks + 1)])
    high = np.concatenate([np.ones(tasks), np.zeros(pairs), [budget_gb]])
    return HighsArrays(
        cost=np.zeros(pairs + models),
        lower=np.concatenate([np.zeros(pairs), keep]),
        upper=np.concatenate([allowed.T.ravel(), np.ones(models)]),
        row_low=np.concatenate([high[:tasks], np.full(pairs + 1, -np.inf)]),
        row_high=high,
        start=np.concatenate([[0], lengths.cumsum()]).astype(np.int32),
        index=np.concatenate([of_x, of_y.ravel()]).astype(np.int32),
        value=np.concatenate([np.ones(2 * pairs), value_y.ravel()]),
        by_columns=True,
    )


class DirectLpRouter:
    """The plans of `lp` without CVXPY. One step is solved at a time, so threads may share it."""

    name = "lp"

    def __init__(self) -> None:
        self._highs: Any = new_highs()  # highspy is untyped
        self._lock = threading.Lock()
        self._solved: dict[tuple[object, ...], LpRelaxation] = {}
        self._program = lru_cache(maxsize=_KEPT)(_program_of)
        self._highs.passModel(_program_of((1, 1), b"\1", b"\0", (1.0,), 1.0))
        self._highs.run()  # the first run of a process costs some ms, and no step should wait for that

    async def route(self, view: PlanningView) -> Plan:
        """Return the rounded relaxation, as mode `lp` does."""
        if not view.tasks or view.vram_budget_gb <= 0:
            return infeasible_plan(view)
        by_weights = grouped(view)
        relaxed = self.relax(by_weights.view)
        if relaxed is None:
            return infeasible_plan(view)
        return by_weights.in_own_names(rounded_plan(by_weights.view, relaxed))

    def relax(self, view: PlanningView) -> LpRelaxation | None:
        """Return the relaxation's solution, None where even that is infeasible; RoutingError if HiGHS gives none."""
        started = time.perf_counter()
        step = LpStep(
            worth=utility(view),
            allowed=view.estimates.allowed,
            price=np.where(resident_mask(view), 0.0, load_price(view)),
            keep=np.array([model.keep for model in view.fleet], dtype=bool),
            vram_gb=tuple(model.vram_gb for model in view.fleet),
            budget_gb=view.vram_budget_gb,
        )
        found = unique_optimum(step)
        if found is None:
            return self._tied(step)
        solve_ms = (time.perf_counter() - started) * 1000
        return LpRelaxation(shares=found.shares, optimum=found.value, solver=SIMPLEX, solve_ms=solve_ms)

    def _tied(self, step: LpStep) -> LpRelaxation | None:
        """Return what HiGHS answers; of equal programs, as where tokens cost nothing, only the first is solved."""
        key = (step.worth.tobytes(), step.price.tobytes(), step.allowed.tobytes(), step.keep.tobytes())
        program = (*key, step.worth.shape, step.vram_gb, step.budget_gb)
        known = self._solved.get(program)
        if known is None:
            known = self._by_highs(step)
            if known is not None:
                if len(self._solved) >= _REMEMBERED:
                    self._solved.clear()
                self._solved[program] = known
        return known

    def _by_highs(self, step: LpStep) -> LpRelaxation | None:
        started = time.perf_counter()
        allowed = step.allowed
        shape = (allowed.shape, allowed.tobytes(), step.keep.tobytes(), step.vram_gb, step.budget_gb)
        with self._lock:
            program = self._program(*shape)
            program.col_cost_ = np.concatenate([-step.worth.T.ravel(), step.price])
            self._highs.passModel(program)  # forgets the step before, so that each step starts alike
            self._highs.run()
            status = self._highs.getModelStatus()
            values = np.array(self._highs.getSolution().col_value)
            optimum = -self._highs.getInfo().objective_function_value
        if status in _NO_PLAN:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RoutingError(f"the linear program could not be solved ({SOLVERS[0]}: {status.name})")
        shares = values[: allowed.size].reshape(allowed.shape[::-1]).T
        return LpRelaxation(
            shares=np.where(allowed, shares, 0.0),
            optimum=optimum,
            solver=SOLVERS[0],
            solve_ms=(time.perf_counter() - started) * 1000,
        )


def _program_of(
    shape: tuple[int, int], allowed: bytes, keep: bytes, vram_gb: tuple[float, ...], budget_gb: float
) -> Any:  # highspy is untyped
    """Return HiGHS's form of the program of one shape, without costs."""
    mask = np.frombuffer(allowed, dtype=bool).reshape(shape).astype(float)
    keeps = np.frombuffer(keep, dtype=bool).astype(float)
    return lp_arrays(mask, keeps, np.array(vram_gb), budget_gb).program()
