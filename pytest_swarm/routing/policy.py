"""`policy:FILE`: the mode that a policy file names, with its weights, at the horizon and budget of the decision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.errors import PolicyError
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup, Weights
from pytest_swarm.routing.policy_file import PolicyFile, fleet_fault, read_policy
from pytest_swarm.units import format_gb


class PolicyRouter:
    """Plans exactly as the mode of the policy does at its horizon and budget; any other one is an error."""

    def __init__(self, policy: PolicyFile, router: Router, *, path: str) -> None:
        self.name = f"policy:{path}"
        self._policy = policy
        self._router = router
        self._where = f"policy {path}"

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router of the policy file that the mode's argument names."""
        assert setup.argument is not None, "the table of modes checks it"
        assert setup.make is not None, "the table of modes gives it"
        policy = _fitting_policy(setup.argument, setup.fleet)
        return cls(policy, setup.make(policy.mode), path=setup.argument)

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan of the policy's mode under the policy's weights.

        Raises:
            PolicyError: The horizon or the budget is not that of the decision.
        """
        policy = self._policy
        same_budget = abs(view.vram_budget_gb - policy.vram_budget_gb) <= BUDGET_TOLERANCE_GB
        if view.horizon_depth != policy.horizon_depth or not same_budget:
            depth, size = policy.horizon_depth, format_gb(policy.vram_budget_gb)
            raise PolicyError(
                f"{self._where}: was decided for horizon {depth} and {size}, not for horizon {view.horizon_depth} and "
                f"{format_gb(view.vram_budget_gb)}; run it with --swarm-horizon={depth} --swarm-vram={size}"
            )
        weights = weights_of(policy)
        own = replace(view, weights=weights, whole_graph=lambda: replace(view.whole(), weights=weights))
        return await self._router.route(own)


def played_mode(argument: str, fleet: Fleet) -> str:
    """Return the mode that a policy file plays.

    Args:
        argument: The path of the file.
        fleet: The models on offer.

    Raises:
        PolicyError: The file cannot be read, or was decided for other models.
    """
    return _fitting_policy(argument, fleet).mode


def weights_of(policy: PolicyFile) -> Weights:
    """Return the weights of the objective that a policy plays with."""
    return Weights(token=policy.weights.token, switch=policy.weights.switch, latency=policy.weights.latency)


def _fitting_policy(argument: str, fleet: Fleet) -> PolicyFile:
    policy = read_policy(Path(argument))
    fault = fleet_fault(policy, fleet, where=f"policy {argument}")
    if fault is not None:
        raise PolicyError(fault)
    return policy
