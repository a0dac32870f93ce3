"""What stays the same over all cases of a bench: who plans and judges, how tasks are dispatched, what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_swarm.estimate.starting_estimates import EstimateSource, prior_estimates
from pytest_swarm.routing.base import DEFAULT_QUALITY_FLOOR, RouterFactory, Weights
from pytest_swarm.routing.registry import ModeSpec

Dispatch: TypeAlias = Literal["layers", "tasks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BenchSettings:
    """What stays the same over all cases of a bench.

    `weights` are those of the objective, `concurrency` the most tasks that run at the same time, `seed` that of every
    draw. `dispatch` "layers" ends each step before the next is planned, "tasks" plans again as soon as a task ends, and
    loads while others run. A planner model is then asked after `replan_after` ends. `planner` and `judge` are Ollama
    tags; without a planner the `llm` mode needs one of its own (`llm:TAG`), without a judge its expectations stay
    unscored. `quality_floor` is what `heft` gives up of the best quality. `code_eval` runs answered code, in a sandbox;
    `strict_code_eval` only where the kernel confines it. `solve_limit_s` bounds exact solvers. `imagined`: some answers
    are made up, and nothing is learned from those.
    """

    weights: Weights = field(default_factory=Weights)
    concurrency: int = 4
    dispatch: Dispatch = "layers"
    replan_after: float = 1
    seed: int = 0
    planner: str | None = None
    quality_floor: float = DEFAULT_QUALITY_FLOOR
    judge: str | None = None
    code_eval: bool = False
    strict_code_eval: bool = False
    solve_limit_s: float | None = None
    routers: Mapping[str, RouterFactory | ModeSpec] = field(default_factory=dict)
    imagined: bool = False
    folder: Path | None = None  # where policy files are looked for, after the current folder
    estimates: EstimateSource = field(default_factory=lambda: prior_estimates(learning=True))
