"""The relaxation of `lp` by HiGHS alone: the arrays that CVXPY hands to it, entry by entry, so that both agree."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any, Final

import highspy
import numpy as np

from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing.base import RoutingError
from pytest_swarm.routing.highs import HighsArrays, new_highs
from pytest_swarm.routing.lp_rounding import SOLVERS, LpRelaxation
from pytest_swarm.routing.program import RoutingProgram

_KEPT: Final = 32  # programs of one shape; an agent meets few shapes
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


class HighsRelaxation:
    """Solves one step at a time, so threads may share it."""

    def __init__(self) -> None:
        self._highs: Any = new_highs()  # highspy is untyped
        self._lock = threading.Lock()
        self._lp_of = lru_cache(maxsize=_KEPT)(_lp_of)

    def solve(self, program: RoutingProgram) -> LpRelaxation | None:
        """Return the relaxation's solution, None where even that is infeasible; RoutingError if HiGHS gives none.

        Args:
            program: The program of the step.
        """
        started = time.perf_counter()
        allowed, pinned = program.allowed, program.pinned.tobytes()
        worth = np.where(allowed, program.worth, 0.0)
        with self._lock:
            lp = self._lp_of(allowed.shape, allowed.tobytes(), pinned, program.vram_gb.tobytes(), program.budget_gb)
            lp.col_cost_ = np.concatenate([-worth.T.ravel(), program.entry_price])
            self._highs.passModel(lp)  # forgets the step before, so that each step starts alike
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
            program=program,
            shares=np.where(allowed, shares, 0.0),
            optimum=optimum,
            solver=SOLVERS[0],
            solve_ms=(time.perf_counter() - started) * 1000,
        )


def _lp_of(
    shape: tuple[int, int], allowed: bytes, pinned: bytes, vram_gb: bytes, budget_gb: float
) -> Any:  # highspy is untyped
    """Return HiGHS's form of the program of one shape, without costs."""
    mask = np.frombuffer(allowed, dtype=bool).reshape(shape).astype(float)
    keep = np.frombuffer(pinned, dtype=bool).astype(float)
    return lp_arrays(mask, keep, np.frombuffer(vram_gb), budget_gb).program()
