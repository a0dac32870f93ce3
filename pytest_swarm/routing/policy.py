"""`policy:FILE`: the mode that a policy file names, with its weights, at the horizon and budget of the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import PolicyError
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.estimate.starting_estimates import TypeTable
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup, Weights
from pytest_swarm.routing.policy_changes import fleet_fault
from pytest_swarm.routing.policy_file import PolicyFile, read_policy
from pytest_swarm.units import format_gb_apart


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
        policy = fitting_policy(setup.argument, setup.fleet, setup.folder)
        return cls(policy, setup.make(policy.mode), path=setup.argument)

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan of the policy's mode under the policy's weights.

        Raises:
            PolicyError: The horizon or the budget is not that of the decision.
        """
        _check_setting(self._policy, self._where, horizon=view.horizon_depth, budget_gb=view.vram_budget_gb)
        weights = weights_of(self._policy)  # a view that no bench made may have others
        own = replace(view, weights=weights, whole_graph=lambda: replace(view.whole(), weights=weights))
        return await self._router.route(own)


def check_policy_setting(
    argument: str, fleet: Fleet, *, folder: Path | None, horizon: HorizonDepth, budget_gb: float
) -> None:
    """Raise PolicyError where a policy file cannot be read, or was decided for another horizon or budget.

    Args:
        argument: The path of the file.
        fleet: The models on offer.
        folder: Where it is looked for, after the current folder.
        horizon: The horizon at which it is to be played.
        budget_gb: The budget at which it is to be played, in GB.
    """
    policy = fitting_policy(argument, fleet, folder)
    _check_setting(policy, f"policy {argument}", horizon=horizon, budget_gb=budget_gb)


def _check_setting(policy: PolicyFile, where: str, *, horizon: HorizonDepth, budget_gb: float) -> None:
    same_budget = abs(budget_gb - policy.vram_budget_gb) <= BUDGET_TOLERANCE_GB
    if horizon != policy.horizon_depth or not same_budget:
        depth = policy.horizon_depth
        size, given = format_gb_apart(policy.vram_budget_gb, budget_gb)
        raise PolicyError(
            f"{where}: was decided for horizon {depth} and {size}, not for horizon {horizon} and {given}; run it with "
            f"{policy.setting}"
        )


@dataclass(frozen=True, slots=True)
class PolicyEstimates:
    """The estimates that a policy starts from, whatever the fleet of the run believes; as `load_policy` has them."""

    fleet: Fleet

    def capability(self, model: Model, task_type: str) -> float:
        """Return the quality that the policy believes of a model on a type."""
        return TypeTable().capability(self.fleet[model.tag], task_type)

    def offsets(self, fleet: Fleet, tasks: Sequence[Task]) -> None:
        """Return None: every task of a type has the same estimate."""


def policy_estimator(policy: PolicyFile, fleet: Fleet) -> Estimator:
    """Return the estimator that a policy starts a case with.

    It learns as in the runs of its decision, and where the policy's file does not say.

    Args:
        policy: The policy.
        fleet: The models on offer.
    """
    return Estimator(fleet, start=PolicyEstimates(policy.fleet), learning=policy.learning is not False)


def weights_of(policy: PolicyFile) -> Weights:
    """Return the weights of the objective that a policy plays with."""
    return Weights(token=policy.weights.token, switch=policy.weights.switch, latency=policy.weights.latency)


def policy_path(argument: str, folder: Path | None) -> Path:
    """Return the path of a policy file: from the current folder, or from another one where it is only there.

    Args:
        argument: The path as it was given.
        folder: The other folder, such as that of the ini file.
    """
    there = None if folder is None else folder / argument
    return there if there is not None and there.is_file() and not Path(argument).exists() else Path(argument)


def fitting_policy(argument: str, fleet: Fleet, folder: Path | None) -> PolicyFile:
    """Return the policy of a file; PolicyError where it cannot be read, or was decided for other models.

    Args:
        argument: The path of the file.
        fleet: The models on offer.
        folder: Where it is looked for, after the current folder.
    """
    policy = read_policy(policy_path(argument, folder))
    fault = fleet_fault(policy, fleet, where=f"policy {argument}")
    if fault is not None:
        raise PolicyError(fault)
    return policy
