"""`staged`: the time-expanded program, exact: one residency per stage of the horizon, swapping where that pays.

A dynamic program over the sets of models within the budget. From one stage to the next a set first drops models (free)
and then loads some (at their price), so the best predecessor of every set is found by one pass per model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.exact import ExactRouter
from pytest_swarm.routing.model_sets import Family, Index, smaller, without, worth_by_stage
from pytest_swarm.routing.program import TIE, RoutingProgram, Solution, names_of

_STEP_TIE: Final = TIE / 100  # of one comparison; a plan of 100 stages stays within TIE
_FEW_SETS: Final = 256  # every set of eight models; beyond, a pass per model is faster than all pairs
_KEPT_CHANGES: Final = 16  # families and prices, of 1 MB at most each
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
    """HiGHS on the time-expanded program, started from the best single residency where there is one."""
    from pytest_swarm.routing.branch_and_bound import branch_and_bound  # both import highspy
    from pytest_swarm.routing.highs import solve_mip

    whole = branch_and_bound(program, limit_s=None if limit_s is None else limit_s / 2)
    left_s = None if whole is None or limit_s is None else max(0.0, limit_s - whole.solve_ms / 1000)
    start = None if whole is None else np.repeat(whole.held, program.stages, axis=0)
    return solve_mip(program, stages=program.stages, limit_s=left_s, gap=_LARGE_GAP, start=start)


@dataclass(frozen=True, slots=True, eq=False)
class _Front:
    """Per set: the best value so far, its tie-break (loads, then GB), and the set of the stage before; each (F,)."""

    value: Matrix
    rank: Matrix
    origin: Index

    def offer(self, at: Index, source: Index, price: float, rank: float) -> None:
        """Let the sets `at` be reached from the sets `source`, at a price each; none is where no set holds a model."""
        if not len(at):
            return
        value, ranked = self.value[source] - price, self.rank[source] + rank
        held = self.value[at]
        better = (value > held + _STEP_TIE) | ((value >= held - _STEP_TIE) & (ranked < self.rank[at] - _STEP_TIE))
        if not better.any():
            return
        at, source = at[better], source[better]
        self.value[at], self.rank[at], self.origin[at] = value[better], ranked[better], self.origin[source]


def best_sequence(program: RoutingProgram, family: Family) -> Solution | None:
    """Return the best sequence of sets: a forward dynamic program over the stages, read backwards.

    Args:
        program: The program of the step.
        family: The sets within its budget.
    """
    sizes = _sizes(program, family)
    family = smaller(family, sizes[0])
    if len(family) > _FEW_SETS:
        sizes = [len(family)] * len(sizes)
    fronts: list[_Front] = []
    for size, gained in zip(sizes, worth_by_stage(family, program.worth, _tasks_of(program)), strict=True):
        front = _next_front(program, family, fronts[-1], size) if fronts else _first_front(program, family)
        gb_rank = _GB_RANK * family.vram_gb[:size]
        fronts.append(_Front(front.value + gained[:size], front.rank + gb_rank, front.origin))
    last = _best(program, family, fronts[-1])
    value = float(fronts[-1].value[last])
    if value == -np.inf:
        return None
    held = family.member[_trace(fronts, last)]
    return Solution(held=held, value=value, bound=value, solver="enumeration")


def _tasks_of(program: RoutingProgram) -> list[Mask | slice]:
    """Return the tasks of each stage: as slices where they come stage by stage."""
    stage = program.stage
    if (stage[1:] < stage[:-1]).any():
        return [stage == each for each in range(program.stages)]
    ends = stage.searchsorted(np.arange(program.stages), side="right").tolist()
    return [slice(*each) for each in pairwise([0, *ends])]


def _sizes(program: RoutingProgram, family: Family) -> list[int]:
    """Return how many sets of the family count in each stage: those that have no more models than tasks are left.

    A model that neither this stage nor a later one uses costs VRAM and gains nothing, so it is in no best sequence.
    """
    tasks = np.bincount(program.stage, minlength=program.stages)
    left = tasks[::-1].cumsum()[::-1].tolist()
    return [family.levels[min(count, len(family.levels)) - 1].stop if family.levels else 1 for count in left]


def _first_front(program: RoutingProgram, family: Family) -> _Front:
    loads = family.member & ~program.resident
    return _Front(-(loads @ program.price), loads.sum(axis=1).astype(float), np.arange(len(family)))


def _next_front(program: RoutingProgram, family: Family, before: _Front, size: int) -> _Front:
    """Return the best way to each of the first sets of a stage, of a number that is given."""
    if len(family) <= _FEW_SETS:
        return _next_front_of_few(*_changes(family, program.price.tobytes()), before, size)
    links = without(family)
    moves = [(without_it, holding, 0.0, 0.0) for holding, without_it in links]
    moves += [(*link, price, 1.0) for link, price in zip(links, program.price.tolist(), strict=True)]
    front = _Front(before.value.copy(), before.rank.copy(), np.arange(len(before.value)))
    for move in moves:
        front.offer(*move)
    return front


def _next_front_of_few(cost: Matrix, loads: Matrix, before: _Front, size: int) -> _Front:
    """Do what `_Front.offer` does by looking at every pair of sets, of which there are few."""
    known = len(before.value)
    reached = before.value - cost[:size, :known]
    top = reached.max(axis=1, keepdims=True)
    rank = np.where(reached >= top - _STEP_TIE, before.rank + loads[:size, :known], np.inf)
    origin, target = rank.argmin(axis=1), np.arange(size)
    return _Front(reached[target, origin], rank[target, origin], origin)


@lru_cache(maxsize=_KEPT_CHANGES)
def _changes(family: Family, price: bytes) -> tuple[Matrix, Matrix]:
    """Return what loads from each set (columns) to each set (rows) cost, and their number, which ties are broken by."""
    into = family.member.astype(float)
    out = 1.0 - into.T
    staying = np.eye(len(family)) * _STEP_TIE  # of equals, the set that stays
    return (into * np.frombuffer(price)) @ out, into @ out - staying


def _best(program: RoutingProgram, family: Family, front: _Front) -> int:
    top = front.value.max()
    ties = (front.value >= top - TIE).nonzero()[0].tolist()

    def key(index: int) -> tuple[float, tuple[str, ...]]:
        return round(float(front.rank[index]), 9), names_of(program, family.member[index])

    return int(ties[0] if len(ties) == 1 else min(ties, key=key))


def _trace(fronts: list[_Front], last: int) -> list[int]:
    path = [last]
    for front in reversed(fronts[1:]):
        path.append(int(front.origin[path[-1]]))
    return path[::-1]
