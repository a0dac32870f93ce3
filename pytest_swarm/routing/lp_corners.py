"""The relaxation of `lp` without a solver, for a few models: the best of all residencies that can be optimal.

For a residency y each task fills itself with its best models until their shares add up to 1. The value is concave in y
and linear between the planes y_i = 0, sum_(i in A) y_i = 1 for sets A of models, and sum_i v_i y_i = G. So an optimum
is at a corner of these planes. The corners depend on the fleet and the budget alone, and the value of all of them is
one product of a matrix and a vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

import numpy as np

from pytest_swarm.estimate.estimate_table import Matrix

_MAX_MODELS: Final = 4  # 4,845 corners are tried for four models in 4 ms, 400,000 for five
_MARGIN: Final = 1e-4  # values closer than this count as tied: a thousand times the tolerance of HiGHS
_LARGEST: Final = 1e3  # of a utility or price; beyond it, the margin is too near to the rounding of sums
_ZERO: Final = 1e-9  # rounding of a corner
_DECIMALS: Final = 6  # shares are compared to 1e-6 when they are rounded to a plan
_KEPT: Final = 32  # fleets and budgets whose corners are remembered


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """V residencies `y` (V, I), and the share min(1, sum_(i in A) y_i) that each set A covers, (V, 2^I), A as bits."""

    y: Matrix
    covered: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class UniqueOptimum:
    """The only shares x (I, M) that are optimal, and their value."""

    shares: Matrix
    value: float


@lru_cache(maxsize=_KEPT)
def corners_of(vram_gb: tuple[float, ...], keep: tuple[bool, ...], budget_gb: float) -> Corners | None:
    """Return the corners of a fleet and a budget; None for too many models, or where none is within the budget.

    Args:
        vram_gb: Footprints in GB.
        keep: Whether each model is pinned.
        budget_gb: The budget in GB.
    """
    models = len(vram_gb)
    if models > _MAX_MODELS:
        return None
    member = (np.arange(2**models)[:, None] >> np.arange(models)) & 1
    filled = np.array(vram_gb) / budget_gb
    planes = np.vstack([np.eye(models), member[1:], filled])
    right = np.concatenate([np.zeros(models), np.ones(len(planes) - models)])
    chosen = np.array(list(combinations(range(len(planes)), models)))
    systems = planes[chosen]
    meets = np.abs(np.linalg.det(systems)) > _ZERO
    y = np.linalg.solve(systems[meets], right[chosen[meets]][..., None])[..., 0]
    valid = ((y >= np.array(keep) - _ZERO) & (y <= 1 + _ZERO)).all(axis=1)
    valid &= (y @ filled <= 1 + _ZERO) & (y.sum(axis=1) >= 1 - _ZERO)
    if not valid.any():
        return None
    y = y[valid].clip(0.0, 1.0)
    y = y[np.unique(y.round(9), axis=0, return_index=True)[1]]
    return Corners(y, np.minimum(y @ member.T, 1.0))


def unique_optimum(corners: Corners, worth: Matrix, price: Matrix) -> UniqueOptimum | None:
    """Return the optimum of the relaxation; None where other shares are as good, or nearly.

    The value of a residency is sum_m sum_k (U_k - U_(k+1)) min(1, y_1 + ... + y_k) - price.y, models k of task m from
    its best to its worst, U_(I+1) = 0.

    Args:
        corners: The corners of the fleet and the budget.
        worth: U_im, shape (I, M); every model may take every task.
        price: What a load of each model costs, 0 where it is resident; shape (I,).
    """
    if max(np.abs(worth).max(), price.max()) > _LARGEST:
        return None
    order, tasks = np.argsort(-worth, axis=0, kind="stable"), np.arange(worth.shape[1])
    ranked = worth[order, tasks]
    steps = ranked.copy()
    steps[:-1] -= ranked[1:]
    prefix = (1 << order).cumsum(axis=0)
    gain = np.bincount(prefix.ravel(), weights=steps.ravel(), minlength=corners.covered.shape[1])
    value = corners.covered @ gain - corners.y @ price
    best = value.argmax()
    near = (value >= value[best] - _MARGIN).nonzero()[0]
    first = corners.covered[best][prefix]
    if len(near) > 1 and (np.abs(corners.covered[near][:, prefix] - first) > _ZERO).any():
        return None
    filled = first.copy()
    filled[1:] -= first[:-1]
    tied = (steps[:-1] < _MARGIN) & (filled[:-1] + filled[1:] > _ZERO)
    if tied.any() or _near_half(filled):
        return None
    shares = np.empty_like(filled)
    shares[order, tasks] = filled
    return UniqueOptimum(shares, float(value[best]))


def _near_half(shares: Matrix) -> bool:
    """Return whether a solver's rounding can decide how a share is rounded."""
    scaled = shares * 10**_DECIMALS
    return bool((np.abs(scaled - scaled.round()) > 0.3).any())
