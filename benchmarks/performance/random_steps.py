"""Planned violations of every router on random steps:  python -m benchmarks.performance.random_steps [STEPS]

Steps of `tests.instances.random_view` (2-12 models, 1-40 tasks in 1-5 stages, 6.5-48 GB, random residency, some with
context limits and pins), and steps of the reference fleet at 8 GB for the published heuristic's own rate.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np

from benchmarks.performance.routing_cases import decide
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.plan import PlanStatus
from pytest_swarm.domain.task import TaskType
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.lp import LpRouter
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.routing.objective import evaluate
from tests.instances import HEAVY, mode_for, mode_names, random_view, task, view_of, with_speeds

MODES = (*mode_names(keeps_budget=True, needs=("realised", "speeds")), "lp")


def routers_for(view: PlanningView, lp: LpRouter) -> dict[str, Router]:
    """One router a mode; `lp` is handed on, because it keeps its compiled programs."""
    rng = np.random.default_rng(view.seed)
    scores = {(each.id, tag): float(rng.integers(0, 2)) for each in view.tasks for tag in view.fleet.tags}
    setup = RouterSetup(fleet=view.fleet, realised=scores, concurrency=4)
    return {mode: lp if mode == "lp" else ModeTable({}).make(mode_for(mode, view.fleet), setup) for mode in MODES}


def reference_view(seed: int) -> PlanningView:
    """A random step of the reference fleet at 8 GB: 1-8 ready tasks, up to two models resident."""
    rng = np.random.default_rng(seed)
    kinds = list(TaskType)
    tasks = tuple(
        task(f"t{m}", kinds[rng.integers(6)], int(rng.integers(5, 100)) * 10, float(rng.integers(2, 11)) / 2)
        for m in range(rng.integers(1, 9))
    )
    resident = rng.choice(HEAVY.tags, int(rng.integers(0, 3)), replace=False).tolist()
    return replace(view_of(TaskGraph(name="reference", tasks=tasks), resident=resident), seed=seed)


def main(steps: int) -> None:
    """Print steps planned, infeasible and in violation, by mode."""
    for title, make_view in (("random steps", random_view), ("reference fleet, 8 GB", reference_view)):
        planned, violated, infeasible = Counter[str](), Counter[str](), Counter[str]()
        worse = 0
        lp = LpRouter()
        for seed in range(steps):
            view = with_speeds(make_view(seed))
            values = {}
            for mode, router in routers_for(view, lp).items():
                plan = decide(router, view)
                if plan.status is PlanStatus.INFEASIBLE:
                    infeasible[mode] += 1
                    continue
                planned[mode] += 1
                violated[mode] += bool(check(plan, view))
                values[mode] = evaluate(plan, view).value
            worse += "milp" in values and values["staged"] < values["milp"] - 1e-9
        print(f"{title}: {steps} steps; staged worse than milp in {worse}")
        for mode in MODES:
            rate = violated[mode] / max(1, planned[mode])
            print(f"  {mode:12} {planned[mode]:6} planned {infeasible[mode]:6} infeasible"
                  f" {violated[mode]:6} over budget ({rate:.1%})", flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="?", type=int, default=10_000)
    main(parser.parse_args().steps)
