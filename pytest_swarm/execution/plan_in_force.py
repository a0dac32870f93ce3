"""The plan that is followed while tasks run without a barrier: what runs now, on which models, and what comes later."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.domain.plan import Assignment
from pytest_swarm.domain.record import PlanStep


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInForce:
    """What follows from the last plan; nothing before the first one.

    Attributes:
        step: The number of its step.
        now: The tasks that run as soon as they are ready, in its order.
        later: The tasks that are deferred, and those of the next stage, in its order.
        target: The models that are to be resident, as `Fleet.held` names them.
        target_gb: The VRAM of all these in GB.
    """

    step: int = 0
    now: tuple[Assignment, ...] = ()
    later: tuple[Assignment, ...] = ()
    target: frozenset[str] = frozenset()
    target_gb: float = 0.0


def plan_in_force(step: PlanStep, *, followed: bool) -> PlanInForce:
    """Return what follows from a plan.

    Args:
        step: The step with its plan.
        followed: Whether it is followed for longer than to the next end, as the plan of a planner that is asked less
            often: what becomes ready meanwhile runs too, unless it is deferred, or its model is not in the target.
    """
    target, deferred = frozenset(step.target_residency), set(step.deferred)
    nearest = min((stage for stage in step.stages.values() if stage > 0), default=0)
    next_stage = {task for task, stage in step.stages.items() if 0 < stage == nearest}
    now = step.executed
    if followed:
        undeferred = (each for each in step.assignments if each.task not in deferred)
        now = tuple(each for each in undeferred if step.held((each.model,)) <= target)
    return PlanInForce(
        step=step.step,
        now=now,
        later=tuple(each for each in step.assignments if each.task in deferred | next_stage),
        target=target,
        target_gb=sum(step.vram_gb[tag] for tag in sorted(target)),
    )
