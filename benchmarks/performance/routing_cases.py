"""Planning views of given sizes and three ways to decide them: ours, CVXPY, and HiGHS on the same arrays.

Two kinds of figures: `typed`, as a fleet file gives them (capability by task type, cost by tokens), and `scores`, 0 or
1 per task and model as the oracle sees them, whose relaxation is fractional in many models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Plan
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.estimate.estimate_table import EstimateTable
from pytest_swarm.routing.base import PlanningView, Router

KINDS: Final = ("typed", "scores")
METHODS: Final = ("ours", "cvxpy", "highs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Models x tasks, and x stages where it is a program for `staged`."""

    models: int
    tasks: int
    stages: int = 1

    @property
    def label(self) -> str:
        parts = [self.models, self.tasks] + [self.stages] * (self.stages > 1)
        return "x".join(map(str, parts))


FLAT: Final = tuple(
    Size(models=i, tasks=m) for i, m in ((4, 3), (8, 32), (16, 100), (32, 300), (64, 1000), (64, 10000))
)
STAGED: Final = tuple(Size(models=i, tasks=m, stages=t) for i, m, t in ((4, 3, 3), (8, 60, 6), (8, 200, 12)))


def view_of_size(size: Size, *, kind: str, budget_gb: float = 24.0, seed: int = 0) -> PlanningView:
    """A view of that size: models of 1-24 GB, larger ones better, dearer and slower to load."""
    rng = np.random.default_rng(seed)
    vram_gb = np.round(rng.uniform(1, 24, size.models), 1)
    vram_gb[0] = 2.0  # one model fits always
    per_token = np.round(0.2 + 0.15 * vram_gb * rng.uniform(0.7, 1.3, size.models), 2)
    load_ms = np.round((300 + 170 * vram_gb) * rng.uniform(0.8, 1.2, size.models))
    tokens = rng.integers(5, 200, size.tasks) * 10
    if kind == "typed":
        capability = np.clip(0.35 + 0.02 * vram_gb[:, None] + rng.normal(0, 0.1, (size.models, 6)), 0.05, 0.98)
        difficulty = rng.integers(2, 11, size.tasks) / 2
        quality = np.clip(capability[:, rng.integers(0, 6, size.tasks)] - 0.06 * (difficulty - 1), 0, 1)
    else:
        quality = (rng.random((size.models, size.tasks)) < np.clip(0.3 + 0.02 * vram_gb, 0, 0.95)[:, None]).astype(
            float
        )
    tasks = tuple(
        Task(id=f"t{m}", type=TaskType.MATH, prompt="p", estimated_tokens=int(tokens[m])) for m in range(size.tasks)
    )
    fleet = Fleet(
        name="sized",
        models=tuple(
            Model(tag=f"m{i:02d}", vram_gb=float(vram_gb[i]), load_time_ms=float(load_ms[i]),
                  cost_per_token=float(per_token[i]), max_ctx=32768)
            for i in range(size.models)
        ),
    )  # fmt: skip
    stages = np.sort(np.concatenate([np.arange(size.stages), rng.integers(0, size.stages, size.tasks - size.stages)]))
    return PlanningView(
        job="sized",
        step=0,
        tasks=tasks,
        ready=tuple(task.id for task, stage in zip(tasks, stages, strict=True) if stage == 0),
        stages=tuple(stages.tolist()),
        edges=(),
        horizon_depth="flat",
        fleet=fleet,
        resident=frozenset({"m00"}),
        vram_budget_gb=budget_gb,
        estimates=EstimateTable(
            models=fleet.tags,
            tasks=tuple(task.id for task in tasks),
            quality=quality,
            token_cost=per_token[:, None] * tokens / 1000,
            latency=lambda: np.zeros(quality.shape),
            allowed=np.ones(quality.shape, dtype=bool),
            load_cost=load_ms / 1500,
        ),
    )


def decide(router: Router, view: PlanningView) -> Plan:
    """The router's plan without an event loop: none of ours waits for anything."""
    step = router.route(view)
    try:
        step.send(None)
    except StopIteration as done:
        plan: Plan = done.value
        return plan
    raise AssertionError(f"router {router.name} waited for something")


def decision_of(method: str, size: Size, view: PlanningView) -> Callable[[], float]:
    """A function that decides the view once and returns the objective; what can be kept between calls is kept.

    `ours`: the whole decision from view to plan, warm. `cvxpy`: for one stage the `lp` router's whole decision (the
    relaxation, compiled before), for several the boolean program, compiled each time. `highs`: passing the finished
    arrays of the whole program to HiGHS, and its branch and bound on one thread.
    """
    if method == "ours":
        return _ours(size, view)
    if method == "cvxpy":
        return _cvxpy(size, view)
    return _highs(size, view)


def _ours(size: Size, view: PlanningView) -> Callable[[], float]:
    from pytest_swarm.routing.milp import MilpRouter
    from pytest_swarm.routing.staged import StagedRouter

    router = StagedRouter() if size.stages > 1 else MilpRouter()
    return lambda: decide(router, view).objective or 0.0


def _cvxpy(size: Size, view: PlanningView) -> Callable[[], float]:
    if size.stages > 1:
        from pytest_swarm.routing.reference_program import specified_optimum

        return lambda: specified_optimum(view, staged=True) or 0.0
    from pytest_swarm.routing.lp import LpRouter

    router = LpRouter()
    return lambda: decide(router, view).objective or 0.0


def _highs(size: Size, view: PlanningView) -> Callable[[], float]:
    from pytest_swarm.routing.highs import arrays_of, load_model
    from pytest_swarm.routing.program import program_of

    arrays = arrays_of(program_of(view), stages=size.stages)

    def run() -> float:
        highs = load_model(arrays, integer=True)
        highs.setOptionValue("mip_rel_gap", 0.0)
        highs.run()
        return -float(highs.getInfo().objective_function_value)

    return run
