"""The problem of a step as plain arrays, for all modes that optimize, and its solution as a plan. Knows no solver.

Rows are the fleet's models in its order, columns the tasks of the horizon. A worth of -inf means "not allowed".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import VIEWS, load_price, stage_count, utility
from pytest_swarm.routing.plan_builders import assign

Rows = npt.NDArray[np.intp]
_SETTINGS: Final = 256  # whose arrays are remembered
TIE = 1e-10  # values closer than this are equal: far below 1e-9, far above the rounding of a sum of 10,000 utilities


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProgram:
    """maximize sum_m max_(i in S_t(m)) worth_im - sum_t sum_(i in S_t, not in S_(t-1)) price_i, with v(S_t) <= limit.

    `worth` (I, M); `price` (I,) of one load, `entry_price` (I,) the same, 0 where i is resident: what y_i costs in a
    program of one stage; `resident` (I,) is S_(-1); `pinned` (I,) is part of every S_t; `vram_gb` (I,); `stage` (M,)
    the stage of each task, `stages` their number.
    """

    tags: tuple[str, ...]
    worth: Matrix
    price: Matrix
    entry_price: Matrix
    vram_gb: Matrix
    budget_gb: float
    resident: Mask
    pinned: Mask
    stage: npt.NDArray[np.intp]
    stages: int

    @property
    def allowed(self) -> Mask:
        """Where a model can take a task, shape (I, M)."""
        able: Mask = self.worth > -np.inf
        return able

    @property
    def limit_gb(self) -> float:
        """The budget with its tolerance. The relaxation of `lp` keeps the budget without it, as published."""
        return self.budget_gb + BUDGET_TOLERANCE_GB


class FirstChoice(NamedTuple):
    """What a solution does first: the model of the first task, and the models that it holds then."""

    model: str
    held: frozenset[str]


@runtime_checkable
class ProgramSolver(Protocol):
    """A router whose plans are solutions of a program."""

    def first_choice(self, program: RoutingProgram) -> FirstChoice | None:
        """Return what its plan does first; None where it has none, or needs more than the program to find it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Residency `held` (T, I), T = 1 for one residency throughout; `value` of the program, proven upper `bound`.

    `solver` is the method that found it.
    """

    held: Mask
    value: float
    bound: float
    solver: str


class StepSetting(NamedTuple):
    """What a program does not take from the estimates; as in a view."""

    fleet: Fleet
    resident: frozenset[str]
    stages: tuple[int, ...]
    budget_gb: float


@lru_cache(maxsize=VIEWS)
def program_of(view: PlanningView) -> RoutingProgram:
    """Return the arrays of a view."""
    setting = StepSetting(view.fleet, view.resident, view.stages, view.vram_budget_gb)
    return program_in(setting, utility(view), view.estimates.allowed, load_price(view))


def program_in(setting: StepSetting, worth: Matrix, allowed: Mask, price: Matrix) -> RoutingProgram:
    """Return the arrays of a step.

    Args:
        setting: The models, and the tasks' stages.
        worth: The utility U_im, shape (I, M), also where a model is not allowed.
        allowed: Where a model can take a task, shape (I, M).
        price: What one load of each model costs, shape (I,).
    """
    if np.count_nonzero(allowed) < allowed.size:
        worth = np.where(allowed, worth, -np.inf)
    resident, entry_price, vram_gb, pinned, stage = _arrays_of(setting, price.tobytes())
    return RoutingProgram(
        tags=setting.fleet.tags,
        worth=worth,
        price=price,
        entry_price=entry_price,
        vram_gb=vram_gb,
        budget_gb=setting.budget_gb,
        resident=resident,
        pinned=pinned,
        stage=stage,
        stages=stage_count(setting.stages),
    )


@lru_cache(maxsize=_SETTINGS)
def _arrays_of(setting: StepSetting, price: bytes) -> tuple[Mask, Matrix, Matrix, Mask, Rows]:
    """Return which models are resident, their entry prices, footprints in GB, which are pinned, and the tasks' stages.

    Four arrays of shape (I,) and one of (M,), not to be changed.
    """
    fleet, there, stages, _ = setting
    resident = np.array([tag in there for tag in fleet.tags], dtype=bool)
    entry_price = np.where(resident, 0.0, np.frombuffer(price))
    vram_gb = np.array([model.vram_gb for model in fleet], dtype=np.float64)  # also of whole numbers: bytes are a key
    pinned = np.array([model.keep for model in fleet], dtype=bool)
    return resident, entry_price, vram_gb, pinned, np.array(stages, dtype=np.intp)


def choose_rows(program: RoutingProgram, held: Mask) -> Rows:
    """Return the best model of each task among those held in its stage: row numbers, shape (M,).

    Ties go to the least VRAM, then the name.

    Args:
        program: The program of the step.
        held: Residency by stage, (T, I); T = 1 for one residency throughout.
    """
    order = _smallest_first(program.tags, program.vram_gb.tobytes())
    if len(held) == 1:
        order = order[held[0, order]]
    worth = program.worth[order]
    if len(held) > 1:
        np.putmask(worth, ~held.T[order][:, program.stage], -np.inf)
    rows: Rows = order[(worth >= worth.max(axis=0) - TIE).argmax(axis=0)]
    return rows


@lru_cache(maxsize=16)
def _smallest_first(tags: tuple[str, ...], vram_gb: bytes) -> Rows:
    """Return the rows of the models by VRAM, then by name; not to be changed."""
    sizes = np.frombuffer(vram_gb).tolist()
    return np.array(sorted(range(len(tags)), key=lambda i: (sizes[i], tags[i])))


def value_of(program: RoutingProgram, held: Mask) -> float:
    """Return the value of a residency, with each task on its best model; -inf where a task finds none.

    Args:
        program: The program of the step.
        held: Residency by stage, (T, I); T = 1 for one residency throughout.
    """
    worth = program.worth[held[0]] if len(held) == 1 else np.where(held[program.stage].T, program.worth, -np.inf)
    loads = held & ~np.vstack([program.resident, held[:-1]])
    return float(worth.max(axis=0, initial=-np.inf).sum() - (loads * program.price).sum())


def needed(program: RoutingProgram, held: Mask) -> Mask:
    """Return the residency without models that no task of the horizon uses, from one load to the eviction.

    Args:
        program: The program of the step.
        held: Residency by stage, (T, I).
    """
    used = np.zeros_like(held)
    rows = choose_rows(program, held)
    used[program.stage if len(held) > 1 else 0, rows] = True
    ahead = np.zeros_like(held)  # used in this stage or in a later one while held
    for stage in reversed(range(len(held))):
        after = ahead[stage + 1] if stage + 1 < len(held) else False
        ahead[stage] = held[stage] & (used[stage] | after | program.pinned)
    return ahead


def names_of(program: RoutingProgram, held: Mask) -> tuple[str, ...]:
    """Return the names of the models of a set (I,), sorted."""
    return tuple(sorted(program.tags[i] for i in held.nonzero()[0].tolist()))


def tie_key(program: RoutingProgram, held: Mask) -> tuple[int, float, tuple[str, ...]]:
    """Return what decides among sets of equal value: loads, VRAM in GB to a billionth, names.

    Args:
        program: The program of the step.
        held: The set of models, shape (I,).
    """
    loads, vram_gb = int((held & ~program.resident).sum()), float(program.vram_gb[held].sum())
    return loads, round(vram_gb, 9), names_of(program, held)


def plan_of(view: PlanningView, program: RoutingProgram, solution: Solution, *, solve_ms: float) -> Plan:
    """Return the plan of a solution, with its status, bound and gap; `optimal` means gap 0.

    Args:
        view: The step to plan.
        program: The program of that step.
        solution: What a solver found.
        solve_ms: The wall time that it took, in milliseconds.
    """
    rows = choose_rows(program, solution.held).tolist()
    gap = max(0.0, solution.bound - solution.value) / max(1.0, abs(solution.value))
    proven = gap <= TIE
    return Plan(
        assignments=assign(view, rows, Origin.SOLVER),
        residency=tuple([frozenset(compress(program.tags, stage)) for stage in solution.held.tolist()]),
        status=PlanStatus.OPTIMAL if proven else PlanStatus.FEASIBLE,
        objective=solution.value,
        bound=solution.value if proven else solution.bound,
        gap=0.0 if proven else gap,
        solver=solution.solver,
        solve_ms=solve_ms,
    )
