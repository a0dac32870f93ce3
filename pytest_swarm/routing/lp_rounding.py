"""A solved relaxation of `lp` and its plan, rounded by argmax as published. Knows no solver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.estimate.estimate_table import Matrix
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.plan_builders import assign, held_throughout, infeasible_plan
from pytest_swarm.routing.program import RoutingProgram
from pytest_swarm.routing.shared_weights import grouped

SOLVERS: Final = ("HIGHS", "SCS")  # as published: HiGHS, with SCS as the fallback
SIMPLEX: Final = "simplex"  # no solver: our own simplex (lp_simplex.py), as exact as HiGHS
_DECIMALS: Final = 6  # both solvers are exact to about that
_WHOLE: Final = 1 - 10**-_DECIMALS  # a share above it is integral


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LpRelaxation:
    """A solved relaxation of a step: shares x (I, M), the optimum, which solver found it, and the ms that it took.

    CVXPY's own work around the solver, most of a small decision, is not in `solve_ms` but in the decision time.
    """

    program: RoutingProgram
    shares: Matrix
    optimum: float
    solver: str
    solve_ms: float


def relaxed_plan(view: PlanningView, relax: Callable[[PlanningView], LpRelaxation | None]) -> Plan:
    """Return the plan of a view by its relaxation; models of the same weights are one in it.

    Args:
        view: The step to plan.
        relax: Solves the relaxation; None where even that is infeasible.
    """
    if not view.tasks or view.vram_budget_gb <= 0:
        return infeasible_plan(view)
    by_weights = grouped(view)
    relaxed = relax(by_weights.view)
    if relaxed is None:
        return infeasible_plan(view)
    return by_weights.in_own_names(_rounded(by_weights.view, relaxed))


def rounded(shares: Matrix) -> tuple[Matrix, list[int]]:
    """Return the shares as they are compared, and the row of each task's largest one: of equals, the first."""
    shares = shares.round(_DECIMALS)
    return shares, shares.argmax(axis=0).tolist()


def _rounded(view: PlanningView, relaxed: LpRelaxation) -> Plan:
    """Return argmax_i x_im for each task; shares are compared to 1e-6, the first of the fleet wins among equals.

    `objective` and `bound` of the plan are the optimum of the relaxation, `gap` is what rounding lost. The optimum of
    SCS is approximate, so that it is no bound.
    """
    shares, rows = rounded(relaxed.shares)
    assignments = assign(view, rows, Origin.SOLVER)
    fractional = min([shares.item(row, m) for m, row in enumerate(rows)]) < _WHOLE
    value = value_of_rows(relaxed.program, rows)
    exact = relaxed.solver != SOLVERS[1]
    return Plan(
        assignments=assignments,
        residency=held_throughout(view, [each.model for each in assignments]),
        status=PlanStatus.OPTIMAL if exact else PlanStatus.FEASIBLE,
        objective=relaxed.optimum,
        bound=relaxed.optimum if exact else None,
        gap=max(0.0, (relaxed.optimum - value) / max(1.0, abs(value))) if exact else None,
        fractional=fractional,
        fractional_residency=_fractional_residency(view, shares) if fractional else {},
        solver=relaxed.solver,
        solve_ms=relaxed.solve_ms,
    )


def value_of_rows(program: RoutingProgram, rows: Sequence[int]) -> float:
    """Return what it is worth to give each task one model whole, and to hold these and the pinned ones throughout.

    Args:
        program: The program of the step.
        rows: The row of each task's model.
    """
    held = {*rows, *program.pinned.nonzero()[0].tolist()}
    worth, price = program.worth.item, program.entry_price.item
    # plain floats, as in `evaluate`: since Python 3.12 `sum` rounds theirs once
    return sum([worth(row, m) for m, row in enumerate(rows)]) - sum([price(row) for row in sorted(held)])


def _fractional_residency(view: PlanningView, shares: Matrix) -> dict[str, float]:
    largest = shares.max(axis=1).tolist()
    return {tag: y for tag, y in zip(view.fleet.tags, largest, strict=True) if y > 0}
