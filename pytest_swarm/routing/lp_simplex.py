"""The relaxation of `lp` without a solver, for any number of models, where one solution alone is optimal.

With the residency y fixed, a task fills itself with its best models until their shares add up to 1. Its worth is then
min_k (L_km + sum_i (U_im - L_km)^+ y_i) over the levels L_km, which are the utilities of its models. So the relaxation
has y as its only unknowns, and its dual is a small program whose first basis is known:

    minimize sum_km L_km w_km + G l - sum_a c_a  subject to  sum_k w_km = 1 for each task m;
    sum_km (U_im - L_km)^+ w_km - v_i l + sum_(a with i) c_a + s_i = p_i for each model i;  w, l, c, s >= 0.

Each a is a set of models that can take some task; its row says that their residencies add up to 1 or more. A primal
simplex solves it in some ten steps of one product each; the reduced costs of s are y. Rows whose value is almost 0 say
how y may move at (almost) no loss: where such a move changes a share, other shares are as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.estimate.estimate_table import Mask, Matrix

_MARGIN: Final = 1e-4  # values closer than this count as tied: a thousand times the tolerance of HiGHS
_LARGEST: Final = 1e3  # of a utility or price; beyond it, the margin is too near to the rounding of sums
_NEVER: Final = 1e6  # the utility of a model that cannot take a task, below 0, and its cost as a level, above 0
_ZERO: Final = 1e-9  # rounding of a residency or a pivot
_OPTIMAL: Final = 1e-10  # rounding of a reduced cost
_SMALL: Final = 1e-3  # scale of the columns c: they enter the basis after all others, which leaves fewer ties in it
_PIVOTS: Final = 200  # 12 are usual for eight models and four tasks; more say that rounding leads in a circle
_DECIMALS: Final = 6  # shares are compared to 1e-6 when they are rounded to a plan
_HALF: Final = 0.49  # of the last decimal: beyond it, the rounding of a solver can decide
_TINY: Final = 1e-5  # a share below it, but not 0, is within a hundred times the tolerance of HiGHS
_KEPT: Final = 64  # starting tableaus that are remembered: one per fleet, number of tasks and resident set

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LpStep:
    """What the relaxation of a step depends on: `worth` U and `allowed` (I, M), `price` and `keep` (I,), VRAM in GB.

    `price` is what a load of each model costs, 0 where it is resident; `keep` is True for pinned models.
    """

    worth: Matrix
    allowed: Mask
    price: Matrix
    keep: Mask
    vram_gb: tuple[float, ...]
    budget_gb: float


@dataclass(frozen=True, slots=True, eq=False)
class UniqueOptimum:
    """The only shares x (I, M) that are optimal, and their value."""

    shares: Matrix
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class _Residency:
    """An optimal residency `y` (I,), its value, and the directions `moves` (R, I) in which it may move for nothing."""

    y: Matrix
    value: float
    moves: Matrix


def unique_optimum(step: LpStep) -> UniqueOptimum | None:
    """Return the optimum of the relaxation; None where other shares are as good, or nearly, or none is within budget.

    Resident models cost nothing, so they are first taken as held. Where what the tasks use of them does not fit beside
    the others, they are models like any other.

    Args:
        step: The step to solve.
    """
    if max(np.abs(step.worth).max(), step.price.max()) > _LARGEST:
        return None
    free = ~step.keep & (step.price == 0)
    if free.any():
        found = _optimum(step, step.keep | free)
        if found is not None and _fits(step, *found):
            return UniqueOptimum(found[0], found[1].value)
    found = _optimum(step, step.keep)
    return None if found is None else UniqueOptimum(found[0], found[1].value)


def _optimum(step: LpStep, held: Mask) -> tuple[Matrix, _Residency] | None:
    """Return the only optimal shares, and a residency for them, with models that are held whatever the rest does."""
    worth = step.worth if step.allowed.all() else np.where(step.allowed, step.worth, -_NEVER)
    residency = _solve(step, worth, held)
    shares = None if residency is None else _shares(worth, residency)
    if residency is None or shares is None:
        return None
    value = float((shares * worth).sum() - step.price @ residency.y)
    exact = abs(value - residency.value) <= _ZERO * max(1.0, abs(value))  # the dual's value is the bound
    return (shares, residency) if exact else None


def _fits(step: LpStep, shares: Matrix, residency: _Residency) -> bool:
    """Return whether the budget is kept, with resident models held as far as tasks use them."""
    used = np.where(step.price == 0, shares.max(axis=1), residency.y)
    used[step.keep] = 1.0
    return bool(used @ np.array(step.vram_gb) <= step.budget_gb + _ZERO)


@lru_cache(maxsize=_KEPT)
def _first_tableau(
    shape: tuple[int, int], allowed: bytes, held: bytes, vram_gb: tuple[float, ...]
) -> tuple[Matrix, Index, int]:
    """Return what is constant in the tableau, the models that have a row in it, and the first column of s.

    Columns: w task by task, l, c, s, the right side. Rows: one a task, one a model that is not held, reduced costs.
    """
    models, tasks = shape
    rows = (~np.frombuffer(held, dtype=bool)).nonzero()[0]
    able = np.unique(np.frombuffer(allowed, dtype=bool).reshape(shape), axis=1)
    able = able[:, ~np.delete(able, rows, axis=0).any(axis=0)]  # a model that is held covers its tasks
    levels = models * tasks
    first_s = levels + 1 + able.shape[1]
    tableau = np.zeros((tasks + len(rows) + 1, first_s + len(rows) + 1))
    tableau[:tasks, :levels] = np.repeat(np.eye(tasks), models, axis=1)
    tableau[:tasks, -1] = 1.0
    tableau[tasks:-1, levels] = -np.array(vram_gb)[rows]
    tableau[tasks:-1, levels + 1 : first_s] = _SMALL * able[rows]
    tableau[-1, levels + 1 : first_s] = -_SMALL
    tableau[tasks:-1, first_s:-1] = np.eye(len(rows))
    return tableau, rows, first_s


def _solve(step: LpStep, worth: Matrix, held: Mask) -> _Residency | None:
    """Return an optimal residency; None where no residency is within the budget."""
    models, tasks = worth.shape
    levels = models * tasks
    constant, rows, first_s = _first_tableau(worth.shape, step.allowed.tobytes(), held.tobytes(), step.vram_gb)
    tableau = constant.copy()
    base = worth[held].max(axis=0, initial=-_NEVER)
    top = np.maximum(worth.max(axis=0), base)
    level = np.maximum(np.where(step.allowed, worth, _NEVER), base)
    tableau[tasks:-1, :levels] = np.maximum(worth[rows][:, :, None] - level.T, 0.0).reshape(len(rows), levels)
    tableau[tasks:-1, -1] = step.price[rows]
    tableau[-1, :levels] = (level.T - top[:, None]).ravel()  # the first basis: each task at its best level
    tableau[-1, levels] = step.budget_gb - np.array(step.vram_gb) @ step.keep
    tableau[-1, -1] = -top.sum()
    if not _minimize(tableau):
        return None
    y = held.astype(float)
    y[rows] = tableau[-1, first_s:-1]
    change = tableau[:-1, first_s:-1]
    loose = tableau[:-1, -1] <= _MARGIN * np.abs(change).max(axis=1, initial=1.0)
    moves = np.zeros((int(loose.sum()), models))
    moves[:, rows] = change[loose]
    return _Residency(y, -float(tableau[-1, -1] + step.price @ held), moves)


def _minimize(tableau: Matrix) -> bool:
    """Pivot until no reduced cost in the last row is below 0; return False where the program has no minimum."""
    costs, right = tableau[-1, :-1], tableau[:-1, -1]
    ratio = np.empty(len(right))
    for _ in range(_PIVOTS):
        column = costs.argmin()
        if costs[column] >= -_OPTIMAL:
            return True
        ratio.fill(np.inf)
        np.divide(right, tableau[:-1, column], out=ratio, where=tableau[:-1, column] > _ZERO)
        at = ratio.argmin()
        if ratio[at] == np.inf:
            return False
        row = tableau[at]
        row /= row[column]
        factors = tableau[:, column].copy()
        factors[at] = 0.0
        tableau -= factors[:, None] * row
    return False


def _shares(worth: Matrix, residency: _Residency) -> Matrix | None:
    """Return the shares x (I, M) of a residency; None where others are as good, or a solver's rounding decides."""
    y, moves = residency.y, residency.moves
    reached = (y > _ZERO) | (moves > _ZERO).any(axis=0)
    ranked, order, tasks = _ranked(np.where(reached[:, None], worth, -_NEVER))
    able = ranked > -_NEVER
    cover = np.where(able, y[order], 0.0).cumsum(axis=0)
    filled = np.minimum(cover, 1.0)
    if (filled[-1] < 1.0 - _ZERO).any():
        return None
    filled[1:] -= filled[:-1].copy()
    if len(moves):
        change = np.where(able, moves[:, order], 0.0).cumsum(axis=1)
        if ((change < -_ZERO) | ((change > _ZERO) & (cover < 1.0 - _ZERO))).any():
            return None
    tied = (ranked[:-1] - ranked[1:] < _MARGIN) & (filled[:-1] + filled[1:] > _ZERO)
    if tied.any() or _solver_decides(filled):
        return None
    shares: Matrix = np.empty_like(filled)
    shares[order, tasks] = filled
    return shares


def _solver_decides(shares: Matrix) -> bool:
    """Return whether the tolerance of a solver can decide how a share is rounded."""
    scaled = shares * 10**_DECIMALS
    near = (np.abs(scaled - scaled.round()) > _HALF) | ((shares > _ZERO) & (shares < _TINY))
    return bool(near.any())


def _ranked(worth: Matrix) -> tuple[Matrix, Index, Index]:
    """Return the utilities of each task from its best model to its worst, and where they stand in `worth`."""
    order, tasks = np.argsort(-worth, axis=0, kind="stable"), np.arange(worth.shape[1])
    return worth[order, tasks], order, tasks
