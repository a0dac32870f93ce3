"""`staged`: the time-expanded program, exact: one residency per stage of the horizon, swapping where that pays.

A dynamic program over the sets of models within the budget. From one stage to the next a set first drops models (free)
and then loads some (at their price), so the best predecessor of every set is found by one pass per model.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.base import RoutingError
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.model_sets import Family, Index, smaller, without, worth_by_stage
from pytest_swarm.routing.program import TIE, RoutingProgram, Solution, names_of

_STEP_TIE: Final = TIE / 100  # of one comparison; a plan of 100 stages stays within TIE
_FEW_SETS: Final = 256  # every set of eight models; beyond, a pass per model is faster than all pairs
_KEPT: Final = 16  # families with their prices, of 1 MB at most each, or with their stages
_LARGE_GAP: Final = 1e-4  # relative gap at which HiGHS stops where sets are too many: the last hundredth takes longest
_GB_RANK: Final = 1e-6  # VRAM counts after loads: a million GB x stages weigh as much as one load


class StagedRouter(ExactRouter):
    """The exact optimum with a residency per stage, of which stage 0 is loaded now; never worse than `milp`."""

    name = "staged"
    staged = True
    max_sets = 200_000  # a pass over them takes some milliseconds per model and stage

    def best(self, program: RoutingProgram, family: Family | None) -> Solution | None:
        """Return the optimum, None where there is none; by HiGHS where the sets are too many."""
        return _by_highs(program, self.solve_limit_s) if family is None else best_sequence(program, family)


def _by_highs(program: RoutingProgram, limit_s: float | None) -> Solution | None:
    """HiGHS on the time-expanded program, started from the best single residency, which counts where it finds none."""
    from pytest_swarm.routing.branch_and_bound import branch_and_bound  # both import highspy
    from pytest_swarm.routing.highs import solve_mip

    started, whole, start = time.perf_counter(), None, None
    with suppress(RoutingError):  # out of time, and HiGHS may still find a plan
        whole = branch_and_bound(program, limit_s=None if limit_s is None else limit_s / 2)
    if whole is not None:
        start = np.repeat(whole.held, program.stages, axis=0)
    left_s = None if limit_s is None else max(0.0, limit_s - (time.perf_counter() - started))
    try:
        return solve_mip(program, stages=program.stages, limit_s=left_s, gap=_LARGE_GAP, start=start)
    except RoutingError:
        if whole is None or start is None:
            raise
        return Solution(
            held=start, value=whole.value, bound=float(program.worth.max(axis=0).sum()), solver=whole.solver
        )


def best_sequence(program: RoutingProgram, family: Family) -> Solution | None:
    """Return the best sequence of sets: a forward dynamic program over the stages, read backwards.

    A front (2, F) has for each set the best value of a sequence that ends with it, and its loads and GB, by which ties
    are broken.

    Args:
        program: The program of the step.
        family: The sets within its budget.
    """
    tasks, sizes = _layout(family, program.stage.tobytes(), program.stages)
    family = smaller(family, sizes[0])
    gained = np.empty((len(tasks), 2, len(family)))
    gained[:, 0] = worth_by_stage(family, program.worth, tasks)
    gained[:, 1] = _GB_RANK * family.vram_gb
    absent = 1.0 - program.resident
    member = _member(family)
    front = np.array([member @ -program.entry_price, member @ absent]) + gained[0]
    origins: list[Index] = []
    changes = _changes(family, program.price.tobytes()) if len(family) <= _FEW_SETS else None
    for gain, size in zip(gained[1:], sizes[1:], strict=True):
        if changes is None:
            front, origin = _by_passes(front, family, program.price)
        else:
            front, origin = _by_pairs(front, changes[:, :size, : front.shape[1]])
        front += gain[:, : front.shape[1]]
        origins.append(origin)
    last = _best(program, family, front)
    value = float(front[0, last])
    if value == -np.inf:
        return None
    return Solution(held=family.member[_trace(origins, last)], value=value, bound=value, solver="enumeration")


@lru_cache(maxsize=_KEPT)
def _layout(family: Family, stage: bytes, stages: int) -> tuple[tuple[Mask | slice, ...], tuple[int, ...]]:
    """Return the tasks of each stage, as slices where they come stage by stage, and how many sets count in it.

    These are the sets that have no more models than tasks are left: a model that neither this stage nor a later one
    uses costs VRAM and gains nothing, so it is in no best sequence.
    """
    of_task = np.frombuffer(stage, dtype=np.intp)
    tasks: tuple[Mask | slice, ...]
    if (of_task[1:] < of_task[:-1]).any():
        tasks = tuple(of_task == each for each in range(stages))
    else:
        ends = of_task.searchsorted(np.arange(stages), side="right").tolist()
        tasks = tuple(slice(*each) for each in pairwise([0, *ends]))
    left = np.bincount(of_task, minlength=stages)[::-1].cumsum()[::-1].tolist()
    most = [min(count, len(family.levels)) - 1 for count in left]
    return tasks, tuple(family.levels[level].stop if family.levels else 1 for level in most)


def _by_pairs(before: Matrix, changes: Matrix) -> tuple[Matrix, Index]:
    """Return the best way to each set of a stage, and its set of the stage before, by looking at every pair of sets."""
    value, rank = reached = before[:, None] + changes
    np.putmask(rank, value < value.max(axis=1, keepdims=True) - _STEP_TIE, np.inf)
    origin = rank.argmin(axis=1)
    return reached.reshape(2, -1).take(np.arange(0, value.size, value.shape[1]) + origin, axis=1), origin


@lru_cache(maxsize=_KEPT)
def _member(family: Family) -> Matrix:
    """Return which model is in which set as numbers, (F, I): a product with booleans converts them each time."""
    return family.member.astype(float)


@lru_cache(maxsize=_KEPT)
def _changes(family: Family, price: bytes) -> Matrix:
    """Return what it is worth to go to each set (rows) from each set (columns), and the loads, which break ties."""
    into = _member(family)
    out = 1.0 - into.T
    staying = np.eye(len(family)) * _STEP_TIE  # of equals, the set that stays
    return np.array([-((into * np.frombuffer(price)) @ out), into @ out - staying])


def _by_passes(before: Matrix, family: Family, price: Matrix) -> tuple[Matrix, Index]:
    """Do what `_by_pairs` does by one pass per model that leaves, for nothing, and one per model that is loaded."""
    value, rank = front = before.copy()
    origin = np.arange(len(family))
    links = without(family)
    moves = [(without_it, holding, 0.0, 0.0) for holding, without_it in links]
    moves += [(*link, each, 1.0) for link, each in zip(links, price.tolist(), strict=True)]
    for at, source, cost, loads in moves:
        reached, ranked, best = value[source] - cost, rank[source] + loads, value[at]
        better = (reached > best + _STEP_TIE) | ((reached >= best - _STEP_TIE) & (ranked < rank[at] - _STEP_TIE))
        if better.any():
            at, source = at[better], source[better]
            value[at], rank[at], origin[at] = reached[better], ranked[better], origin[source]
    return front, origin


def _best(program: RoutingProgram, family: Family, front: Matrix) -> int:
    value, rank = front
    ties = (value >= value.max() - TIE).nonzero()[0].tolist()

    def key(index: int) -> tuple[float, tuple[str, ...]]:
        return round(float(rank[index]), 9), names_of(program, family.member[index])

    return int(ties[0] if len(ties) == 1 else min(ties, key=key))


def _trace(origins: list[Index], last: int) -> list[int]:
    path = [last]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]
