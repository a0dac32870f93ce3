"""The relaxation over the residency alone: a linear program of I + K columns, whatever the number of tasks.

For a fractional residency y each task fills itself with its best models until their shares add up to 1. The worth of
the last of them, the threshold u_m, gives the cut (Benders, Numerische Mathematik 4 (1962) 238; for programs of this
form Fischetti, Ljubic and Sinnl, Management Science 63 (2017) 2146)

    w_m <= u_m + sum_i max(0, U_im - u_m) y_i,

which holds for every y and every threshold. Cuts are summed over K groups of tasks. All bounds are recomputed here from
the multipliers, so they hold however loosely HiGHS solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import highspy
import numpy as np
import numpy.typing as npt

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.highs import HighsArrays, load_model
from pytest_swarm.routing.program import TIE, RoutingProgram

GROUPS: Final = 32  # measured: 8 to 128 groups need about the same time at 1,000 tasks, 1 or 1,000 several times that
_MAX_CUTS: Final = 2000  # then those that do not bind are dropped: a solve should take about a millisecond
_MAX_ROUNDS: Final = 60  # of cuts at one node; afterwards branching does more than cutting
_FILLED: Final = 1e-9  # shares add up to 1 within this


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BendersBound:
    """A residency y (I,), a proven bound on every residency between the limits given, and the gains g (I,).

    bound = c + sum_i max(g_i l_i, g_i u_i): forcing y_i to the other end lowers the bound by |g_i|.
    """

    y: Matrix
    bound: float
    gain: Matrix


class Master:
    """The program over y and the groups' worths w, with all cuts found so far; kept warm between nodes."""

    def __init__(self, program: RoutingProgram) -> None:
        models, tasks = program.worth.shape
        self._groups = min(GROUPS, tasks)
        similar = np.argsort(program.worth.argmax(axis=0), kind="stable")
        self._worth = np.ascontiguousarray(program.worth[:, similar])
        self._starts = np.linspace(0, tasks, self._groups + 1).astype(np.intp)[:-1]
        self._order = np.argsort(-self._worth, axis=0, kind="stable")
        self._sorted = np.take_along_axis(self._worth, self._order, axis=0)
        self._last = np.isfinite(self._sorted).sum(axis=0) - 1  # rank of each task's worst model that can take it
        self._columns = np.arange(tasks)
        self._entry = program.entry_price
        self._vram_gb, self._limit_gb = program.vram_gb, program.limit_gb
        self._cover = np.unique(np.isfinite(program.worth), axis=1).T.astype(float)
        self._constant = np.add.reduceat(self._sorted[0], self._starts)
        self._slope = np.zeros((self._groups, models))
        self._group = np.arange(self._groups)
        self._highs = self._load()

    def relax(self, lower: Mask, upper: Mask, floor: float) -> BendersBound | None:
        """Return the relaxation, cut until it is exact or its bound is not above the floor.

        None where no residency between the limits gives every task a model.

        Args:
            lower: Models that are held, shape (I,).
            upper: Models that may be held, shape (I,).
            floor: The value that a better residency must exceed.
        """
        models = len(self._entry)
        columns = np.arange(models, dtype=np.int32)
        self._highs.changeColsBounds(models, columns, lower.astype(float), upper.astype(float))
        best: BendersBound | None = None
        for _ in range(_MAX_ROUNDS):
            self._highs.run()
            if self._highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
                return None
            solution = self._highs.getSolution()
            values = np.array(solution.col_value)
            y, groups_worth = values[:models].clip(0.0, 1.0), values[models:]
            now = self._bound(np.array(solution.row_dual), y, lower, upper)
            if best is None or now.bound < best.bound:
                best = now
            if best.bound <= floor or not self._cut(y, groups_worth):
                break
        assert best is not None  # the loop runs at least once
        return BendersBound(y=y, bound=best.bound, gain=best.gain)

    def _load(self) -> Any:  # highspy is untyped
        models, rows = len(self._entry), 1 + len(self._cover)
        arrays = HighsArrays(
            cost=np.concatenate([self._entry, -np.ones(self._groups)]),
            lower=np.concatenate([np.zeros(models), np.full(self._groups, -np.inf)]),
            upper=np.concatenate([np.ones(models), np.full(self._groups, np.inf)]),
            row_low=np.concatenate([[-np.inf], np.ones(rows - 1)]),
            row_high=np.concatenate([[self._limit_gb], np.full(rows - 1, np.inf)]),
            start=np.arange(0, rows * models + 1, models, dtype=np.int32),
            index=np.tile(np.arange(models, dtype=np.int32), rows),
            value=np.concatenate([self._vram_gb, self._cover.ravel()]),
        )
        highs = load_model(arrays, integer=False)
        self._add(highs, self._constant, self._slope, self._group)
        return highs

    def _add(self, highs: Any, constant: Matrix, slope: Matrix, group: npt.NDArray[np.intp]) -> None:
        """Rows w_k - sum_i slope_i y_i <= constant."""
        count, models = slope.shape
        width = models + 1
        index = np.tile(np.arange(width, dtype=np.int32), (count, 1))
        index[:, models] = models + group
        value = np.hstack([-slope, np.ones((count, 1))])
        start = np.arange(0, count * width, width, dtype=np.int32)
        low = np.full(count, -np.inf)
        highs.addRows(count, low, constant, count * width, start, index.ravel(), value.ravel())

    def _cut(self, y: Matrix, groups_worth: Matrix) -> bool:
        """Add the cuts that y violates; return whether there were any."""
        threshold = self._thresholds(y)
        slope = np.add.reduceat(np.maximum(self._worth - threshold, 0.0), self._starts, axis=1).T
        constant = np.add.reduceat(threshold, self._starts)
        excess = groups_worth - constant - slope @ y
        violated = (excess > TIE * np.maximum(1.0, np.abs(constant))).nonzero()[0]
        if not len(violated) or excess[violated].sum() <= TIE * max(1.0, abs(groups_worth.sum())):
            return False
        if len(self._constant) > _MAX_CUTS:
            self._drop_slack(y, groups_worth)
        self._add(self._highs, constant[violated], slope[violated], violated)
        self._constant = np.concatenate([self._constant, constant[violated]])
        self._slope = np.vstack([self._slope, slope[violated]])
        self._group = np.concatenate([self._group, violated])
        return True

    def _thresholds(self, y: Matrix) -> Matrix:
        """Return the worth of the model with which each task's shares reach 1; shape (M,)."""
        share = np.zeros(len(self._columns))
        rank = np.zeros(len(self._columns), dtype=np.intp)
        for models in self._order:  # a few ranks fill every task, so a cumulative sum over all would waste most
            share += y[models]
            short = share < 1 - _FILLED
            if not short.any():
                break
            rank += short
        worth: Matrix = self._sorted[np.minimum(rank, self._last), self._columns]
        return worth

    def _drop_slack(self, y: Matrix, groups_worth: Matrix) -> None:
        """Delete the half of the cuts that is farthest from binding; the first of each group stays."""
        slack = self._constant + self._slope @ y - groups_worth[self._group]
        slack[: self._groups] = 0.0
        gone = np.sort(np.argsort(slack, kind="stable")[len(slack) // 2 :])
        rows = (gone + 1 + len(self._cover)).astype(np.int32)
        self._highs.deleteRows(len(rows), rows)
        self._constant = np.delete(self._constant, gone)
        self._slope = np.delete(self._slope, gone, axis=0)
        self._group = np.delete(self._group, gone)

    def _bound(self, duals: Matrix, y: Matrix, lower: Mask, upper: Mask) -> BendersBound:
        """Return the Lagrangian bound of the multipliers, made feasible: at least 0, adding up to 1 in each group."""
        covers = len(self._cover)
        weight = np.maximum(-duals[1 + covers :], 0.0)
        total = np.bincount(self._group, weights=weight, minlength=self._groups)
        weight[: self._groups][total <= _FILLED] = 1.0
        total = np.bincount(self._group, weights=weight, minlength=self._groups)
        weight /= total[self._group]
        per_gb = max(-float(duals[0]), 0.0)
        cover = np.maximum(duals[1 : 1 + covers], 0.0)
        gain = weight @ self._slope - self._entry - per_gb * self._vram_gb + cover @ self._cover
        constant = float(weight @ self._constant) + per_gb * self._limit_gb - float(cover.sum())
        ends = np.where(lower, gain, np.where(upper, np.maximum(gain, 0.0), 0.0))
        return BendersBound(y=y, bound=constant + float(ends.sum()), gain=gain)
