"""Runs of many jobs, drawn from a seed: what a report looks like with real amounts of data.

Runs, their reports and their pages do not change, and are made once in a process.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Model
from pytest_swarm.domain.plan import Assignment, Origin, PlannerCall, PlannerFailure, PlanStatus
from pytest_swarm.domain.record import Case, CaseKey, EstimateRow, JobRecord, JobStatus, PlanStep, Run, TaskOutcome
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import ResidentModel, VramSample
from pytest_swarm.report.html import render_html
from pytest_swarm.report.report_model import Report, build_report
from tests.report.factories import GEMMA, HEAVY, PHI, WORKFLOWBENCH, estimate, failed, key, ok, run, step


@cache
def small_run(
    *,
    modes: tuple[str, ...] = ("lp", "llm"),
    horizons: tuple[HorizonDepth, ...] = (0, 1, 3),
    budgets_gb: tuple[float, ...] = (8.0, 24.0),
    repeats: int = 1,
    seed: int = 7,
) -> Run:
    """workflowbench under every mode x horizon x budget x repeat, with draws that depend on the seed alone."""
    rng = Random(seed)
    jobs = [
        played(graph, key(mode, horizon, budget_gb, repeat), rng)
        for graph in WORKFLOWBENCH
        for mode in modes
        for horizon in horizons
        for budget_gb in budgets_gb
        for repeat in range(1, repeats + 1)
    ]
    return run(*jobs)


@cache
def large_run(count: int, *, seed: int = 7) -> Run:
    """`count` jobs: half under lp, half under llm, over `count / 2` different graphs of three tasks."""
    rng = Random(seed)
    jobs: list[JobRecord] = []
    for n in range(count // 2):
        graph = replace(WORKFLOWBENCH[n % 3], name=f"generated-{n:05d}")
        jobs += [played(graph, key(mode, n % 4, 8.0), rng) for mode in ("lp", "llm")]
    return run(*jobs)


@cache
def small_report(**axes: Any) -> Report:
    """The report of `small_run`."""
    return build_report(small_run(**axes))


@cache
def small_page(**axes: Any) -> str:
    """The page of `small_run`."""
    return render_html(small_report(**axes))


def played(graph: TaskGraph, case: CaseKey, rng: Random) -> JobRecord:
    """A job as the loop would record it: layer by layer, with loads, samples, failures of the planner, and answers."""
    clock_s = 0.0
    resident: tuple[str, ...] = ()
    steps: list[PlanStep] = []
    outcomes: list[TaskOutcome] = []
    switches: list[Switch] = []
    samples: list[VramSample] = []
    for number, layer in enumerate(graph.layers()):
        model = _draw(case, rng)
        origin = _origin(case.mode, rng)
        before = resident
        for action, tags in (("unload", set(resident) - {model.tag}), ("load", {model.tag} - set(resident))):
            for tag in sorted(tags):
                took_s = HEAVY[tag].load_time_ms / 1000 * rng.uniform(1, 3) if action == "load" else 0.05
                switches.append(
                    Switch(step=number, model=tag, action=action, started_s=clock_s, finished_s=clock_s + took_s)
                )
                clock_s += took_s
        resident = (model.tag,)
        steps.append(_played_step(number, layer, graph, case, model=model, origin=origin, before=before, rng=rng))
        size = int(model.vram_gb * 1e9)
        samples.append(
            VramSample(
                step=number,
                at_s=clock_s,
                resident=(ResidentModel(tag=model.tag, size_bytes=size, size_vram_bytes=min(size, int(12e9))),),
            )
        )
        for name in layer:
            took_s = rng.uniform(0.5, 6)
            outcomes.append(_played_outcome(name, number, model, clock_s, clock_s + took_s, rng))
        clock_s += 6
    return JobRecord(
        case=Case(graph=graph, key=case, test=f"benchmarks/test_workflowbench.py::test_{graph.name}[{case.label}]"),
        status=JobStatus.COMPLETED,
        simulated=True,
        started_ts_ms=1.0e12,
        steps=tuple(steps),
        outcomes=tuple(outcomes),
        switches=tuple(switches),
        samples=tuple(samples),
        makespan_s=clock_s,
    )


def _draw(case: CaseKey, rng: Random) -> Model:
    """lp looks for the good model and sometimes breaks the budget; llm mostly takes the smallest."""
    if case.mode == "lp" and case.horizon == 1 and rng.random() < 0.3:
        return PHI
    fitting = [model for model in HEAVY if model.vram_gb <= case.vram_budget_gb]
    return rng.choice(fitting) if case.mode != "llm" or rng.random() < 0.3 else GEMMA


def _origin(mode: str, rng: Random) -> Origin:
    if mode == "llm":
        return Origin.FILL_IN if rng.random() < 0.3 else Origin.PLANNER
    return Origin.SOLVER if mode in ("lp", "milp", "staged", "oracle") else Origin.RULE


def _played_step(
    number: int,
    layer: tuple[str, ...],
    graph: TaskGraph,
    case: CaseKey,
    *,
    model: Model,
    origin: Origin,
    before: tuple[str, ...],
    rng: Random,
) -> PlanStep:
    rest = graph.order[graph.order.index(layer[0]) :]
    depth = len(rest) if case.horizon == "flat" else case.horizon + len(layer)
    tasks = rest[:depth]
    chosen = tuple(Assignment(task=name, model=model.tag, origin=origin) for name in tasks)
    rows = tuple(_noisy(estimate(name, each), rng) for name in tasks for each in HEAVY)
    calls = ()
    if case.mode == "llm":
        bad = origin is Origin.FILL_IN
        calls = (
            PlannerCall(
                prompt=f"Assign a model to each of {', '.join(tasks)}.",
                answer="Sure! gemma2:2b is great."
                if bad
                else '{"assignments": [{"task": "s0", "model": "gemma2:2b"}]}',
                failures=(PlannerFailure.INVALID_JSON,) if bad else (),
            ),
        )
    return step(
        number,
        dict.fromkeys(layer, model.tag),
        budget_gb=case.vram_budget_gb,
        horizon=tasks,
        resident=before,
        mode=case.mode,
        horizon_depth=case.horizon,
        estimates=rows,
        assignments=chosen,
        executed=tuple(each for each in chosen if each.task in layer),
        stages={name: n for n, name in enumerate(tasks)},
        fractional=model is PHI and case.vram_budget_gb < PHI.vram_gb,
        fractional_residency={GEMMA.tag: 0.43, PHI.tag: 0.57} if model is PHI else {},
        solver="HIGHS" if case.mode == "lp" else None,
        solve_ms=rng.uniform(0.2, 1.5) if case.mode == "lp" else None,
        decision_ms=rng.uniform(1, 4) if case.mode == "lp" else rng.uniform(500, 2500),
        status=PlanStatus.OPTIMAL if case.mode == "lp" else PlanStatus.HEURISTIC,
        planner_calls=calls,
        planner_failures={"invalid_json": 1} if calls and calls[0].failures else {},
        started_s=6.0 * number,
    )


def _noisy(row: EstimateRow, rng: Random) -> EstimateRow:
    quality = min(1.0, max(0.0, row.quality + rng.uniform(-0.1, 0.1)))
    return replace(row, quality=quality, utility=quality - 0.5 * row.token_cost)


def _played_outcome(
    name: str, number: int, model: Model, started_s: float, finished_s: float, rng: Random
) -> TaskOutcome:
    if rng.random() < 0.03:
        return replace(failed(name, model=model.tag), step=number, started_s=started_s, finished_s=finished_s)
    prompt, completion = rng.randrange(60, 200), rng.randrange(20, 300)
    score = 1.0 if rng.random() < 0.45 + 0.04 * model.vram_gb else rng.choice((0.0, 0.0, 0.5))
    return ok(
        name,
        score,
        model=model.tag,
        step=number,
        prompt_tokens=prompt,
        completion_tokens=completion,
        token_cost=model.cost_per_token * (prompt + completion),
        started_s=started_s,
        finished_s=finished_s,
        answer=" ".join(rng.choice(("the", "result", "is", "25", "because", "of", name)) for _ in range(30)),
        score_detail="25 found, 25 expected" if score == 1.0 else "24 found, 25 expected",
    )
