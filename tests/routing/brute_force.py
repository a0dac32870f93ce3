"""The best plan by trying every set of models in every stage."""

from __future__ import annotations

import itertools

import numpy as np

from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import load_price, utility


def sets_of_weights(view: PlanningView) -> list[frozenset[str]]:
    """Every set within the budget that holds the pinned models; of the same weights, the model that stands for them."""
    holders = view.fleet.holders
    return [
        frozenset(model.tag for model in chosen)
        for size in range(len(holders) + 1)
        for chosen in itertools.combinations(holders, size)
        if sum(model.vram_gb for model in chosen) <= view.vram_budget_gb + 1e-6
        and all(model in chosen for model in holders if model.keep)
    ]


def brute_force(view: PlanningView, *, staged: bool) -> float:
    """The optimum with a set for each stage, or one throughout: each task on its best usable model; -inf for none."""
    worth = np.where(view.estimates.allowed, utility(view), -np.inf)
    row = {tag: i for i, tag in enumerate(view.fleet.tags)}
    price = dict(zip(view.fleet.tags, load_price(view).tolist(), strict=True))
    sets = [(held, [row[tag] for tag in view.fleet.usable(held)]) for held in sets_of_weights(view)]
    stages = view.stages if staged else (0,) * len(view.tasks)
    best = {view.fleet.held(view.resident): 0.0}
    for stage in range(max(stages) + 1):
        columns = [m for m, at in enumerate(stages) if at == stage]
        best = {
            held: float(worth[np.ix_(rows, columns)].max(axis=0, initial=-np.inf).sum())
            + max(value - sum(price[tag] for tag in held - before) for before, value in best.items())
            for held, rows in sets
        }
    return max(best.values(), default=-np.inf)
