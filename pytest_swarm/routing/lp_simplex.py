"""The relaxation of `lp` without a solver, for small steps, and one rule for which of several optima is taken.

With the residency y fixed, a task fills itself with its best models until their shares add up to 1. Its worth is then
min_k (L_km + sum_i (U_im - L_km)^+ y_i) over the levels L_km, which are the utilities of its models. So the relaxation
has y as its only unknowns, and its dual is a small program whose first basis is known:

    minimize sum_km L_km w_km + G l - sum_a c_a  subject to  sum_k w_km = 1 for each task m;
    sum_km (U_im - L_km)^+ w_km - v_i l + sum_(a with i) c_a + s_i = p_i for each model i;  w, l, c, s >= 0.

Each a is a set of models that can take some task; its row says that their residencies add up to 1 or more. A primal
simplex solves it in some ten steps of one product each; the reduced costs of s are y.

Of several optimal y, that with the least sum_i t_i y_i is taken, t_i the price of a tie. It is as if each p_i were
larger by an infinitely small part of t_i: where two rows limit a step of the simplex alike, t decides (lexicographic
rule; Dantzig, Orden and Wolfe, *Pacific Journal of Mathematics* 5, 1955, 183).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import Final

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.program import RoutingProgram

_LARGEST: Final = 1e3  # of a utility or price; beyond it, what is added for a model that is not allowed loses digits
_NEVER: Final = 1e6  # the utility of a model that cannot take a task, below 0, and its cost as a level, above 0
_ZERO: Final = 1e-9  # rounding of a residency, a pivot, or a step
_OPTIMAL: Final = 1e-10  # rounding of a reduced cost
_SMALL: Final = 1e-3  # scale of the columns c: they enter the basis after all others, which leaves fewer ties in it
_PIVOTS: Final = 1000  # ten are usual, 160 the most that was seen; more say that rounding leads in a circle
_ENTRIES: Final = 20_000  # of a tableau; a solver is faster beyond
_GB: Final = 1e-3  # price of a tie of a GB: a load counts most, then VRAM, ...
_PLACE: Final = 1e-6  # ... then the place in the fleet
_KEPT: Final = 64  # starting tableaus that are remembered: one per fleet, tasks, resident set, and what is allowed


@dataclass(frozen=True, slots=True, eq=False)
class LpOptimum:
    """Optimal shares x (I, M), and their value."""

    shares: Matrix
    value: float


def lp_optimum(program: RoutingProgram) -> LpOptimum | None:
    """Return the optimum of the relaxation: of several, that with the fewest loads, the least VRAM, the first models.

    None where the step is too large, its figures are, rounding is, or nothing is within the budget.

    Args:
        program: The program of the step.
    """
    models, tasks = program.worth.shape
    if (models + tasks + 1) * (models * tasks + models + 3) > _ENTRIES:
        return None
    worth, allowed = program.worth, None
    by_task = worth.T.tolist()  # lists: for some ten figures they are faster than numpy
    least = min(map(min, by_task))
    if least == -np.inf:
        allowed = program.allowed
        least, worth = worth.min(where=allowed, initial=0.0), np.where(allowed, worth, -_NEVER)
        by_task = worth.T.tolist()
    top = worth.max(axis=0)
    if max(*top.tolist(), -least, *program.entry_price.tolist()) > _LARGEST:
        return None
    solved = _residency(program, worth, allowed, top)
    if solved is None:
        return None
    found, bound = _filled(program, by_task, solved[0]), solved[1]
    exact = found is not None and abs(found.value - bound) <= _ZERO * max(1.0, abs(bound))
    return found if exact else None


def _residency(
    program: RoutingProgram, worth: Matrix, allowed: Mask | None, top: Matrix
) -> tuple[list[float], float] | None:
    """Return the optimal residency y (I,) and the value; None where no residency is within the budget.

    `allowed` is None where each model can take each task; `worth` is -_NEVER where one cannot. `top` is the most that
    each task is worth.
    """
    models, tasks = worth.shape
    start = _start_of(
        tasks,
        None if allowed is None else allowed.tobytes(),
        program.resident.tobytes(),
        program.pinned.tobytes(),
        program.vram_gb.tobytes(),
    )
    level = worth if allowed is None else np.where(allowed, worth, _NEVER)
    price, paid, budget_gb = program.entry_price, 0.0, program.budget_gb
    if start.held:  # no task is worth less than on a model that is held
        level = np.maximum(level, worth[start.held].max(axis=0))
        paid, budget_gb = sum(price[start.held].tolist()), budget_gb - sum(program.vram_gb[start.held].tolist())
        worth, price = worth[start.rows], price[start.rows]
    levels = level.T.ravel()  # task by task, as the columns w
    tableau = start.tableau.copy()
    columns = tableau[:, : len(levels)]
    np.maximum(worth.repeat(models, axis=1) - levels, 0.0, out=columns[tasks:-1])
    tableau[tasks:-1, -1] = price
    columns[-1] = levels - top.repeat(models)  # the first basis: each task at its best level
    columns /= columns[:-1].sum(axis=0)  # a fifth fewer steps: a column counts by what it takes
    tableau[-1, len(levels)] = budget_gb
    tableau[-1, -1] = -sum(top.tolist())
    if not _minimize(tableau):
        return None
    y = tableau[-1, -2 - len(price) : -2]
    if start.held:
        y, part = np.ones(models), y
        y[start.rows] = part
    return y.tolist(), -float(tableau[-1, -1]) - paid


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """What is constant in a first tableau; `rows` are the models that have a row in it, `held` the others.

    Columns: w task by task, l, c, s, t, the right side. Rows: one a task, one a model that is not held, reduced costs.
    """

    tableau: Matrix
    rows: list[int]
    held: list[int]


@lru_cache(maxsize=_KEPT)
def _start_of(tasks: int, allowed: bytes | None, resident: bytes, pinned: bytes, vram_gb: bytes) -> _Start:
    """Return the start of a step; `allowed` is None where each model can take each task."""
    there, keep, sizes_gb = (np.frombuffer(resident, bool), np.frombuffer(pinned, bool), np.frombuffer(vram_gb))
    models, held, rows = len(sizes_gb), keep.nonzero()[0].tolist(), (~keep).nonzero()[0].tolist()
    able = np.ones((models, 1), dtype=bool)
    if allowed is not None:
        able = np.unique(np.frombuffer(allowed, dtype=bool).reshape(models, tasks), axis=1)
    able = able[:, ~able[held].any(axis=0)]  # a model that is held covers its tasks
    levels = models * tasks
    first_s = levels + 1 + able.shape[1]
    tableau = np.zeros((tasks + len(rows) + 1, first_s + len(rows) + 2))
    tableau[:tasks, :levels] = np.repeat(np.eye(tasks), models, axis=1)
    tableau[:tasks, -1] = 1.0
    tableau[tasks:-1, levels] = -sizes_gb[rows]
    tableau[tasks:-1, levels + 1 : first_s] = _SMALL * able[rows]
    tableau[-1, levels + 1 : first_s] = -_SMALL
    tableau[tasks:-1, first_s:-2] = np.eye(len(rows))
    tableau[tasks:-1, -2] = (~there + _GB * sizes_gb + _PLACE * np.arange(1, models + 1))[rows]
    return _Start(tableau, rows, held)


def _minimize(tableau: Matrix) -> bool:
    """Pivot until no reduced cost in the last row is below 0; return False where the program has no minimum."""
    costs, ties, right = tableau[-1, :-2], tableau[:-1, -2], tableau[:-1, -1]
    for _ in range(_PIVOTS):
        column = int(costs.argmin())
        *entering, cost = tableau[:, column].tolist()  # lists, because numpy takes longer for some ten rows
        if cost >= -_OPTIMAL:
            return True
        limit_of = right.tolist()
        limits = sorted([(limit_of[at] / each, at) for at, each in enumerate(entering) if each > _ZERO])
        if not limits:
            return False
        least, leaving = limits[0]
        if len(limits) > 1 and limits[1][0] <= least + _ZERO:
            prices = ties.tolist()
            alike = sorted([at for limit, at in limits if limit <= least + _ZERO])
            leaving = min(alike, key=lambda at: prices[at] / entering[at])
        row = tableau[leaving, None] / entering[leaving]
        tableau -= np.dot(tableau[:, column, None], row)  # half the time of a product by broadcasting
        tableau[leaving] = row
    return False


def _filled(program: RoutingProgram, by_task: list[list[float]], y: Sequence[float]) -> LpOptimum | None:
    """Return the shares x of a residency: a task fills itself with its best models, the first among equals.

    None where what is held cannot take all of a task. More in y than the largest share is rounding, and costs nothing.
    """
    parts = {i: part for i, part in enumerate(y) if part > 0}
    shares, held, value = np.zeros(program.worth.shape), program.pinned.tolist(), 0.0
    for task, gain in enumerate(by_task):
        rest = 1.0
        for i in sorted(parts, key=gain.__getitem__, reverse=True):
            if rest <= 0 or gain[i] == -_NEVER:
                break
            shares[i, task] = share = min(parts[i], rest)
            held[i] = max(held[i], share)
            value += share * gain[i]
            rest -= share
        if rest > _ZERO:
            return None
    return LpOptimum(shares, value - sum(map(mul, held, program.entry_price.tolist())))
