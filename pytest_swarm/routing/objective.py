"""The objective: the utility of a task on a model, the price of a load, and the value of a whole plan.

Every figure that a router maximizes, and every figure that a report shows about a plan, comes from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.errors import EstimateError, FleetError, GraphError
from pytest_swarm.estimate.estimate_formulas import LOAD_TIME_UNIT_MS
from pytest_swarm.estimate.estimate_table import EstimateTable, Mask, Matrix
from pytest_swarm.routing.base import PlanningView, Weights

_LARGEST: Final = 1e9  # of a utility or price: no fleet comes near, and sums beyond lose the digits that decide
VIEWS: Final = 4  # whose figures are remembered: the router of a step, its check and its record ask for the same ones
_FLEETS: Final = 16  # whose load prices are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The value of a plan, replayed stage by stage on the estimates.

    `value` is the utility of its assignments less the price of its loads; `loads` are (stage, model) in the order in
    which they happen; `vram_gb` is the residency of each stage; `violations` are the stages over budget (+1e-6 GB).
    """

    value: float
    loads: tuple[tuple[int, str], ...]
    vram_gb: tuple[float, ...]
    violations: tuple[int, ...]


@lru_cache(maxsize=VIEWS)
def utility(view: PlanningView) -> Matrix:
    """Return U_im = P_im - lambda_token C_im - lambda_latency L_im, shape (I, M), also where a model is not allowed.

    P quality in [0, 1], C token cost, L estimated seconds of the call; the last term is off by default.
    Raises EstimateError for figures too large to be added up.
    """
    return utility_of(view.estimates, view.weights, view.fleet)


def utility_of(estimates: EstimateTable, weights: Weights, fleet: Fleet) -> Matrix:
    """Return what `utility` does, of the estimates of the models of a fleet."""
    values = estimates.quality - weights.token * estimates.token_cost
    if weights.latency:
        values -= weights.latency * estimates.latency_s
    return _sane(values, "utility", fleet)


def switch_cost(view: PlanningView) -> Matrix:
    """Return S_i = 0 where model i is resident, else load_time_ms_i / 1500, shape (I,)."""
    return np.where(resident_mask(view), 0.0, view.estimates.load_cost)


def load_price(view: PlanningView) -> Matrix:
    """Return what one load of each model costs in the objective, shape (I,), resident or not.

    lambda_switch load_time_ms_i / 1500 + lambda_latency load_time_s_i; the second term is off by default.
    """
    return load_price_of(view.estimates, view.weights, view.fleet)


def load_price_of(estimates: EstimateTable, weights: Weights, fleet: Fleet) -> Matrix:
    """Return what `load_price` does, of the estimates of the models of a fleet."""
    load_cost = np.asarray(estimates.load_cost, dtype=np.float64).tobytes()
    return _load_price(fleet, weights.switch + weights.latency * (LOAD_TIME_UNIT_MS / 1000), load_cost)


@lru_cache(maxsize=_FLEETS)
def _load_price(fleet: Fleet, weight: float, load_cost: bytes) -> Matrix:
    return _sane(weight * np.frombuffer(load_cost), "load price", fleet)


def _sane(values: Matrix, name: str, fleet: Fleet) -> Matrix:
    """Return figures that all who ask for them share, and that cannot be changed."""
    # a sum of squares is faster than the largest, and most often says enough
    if not np.vdot(values, values) <= _LARGEST**2 and not np.abs(values).max() <= _LARGEST:
        row = int(np.abs(values).reshape(len(fleet), -1).max(axis=1).argmax())
        raise EstimateError(
            f"the {name} of model {fleet.tags[row]!r} is beyond {_LARGEST:g}; check the fleet file's figures and "
            "the weights"
        )
    values.flags.writeable = False
    return values


def resident_mask(view: PlanningView) -> Mask:
    """Return True where model i is in VRAM now, shape (I,)."""
    return np.array([tag in view.resident for tag in view.fleet.tags], dtype=bool)


def stage_count(stages: Iterable[int]) -> int:
    """Return the number of stages of a horizon by those of its tasks; 1 for an empty one."""
    return max(stages, default=0) + 1


def residency_by_stage(plan: Plan, view: PlanningView) -> tuple[frozenset[str], ...]:
    """Return the models in VRAM at each stage if the plan is carried out; one for those of the same weights.

    A plan with one entry holds it in every stage, one with fewer entries than stages holds its last. A model that is
    assigned in a stage without being listed there is loaded on demand: it counts in that stage, and is charged.
    A deferred task is not run in any of them.

    Args:
        plan: The plan of a router.
        view: The step that it plans.
    """
    listed = plan.residency or (frozenset(),)
    held = [set(listed[min(stage, len(listed) - 1)]) for stage in range(stage_count(view.stages))]
    for each in plan.assignments:
        if each.task not in view.stage_of:
            raise GraphError(f"the plan assigns task {each.task!r}, which is not in the horizon")
        if each.task not in plan.deferred:
            held[view.stage_of[each.task]].add(each.model)
    return tuple(map(view.fleet.held, held))


def evaluate(plan: Plan, view: PlanningView) -> Evaluation:
    """Return the plan replayed stage by stage: value, loads as they happen, VRAM, violations.

    value = sum_(m,i assigned) U_im - sum_(i,t) price_i [i resident in t and not in t-1], with the observed residency
    before stage 0. Deferred tasks come after the last stage, model by model: a model of theirs that is not resident
    then is loaded once. A task that the plan leaves out adds nothing, an assignment that is not allowed counts as it
    is: `feasibility.check` is where both are problems.

    Args:
        plan: The plan of a router.
        view: The step that it plans.

    Raises:
        FleetError: The plan holds an unknown model.
        GraphError: The plan assigns an unknown task.
    """
    residency = residency_by_stage(plan, view)
    values = utility(view)
    price = load_price(view).tolist()
    row, models = view.fleet.row, view.fleet.models
    column = {task.id: m for m, task in enumerate(view.tasks)}
    assigned = {each.model for each in plan.assignments}
    for tag in sorted(assigned.union(*residency) - row.keys()):
        raise FleetError(f"fleet {view.fleet.name!r} has no model {tag!r}; it has {', '.join(view.fleet.tags)}")
    # plain floats, whose sums Python rounds as `value_of_rows` has them
    worth = sum([values.item(row[each.model], column[each.task]) for each in plan.assignments])
    loads = _loads(plan, view, residency)
    vram_gb = tuple([sum([models[row[tag]].vram_gb for tag in sorted(held)]) for held in residency])
    return Evaluation(
        value=worth - sum([price[row[tag]] for _, tag in loads]),
        loads=loads,
        vram_gb=vram_gb,
        violations=tuple([t for t, gb in enumerate(vram_gb) if gb > view.limit_gb]),
    )


def _loads(plan: Plan, view: PlanningView, residency: tuple[frozenset[str], ...]) -> tuple[tuple[int, str], ...]:
    """Return the loads of a plan as (stage, model); those of deferred tasks have the stage after the last."""
    deferred = view.fleet.held(each.model for each in plan.assignments if each.task in plan.deferred)
    loads: list[tuple[int, str]] = []
    before = view.resident
    for stage, held in enumerate(residency):
        loads += [(stage, tag) for tag in view.fleet.tags if tag in held and tag not in before]
        before = held
    loads += [(len(residency), tag) for tag in view.fleet.tags if tag in deferred and tag not in before]
    return tuple(loads)
