"""Tiny planning views with known optima, run by every router, and a generator of random ones."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.estimate.estimate_table import EstimateTable
from pytest_swarm.routing.base import PlanningView, RouterSetup, Weights
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.routing.registry import MODES, Need

_TYPES = ("code", "reasoning", "math", "creative", "extraction", "summarize")


def _model(row: str, **more: object) -> Model:
    """A model from "tag vram_gb load_ms cost max_ctx" and the capabilities in the order of `_TYPES`."""
    tag, vram_gb, load_ms, cost, max_ctx, *priors = row.split()
    return Model(
        tag=tag,
        vram_gb=float(vram_gb),
        load_time_ms=float(load_ms),
        cost_per_token=float(cost),
        max_ctx=int(max_ctx),
        capabilities={TaskType(kind): float(prior) for kind, prior in zip(_TYPES, priors, strict=True)},
        **more,  # type: ignore[arg-type]
    )


HEAVY = Fleet(
    name="heavy",
    models=(
        _model("gemma2:2b 2 600 0.4 8192 .45 .5 .45 .55 .55 .55"),
        _model("qwen2.5-coder:7b 6.5 1200 1.2 32768 .85 .65 .65 .55 .6 .6"),
        _model("llama3.1:8b 8 1600 1.4 8192 .7 .8 .72 .7 .7 .75"),
        _model("phi4:14b 12.5 2400 2.0 8192 .75 .88 .9 .55 .72 .7"),
    ),
)
GEMMA, QWEN, LLAMA, PHI = HEAVY.tags


def mode_names(
    *, exact: bool | None = None, keeps_budget: bool | None = None, needs: Collection[Need] = ()
) -> tuple[str, ...]:
    """Names in the table of modes: exact or not, within the budget or not, that need at most `needs` and no file."""
    return tuple(
        spec.name
        for spec in MODES
        if (exact is None or spec.exact is exact)
        and (keeps_budget is None or spec.keeps_budget is keeps_budget)
        and set(spec.needs) <= set(needs)
        and (spec.argument is None or spec.argument.kind != "file")
    )


def with_speeds(view: PlanningView) -> PlanningView:
    """The view with a fleet that names speeds, and latencies that differ between models."""
    models = tuple(replace(model, prefill_tokens_per_s=100.0, decode_tokens_per_s=10.0) for model in view.fleet)
    latency_s = np.fromfunction(lambda i, m: 1.0 + (3 * i + m) % 4, view.estimates.quality.shape)
    return replace(
        view,
        fleet=replace(view.fleet, models=models),
        estimates=replace(view.estimates, latency=lambda: latency_s),
    )


def scores_of(view: PlanningView) -> dict[tuple[str, str], float]:
    """A realized score, 0 or 1, of every task on every model."""
    tags = view.fleet.tags
    return {(task.id, tag): float((m * 3 + i) % 2) for m, task in enumerate(view.tasks) for i, tag in enumerate(tags)}


def mode_for(name: str, fleet: Fleet) -> str:
    """The mode of a name; one that takes a model gets the smallest of the fleet."""
    return name if ":" in name or ModeTable({}).spec(name).stands_alone else f"{name}:{fleet.smallest.tag}"


def route(mode: str, view: PlanningView, **setup: object) -> Plan:
    """The plan of a new router of a mode; `setup` is what it has besides the fleet."""
    made = RouterSetup(fleet=view.fleet, **setup)  # type: ignore[arg-type]
    return asyncio.run(ModeTable({}).make(mode_for(mode, view.fleet), made).route(view))


def plan_with(models: Mapping[str, str], *residency: Collection[str], deferred: Collection[str] = ()) -> Plan:
    """A plan of a rule: task -> model, and a residency for each stage or for all."""
    return Plan(
        assignments=tuple(Assignment(task=t, model=m, origin=Origin.RULE) for t, m in models.items()),
        residency=tuple(map(frozenset, residency)),
        status=PlanStatus.HEURISTIC,
        deferred=frozenset(deferred),
    )


def tied(view: PlanningView, *, steps: int = 1) -> PlanningView:
    """The view with models that are equal in many ways: qualities in so many steps of 0 to 1, and free tokens."""
    table = view.estimates
    alike = replace(table, quality=np.round(steps * table.quality) / steps, token_cost=0 * table.token_cost)
    return replace(view, estimates=alike)


def task(task_id: str, kind: str, tokens: int, difficulty: float = 1.0) -> Task:
    return Task(id=task_id, type=TaskType(kind), prompt="p", estimated_tokens=tokens, difficulty=difficulty)


WB1 = TaskGraph(
    name="wb1",
    tasks=(task("s0", "extraction", 200, 1.5), task("s1", "math", 150, 2.0), task("s2", "code", 350, 2.0)),
    edges=(("s0", "s1"), ("s1", "s2")),
)
WB2 = TaskGraph(
    name="wb2",
    tasks=(task("s0", "code", 450, 3.0), task("s1", "math", 120, 2.0), task("s2", "summarize", 180, 2.0)),
    edges=(("s0", "s1"), ("s0", "s2")),
)
WB3 = TaskGraph(
    name="wb3",
    tasks=(task("s0", "extraction", 180, 1.5), task("s1", "reasoning", 120, 2.5), task("s2", "summarize", 120, 1.5)),
    edges=(("s0", "s1"), ("s1", "s2")),
)


def table(fleet: Fleet, tasks: Sequence[Task]) -> EstimateTable:
    """The estimates before anything was learned."""
    quality = [[np.clip(m.capability(t.type) - 0.06 * (t.difficulty - 1), 0, 1) for t in tasks] for m in fleet]
    cost = [[m.cost_per_token * t.estimated_tokens / 1000 for t in tasks] for m in fleet]
    shape = (len(fleet), len(tasks))
    return EstimateTable(
        models=fleet.tags,
        tasks=tuple(t.id for t in tasks),
        quality=np.array(quality, dtype=float).reshape(shape),
        token_cost=np.array(cost, dtype=float).reshape(shape),
        latency=lambda: np.zeros(shape),
        allowed=np.array([[m.can_take(t) for t in tasks] for m in fleet], dtype=bool).reshape(shape),
        load_cost=np.array([m.load_time_ms / 1500 for m in fleet]),
    )


def view_of(
    graph: TaskGraph,
    *,
    depth: int = 3,
    budget_gb: float = 8.0,
    fleet: Fleet = HEAVY,
    resident: Sequence[str] = (),
    finished: Sequence[str] = (),
) -> PlanningView:
    """The view of a graph with estimates as the fleet file gives them."""
    horizon = graph.horizon(finished, depth)
    tasks = tuple(graph.task(each) for each in horizon)
    stages = graph.stages(horizon)
    return PlanningView(
        job=graph.name,
        step=0,
        tasks=tasks,
        ready=tuple(each for each in horizon if stages[each] == 0),
        stages=tuple(stages[each] for each in horizon),
        edges=tuple(edge for edge in graph.edges if set(edge) <= set(horizon)),
        horizon_depth=depth,
        fleet=fleet,
        resident=frozenset(resident),
        vram_budget_gb=budget_gb,
        estimates=table(fleet, tasks),
    )


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A view and what is known of it. `lp` is the relaxation's optimum, `milp` the optimum with one residency,
    `staged` with one per stage; None = no plan exists. `models` are the optimal models of `milp`, task by task."""

    name: str
    view: PlanningView = field(repr=False)
    lp: float | None
    milp: float | None
    staged: float | None
    models: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def matrix_view(
    quality: Sequence[Sequence[float]],
    *,
    vram_gb: Sequence[float],
    budget_gb: float,
    load: Sequence[float] | None = None,
    stages: Sequence[int] | None = None,
    resident: Sequence[int] = (),
    keep: Sequence[int] = (),
    forbidden: Sequence[tuple[int, int]] = (),
) -> PlanningView:
    """A view straight from numbers: models m0, m1, ...; tasks t0, t1, ...; no token cost; lambda_switch 1.

    `load` are the S_i (load_time_ms / 1500); `resident` and `keep` row numbers, `forbidden` (model, task).
    """
    worth = np.array(quality, dtype=float)
    models, tasks = worth.shape
    load = load or [0.0] * models
    fleet = Fleet(
        name="matrix",
        models=tuple(
            _model(f"m{i} {vram_gb[i]} {load[i] * 1500} 0 8192 .5 .5 .5 .5 .5 .5", keep=i in keep)
            for i in range(models)
        ),
    )
    allowed = np.ones(worth.shape, dtype=bool)
    for i, m in forbidden:
        allowed[i, m] = False
    at = tuple(stages or [0] * tasks)
    return PlanningView(
        job="matrix",
        step=0,
        tasks=tuple(task(f"t{m}", "math", 100) for m in range(tasks)),
        ready=tuple(f"t{m}" for m in range(tasks) if at[m] == 0),
        stages=at,
        edges=(),
        horizon_depth="flat",
        fleet=fleet,
        resident=frozenset(f"m{i}" for i in resident),
        vram_budget_gb=budget_gb,
        estimates=EstimateTable(
            models=fleet.tags,
            tasks=tuple(f"t{m}" for m in range(tasks)),
            quality=worth,
            token_cost=np.zeros(worth.shape),
            latency=lambda: np.zeros(worth.shape),
            allowed=allowed,
            load_cost=np.array(load, dtype=float),
        ),
        weights=Weights(token=0.0, switch=1.0),
    )


