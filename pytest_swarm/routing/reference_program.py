"""The exact program of docs/routing.md, for reading and for checking: CVXPY, boolean residency, no tricks.

Slow on purpose; the routers `milp` and `staged` must find the same optimum.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import holder_rows
from pytest_swarm.routing.highs import suppress_banner
from pytest_swarm.routing.objective import load_price, resident_mask, stage_count, utility


def specified_optimum(view: PlanningView, *, staged: bool) -> float | None:
    """Return the optimum of the program of `staged`, or of `milp`; None where there is no plan.

    maximize    sum_im x_im U_im - sum_it price_i z_it
    subject to  sum_i x_im = 1;  0 <= x_im <= allowed_im;  x_im <= y_i,stage(m);
                y_it binary, y_it >= keep_i;  sum_i v_i y_it <= G;
                z_it >= y_it - y_i(t-1), z_it >= 0, with y_i(-1) the observed residency

    Models of the same weights have one y and one z, those of the model that stands for them.

    Args:
        view: The step to plan.
        staged: Whether each stage has its own residency.
    """
    models, tasks = view.estimates.quality.shape
    stages = stage_count(view.stages) if staged else 1
    stands = np.array([model.shares_with is None for model in view.fleet], dtype=float)
    vram_gb = np.array([model.vram_gb for model in view.fleet]) * stands
    keep = np.array([model.keep for model in view.fleet], dtype=float) * stands
    holder = holder_rows(view)

    x = cp.Variable((models, tasks), nonneg=True)
    y = [cp.Variable(models, boolean=True) for _ in range(stages)]
    z = [cp.Variable(models, nonneg=True) for _ in range(stages)]
    before = [resident_mask(view).astype(float), *y[:-1]]

    constraints = [np.ones((1, models)) @ x == 1, x <= view.estimates.allowed.astype(float)]
    constraints += [x[:, m] <= y[view.stages[m] if staged else 0][holder] for m in range(tasks)]
    constraints += [vram_gb @ y[t] <= view.limit_gb for t in range(stages)]
    constraints += [y[t] >= keep for t in range(stages)]
    constraints += [z[t] >= np.diag(stands) @ (y[t] - before[t]) for t in range(stages)]

    gained = x.flatten(order="C") @ utility(view).ravel()
    paid = load_price(view) @ np.sum(z)
    problem = cp.Problem(cp.Maximize(gained - paid), constraints)
    suppress_banner()
    problem.solve(solver="HIGHS", mip_rel_gap=0.0)  # type: ignore[no-untyped-call]  # half of CVXPY is untyped
    return None if problem.status in (cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE) else float(problem.value)
