"""A solved relaxation of `lp` and its plan, rounded by argmax as published. Knows no solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import value_throughout
from pytest_swarm.routing.plan_builders import assign, held_throughout

SOLVERS: Final = ("HIGHS", "SCS")  # as published: HiGHS, with SCS as the fallback
SIMPLEX: Final = "simplex"  # no solver: our own simplex (lp_simplex.py), as exact as HiGHS
_INTEGRAL: Final = 1e-6  # a share within this distance of 0 or 1 is integral; both solvers are exact to about that


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LpRelaxation:
    """A solved relaxation: shares x (I, M), the optimum, which solver found it, and the ms that it says it took.

    CVXPY's own work around the solver, most of a small decision, is not in `solve_ms` but in the decision time.
    """

    shares: Matrix
    optimum: float
    solver: str
    solve_ms: float


def rounded_plan(view: PlanningView, relaxed: LpRelaxation) -> Plan:
    """Return argmax_i x_im for each task; shares are compared to 1e-6, the first of the fleet wins among equals.

    `objective` and `bound` of the plan are the optimum of the relaxation, `gap` is what rounding lost.

    Args:
        view: The step to plan.
        relaxed: The relaxation of that step.
    """
    shares = np.round(relaxed.shares, 6)
    rows = shares.argmax(axis=0).tolist()
    assignments = assign(view, rows, Origin.SOLVER)
    residency = held_throughout(view, (each.model for each in assignments))
    fractional = bool(((shares > _INTEGRAL) & (shares < 1 - _INTEGRAL)).any())
    value = value_throughout(view, rows, residency[0])
    return Plan(
        assignments=assignments,
        residency=residency,
        status=PlanStatus.OPTIMAL if relaxed.solver != SOLVERS[1] else PlanStatus.FEASIBLE,
        objective=relaxed.optimum,
        bound=relaxed.optimum,
        gap=max(0.0, (relaxed.optimum - value) / max(1.0, abs(value))),
        fractional=fractional,
        fractional_residency=_fractional_residency(view, shares) if fractional else {},
        solver=relaxed.solver,
        solve_ms=relaxed.solve_ms,
    )


def _fractional_residency(view: PlanningView, shares: Matrix) -> dict[str, float]:
    largest = shares.max(axis=1).tolist()
    return {tag: y for tag, y in zip(view.fleet.tags, largest, strict=True) if y > _INTEGRAL}