MATH_ALONE = replace(view_of(WB1, depth=0, finished=("s0",), resident=(GEMMA,)), job="wb1-math")

INSTANCES = (
    Instance(name="wb1-h3", view=view_of(WB1), lp=1.37, milp=1.37, staged=1.37, models=(QWEN,) * 3),
    Instance(name="wb2-h3", view=view_of(WB2), lp=1.25, milp=1.25, staged=1.25, models=(QWEN,) * 3),
    Instance(
        name="wb3-h3", view=view_of(WB3), lp=1.5926666667, milp=1.5926666667, staged=1.5926666667, models=(LLAMA,) * 3
    ),
    Instance(
        name="wb1-h1", view=view_of(WB1, depth=1), lp=0.8716666667, milp=0.8716666667, staged=0.8716666667,
        models=(LLAMA,) * 2,
    ),
    Instance(name="wb1-h0", view=view_of(WB1, depth=0), lp=0.40, milp=0.40, staged=0.40, models=(GEMMA,)),
    Instance(name="wb1-math-leak", view=MATH_ALONE, lp=0.3657142857, milp=0.36, staged=0.36, models=(GEMMA,)),
    Instance(
        name="swap-pays",  # one model at a time: 1 + 1 - 0.1 - 0.1 by swapping, 1 - 0.1 with one model for both stages
        view=matrix_view([[1, 0], [0, 1]], vram_gb=[5, 5], budget_gb=5, load=[0.1, 0.1], stages=[0, 1]),
        lp=0.9, milp=0.9, staged=1.8, models=("m0", "m0"),
    ),
    Instance(
        name="tie-resident",  # equal worth: the resident model saves its load
        view=matrix_view([[0.5], [0.5]], vram_gb=[4, 2], budget_gb=8, load=[0.2, 0.2], resident=[0]),
        lp=0.5, milp=0.5, staged=0.5, models=("m0",),
    ),
    Instance(
        name="tie-vram",  # equal worth, free loads: the smaller model
        view=matrix_view([[0.5, 0.5], [0.5, 0.5]], vram_gb=[4, 2], budget_gb=8),
        lp=1.0, milp=1.0, staged=1.0, models=("m1", "m1"),
    ),
    Instance(
        name="tie-name",
        view=matrix_view([[0.5], [0.5]], vram_gb=[2, 2], budget_gb=8),
        lp=0.5, milp=0.5, staged=0.5, models=("m0",),
    ),
    Instance(
        name="pinned",  # m0 is worthless, but holds 6 of 8 GB
        view=matrix_view([[0.0], [1.0], [0.4]], vram_gb=[6, 4, 2], budget_gb=8, keep=[0]),
        lp=0.5, milp=0.4, staged=0.4, models=("m2",),
    ),
    Instance(
        name="context",  # the better model cannot take the second task, and both do not fit
        view=matrix_view([[0.9, 0.9], [0.3, 0.3]], vram_gb=[4, 5], budget_gb=8, forbidden=[(0, 1)]),
        lp=1.05, milp=0.6, staged=0.6, models=("m1", "m1"),
    ),
    Instance(
        name="no-model-fits", view=matrix_view([[1.0], [1.0]], vram_gb=[4, 5], budget_gb=3), lp=None, milp=None,
        staged=None,
    ),
)  # fmt: skip


