"""`oracle`: the best feasible staged plan on realized scores, in hindsight. Regret is measured against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np

from pytest_swarm.domain.plan import Plan
from pytest_swarm.errors import EstimateError
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.staged import StagedRouter


class OracleRouter:
    """`staged` with the realized score of each (task id, model tag) in place of the estimated quality."""

    name = "oracle"

    def __init__(self, *, realised: Mapping[tuple[str, str], float], solve_limit_s: float | None = None) -> None:
        self._realised = realised
        self._staged = StagedRouter(solve_limit_s=solve_limit_s)

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router with the realized scores of the setup."""
        assert setup.realised is not None, "the table of modes checks it"
        return cls(realised=setup.realised, solve_limit_s=setup.solve_limit_s)

    async def route(self, view: PlanningView) -> Plan:
        """Return the optimum in hindsight; EstimateError where the score of an allowed pair is not known."""
        return await self._staged.route(hindsight(view, self._realised))


def hindsight(view: PlanningView, realised: Mapping[tuple[str, str], float]) -> PlanningView:
    """Return the view with P_im replaced by the realized score of task m on model i; costs and budget stay.

    Args:
        view: The step to plan.
        realised: Score in [0, 1] by task ID and model tag.

    Raises:
        EstimateError: The score of an allowed pair is not known.
    """
    allowed = view.estimates.allowed
    quality = np.zeros_like(view.estimates.quality)
    for i, tag in enumerate(view.fleet.tags):
        for m, task in enumerate(view.tasks):
            if (task.id, tag) in realised:
                quality[i, m] = realised[task.id, tag]
            elif allowed[i, m]:
                raise EstimateError(
                    f"the oracle has no realized score of task {task.id!r} on model {tag!r}; "
                    "measure every task on every model, or leave the mode out"
                )
    return replace(view, estimates=replace(view.estimates, quality=quality))
