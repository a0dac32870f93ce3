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
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.estimate.estimate_table import Mask, Matrix

_MARGIN: Final = 1e-4  # values closer than this count as tied: a thousand times the tolerance of HiGHS
_LARGEST: Final = 1e3  # of a utility or price; beyond it, the margin is too near to the rounding of sums
_NEVER: Final = 1e6  # the utility of a model that cannot take a task, below 0, and its cost as a level, above 0
_ZERO: Final = 1e-9  # rounding of a residency or a pivot
_LEAST: Final = 1e-9  # price of a resident model: of those that are equal in price, the best enters first
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

    Resident models cost nothing, so many residencies of theirs are equal. Where these hide that the shares are unique,
    resident models are taken as held, if what the tasks use of them fits beside the others.

    Args:
        step: The step to solve.
    """
    if max(np.abs(step.worth).max(), step.price.max()) > _LARGEST:
        return None
    free = ~step.keep & (step.price == 0)
    found = _optimum(step, step.keep)
    if found is None and free.any():
        found = _optimum(step, step.keep | free)
        if found is not None and not _fits(step, *found):
            return None
    return None if found is None else found[0]


def _optimum(step: LpStep, held: Mask) -> tuple[UniqueOptimum, Matrix] | None:
    """Return the only optimal shares, and a residency for them, with models that are held whatever the rest does."""
    worth = step.worth if step.allowed.all() else np.where(step.allowed, step.worth, -_NEVER)
    price = np.maximum(step.price, _LEAST)
    residency = _solve(step, worth, price, held)
    shares = None if residency is None else _shares(worth, residency)
    if residency is None or shares is None:
        return None
    gained = float((shares * worth).sum())
    if abs(gained - price @ residency.y - residency.value) > _ZERO * max(1.0, abs(gained)):  # the dual's is the bound
        return None
    return UniqueOptimum(shares, gained - float(step.price @ residency.y)), residency.y


def _fits(step: LpStep, found: UniqueOptimum, y: Matrix) -> bool:
    """Return whether the budget is kept, with resident models held as far as tasks use them."""
    used = np.where(step.price == 0, found.shares.max(axis=1), y)
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


def _solve(step: LpStep, worth: Matrix, price: Matrix, held: Mask) -> _Residency | None:
    """Return an optimal residency; None where no residency is within the budget."""
    models, tasks = worth.shape
    levels = models * tasks
    constant, rows, first_s = _first_tableau(worth.shape, step.allowed.tobytes(), held.tobytes(), step.vram_gb)
    tableau = constant.copy()
    base = worth[held].max(axis=0, initial=-_NEVER)
    top = np.maximum(worth.max(axis=0), base)
    level = np.maximum(worth if worth is step.worth else np.where(step.allowed, worth, _NEVER), base)
    tableau[tasks:-1, :levels] = np.maximum(worth[rows][:, :, None] - level.T, 0.0).reshape(len(rows), levels)
    tableau[tasks:-1, -1] = price[rows]
    tableau[-1, :levels] = (level.T - top[:, None]).ravel()  # the first basis: each task at its best level
    tableau[-1, levels] = step.budget_gb - sum(compress(step.vram_gb, step.keep))
    tableau[-1, -1] = -top.sum()
    if not _minimize(tableau):
        return None
    y = held.astype(float)
    y[rows] = tableau[-1, first_s:-1]
    change = tableau[:-1, first_s:-1]
    loose = tableau[:-1, -1] <= _MARGIN * np.abs(change).max(axis=1, initial=1.0)
    moves = np.zeros((int(loose.sum()), models))
    moves[:, rows] = change[loose]
    return _Residency(y, -float(tableau[-1, -1] + price @ held), moves)


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
        row = tableau[at] / tableau[at, column]
        factors = tableau[:, column].copy()
        factors[at] -= 1.0
        tableau -= factors[:, None] * row
    return False


def _shares(worth: Matrix, residency: _Residency) -> Matrix | None:
    """Return the shares x (I, M) of a residency; None where others are as good, or a solver's rounding decides."""
    y, moves = residency.y.tolist(), residency.moves.tolist()
    reached = [i for i, held in enumerate(y) if held > _ZERO or any(move[i] > _ZERO for move in moves)]
    shares = np.zeros(worth.shape)
    for task, column in enumerate(worth.T.tolist()):
        order = sorted((i for i in reached if column[i] > -_NEVER), key=lambda i: -column[i])
        filled = _fill([column[i] for i in order], [y[i] for i in order], [[move[i] for i in order] for move in moves])
        if filled is None:
            return None
        shares[order, task] = filled
    return shares


def _fill(worth: list[float], held: list[float], moves: list[list[float]]) -> list[float] | None:
    """Return the shares of a task of its models, from the best to the worst; None where others are as good.

    Args:
        worth: Utilities of the models, the largest first.
        held: Their residencies.
        moves: Directions in which the residencies may move for nothing.
    """
    before = cover = 0.0
    shares: list[float] = []
    for place, part in enumerate(held):
        cover += part
        share = min(cover, 1.0) - min(before, 1.0)
        if place and worth[place - 1] - worth[place] < _MARGIN and shares[-1] + share > _ZERO:
            return None
        if _solver_decides(share):
            return None
        shares.append(share)
        before = cover
    if cover < 1.0 - _ZERO or any(_changes_shares(held, move) for move in moves):
        return None
    return shares


def _changes_shares(held: list[float], move: list[float]) -> bool:
    """Return whether a move of the residencies, best model first, changes what each set of best models covers."""
    cover = change = 0.0
    for part, step in zip(held, move, strict=True):
        cover, change = cover + part, change + step
        if change < -_ZERO or (change > _ZERO and cover < 1.0 - _ZERO):
            return True
    return False


def _solver_decides(share: float) -> bool:
    """Return whether the tolerance of a solver can decide how a share is rounded."""
    scaled = share * 10**_DECIMALS
    return abs(scaled - round(scaled)) > _HALF or _ZERO < share < _TINY