def random_view(seed: int, *, models: int | None = None, tasks: int | None = None) -> PlanningView:
    """A random step: 2-12 models, 1-40 tasks in 1-5 stages, 6.5-48 GB, any residency; some with limits and pins."""
    rng = np.random.default_rng(seed)
    models = models or int(rng.integers(2, 13))
    tasks = tasks or int(rng.integers(1, 41))
    stages = np.sort(rng.integers(0, rng.integers(1, 6), tasks))
    stages = np.unique(stages, return_inverse=True)[1]
    vram_gb = np.round(rng.uniform(1, 16, models), 1)
    base = matrix_view(
        rng.random((models, tasks)).tolist(),
        vram_gb=vram_gb.tolist(),
        budget_gb=float(np.round(rng.uniform(6.5, 48), 1)),
        load=rng.uniform(0, 2, models).tolist(),
        stages=stages.tolist(),
        resident=rng.choice(models, int(rng.integers(0, min(models, 4))), replace=False).tolist(),
        keep=[0] if rng.random() < 0.1 else [],
        forbidden=np.argwhere(rng.random((models, tasks)) < rng.choice([0.0, 0.0, 0.2])).tolist(),
    )
    cost = rng.uniform(0, 1, (models, tasks)) * (0.2 + vram_gb[:, None] / 10)
    weights = Weights(token=float(rng.choice([0.0, 0.5])), switch=float(rng.choice([0.0, 0.2, 1.0])))
    return replace(base, step=seed, seed=seed, weights=weights, estimates=replace(base.estimates, token_cost=cost))
