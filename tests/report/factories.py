"""Builders of synthetic runs: no server, no router, only records that look like those of a real run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pytest_swarm.domain.expectation import JsonFields, Keywords, Number, PythonCode, YesNo
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Assignment, Origin, PlanStatus
from pytest_swarm.domain.record import (
    Case,
    CaseKey,
    EstimateRow,
    JobRecord,
    JobStatus,
    PlanStep,
    Run,
    RunInfo,
    TaskOutcome,
    TaskStatus,
)
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.gate.verdicts import GateResult, Verdict, VerdictRow
from pytest_swarm.report.json_report import json_parts
from pytest_swarm.report.report_model import Report

GEMMA = Model(
    tag="gemma2:2b",
    vram_gb=2.0,
    load_time_ms=600,
    cost_per_token=0.4,
    max_ctx=8192,
    capabilities={TaskType.CODE: 0.45, TaskType.MATH: 0.45, TaskType.EXTRACTION: 0.55},
)
QWEN = Model(
    tag="qwen2.5-coder:7b",
    vram_gb=6.5,
    load_time_ms=1200,
    cost_per_token=1.2,
    max_ctx=32768,
    capabilities={TaskType.CODE: 0.85, TaskType.MATH: 0.65},
)
LLAMA = Model(
    tag="llama3.1:8b",
    vram_gb=8.0,
    load_time_ms=1600,
    cost_per_token=1.4,
    max_ctx=8192,
    capabilities={TaskType.CODE: 0.7, TaskType.REASONING: 0.8},
)
PHI = Model(
    tag="phi4:14b",
    vram_gb=12.5,
    load_time_ms=2400,
    cost_per_token=2.0,
    max_ctx=8192,
    capabilities={TaskType.MATH: 0.9, TaskType.REASONING: 0.88},
)
HEAVY = Fleet(name="heavy", models=(GEMMA, QWEN, LLAMA, PHI))


def task(task_id: str, task_type: TaskType = TaskType.MATH, *, scored: bool = True, tokens: int = 150) -> Task:
    return Task(
        id=task_id,
        type=task_type,
        prompt=f"Please do {task_id}, a task of type {task_type}.",
        estimated_tokens=tokens,
        difficulty=2.0,
        expected=Number(value=25) if scored else None,
    )


WB1 = TaskGraph(
    name="wb1",
    tasks=(
        replace(task("s0", TaskType.EXTRACTION, tokens=200), expected=JsonFields(fields={"A": 3, "B": 4})),
        task("s1", TaskType.MATH),
        replace(task("s2", TaskType.CODE, tokens=350), expected=PythonCode(entry_point="hyp_sq")),
    ),
    edges=(("s0", "s1"), ("s1", "s2")),
)
WB2 = TaskGraph(
    name="wb2",
    tasks=(
        replace(task("s0", TaskType.CODE, tokens=450), expected=PythonCode(entry_point="fib")),
        replace(task("s1", TaskType.MATH, tokens=120), expected=Number(value=55)),
        replace(task("s2", TaskType.SUMMARIZE, tokens=180), expected=Keywords(words=("fib", "previous", "sum"))),
    ),
    edges=(("s0", "s1"), ("s0", "s2")),
)
WB3 = TaskGraph(
    name="wb3",
    tasks=(
        replace(task("s0", TaskType.EXTRACTION, tokens=180), expected=JsonFields(fields={"date": "2026-02-21"})),
        replace(task("s1", TaskType.REASONING, tokens=120), expected=YesNo(value=True)),
        replace(task("s2", TaskType.SUMMARIZE, tokens=120), expected=Keywords(words=("saturday",))),
    ),
    edges=(("s0", "s1"), ("s1", "s2")),
)
WORKFLOWBENCH = (WB1, WB2, WB3)


def workflows(count: int) -> list[TaskGraph]:
    """So many graphs that differ in their names only."""
    return [replace(WB1, name=f"g{n}") for n in range(count)]


def ok(task_id: str, score: float | None, *, model: str = GEMMA.tag, step: int = 0, **more: object) -> TaskOutcome:
    """An outcome that ran: 100 + 50 tokens, one second."""
    figures: dict[str, object] = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "token_cost": 150 * HEAVY[model].cost_per_token if model in HEAVY else 150.0,
        "started_s": float(step),
        "finished_s": step + 1.0,
        "answer": f"the answer to {task_id}",
    }
    return TaskOutcome(task=task_id, status=TaskStatus.OK, model=model, score=score, step=step, **(figures | more))


def failed(task_id: str, *, model: str = GEMMA.tag, error: str = "timed out after 120 s") -> TaskOutcome:
    return TaskOutcome(task=task_id, status=TaskStatus.FAILED, model=model, error=error, error_kind="timeout")


def skipped(task_id: str, *, error: str = "its parent s0 failed") -> TaskOutcome:
    return TaskOutcome(task=task_id, status=TaskStatus.SKIPPED, error=error, error_kind="parent_failed")


def step(
    number: int,
    chosen: dict[str, str],
    *,
    budget_gb: float = 8.0,
    horizon: tuple[str, ...] | None = None,
    resident: tuple[str, ...] = (),
    **more: object,
) -> PlanStep:
    """A plan step that executes `chosen` (task -> model) and holds just those models."""
    tags = tuple(sorted(set(chosen.values())))
    tasks = horizon or tuple(chosen)
    figures: dict[str, object] = {
        "step": number,
        "started_s": float(number),
        "mode": "lp",
        "horizon_depth": 3,
        "vram_budget_gb": budget_gb,
        "lambda_token": 0.5,
        "lambda_switch": 0.2,
        "lambda_latency": 0.0,
        "horizon_tasks": tasks,
        "ready_tasks": tuple(chosen),
        "resident_before": resident,
        "estimates": tuple(estimate(each, model) for each in tasks for model in HEAVY),
        "switch_cost": {m.tag: 0.0 if m.tag in resident else m.load_time_ms / 1500 for m in HEAVY},
        "vram_gb": {model.tag: model.vram_gb for model in HEAVY},
        "stages": dict.fromkeys(tasks, 0),
        "assignments": tuple(Assignment(task=t, model=m, origin=Origin.SOLVER) for t, m in chosen.items()),
        "executed": tuple(Assignment(task=t, model=m, origin=Origin.SOLVER) for t, m in chosen.items()),
        "target_residency": tags,
        "residency_by_stage": (tags,),
        "retained": (),
        "planned_vram_gb": sum(HEAVY[tag].vram_gb for tag in tags),
        "violation": sum(HEAVY[tag].vram_gb for tag in tags) > budget_gb,
        "status": PlanStatus.OPTIMAL,
        "objective": 1.37,
        "value": 1.31,
        "bound": 1.37,
        "gap": 0.0458,
        "fractional": False,
        "fractional_residency": {},
        "solver": "HIGHS",
        "solve_ms": 0.31,
        "decision_ms": 1.9,
        "planner_failures": {},
        "planner_calls": (),
    }
    return PlanStep(**(figures | more))


def estimate(task_id: str, model: Model) -> EstimateRow:
    quality = 0.5 + 0.03 * model.vram_gb
    cost = model.cost_per_token * 0.15
    return EstimateRow(task=task_id, model=model.tag, quality=quality, token_cost=cost, utility=quality - 0.5 * cost)


def key(mode: str = "lp", horizon: HorizonDepth = 3, budget_gb: float = 8.0, repeat: int = 1) -> CaseKey:
    return CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb, repeat=repeat)


def record(
    scores: dict[str, float | None] | None = None,
    *,
    graph: TaskGraph = WB1,
    case: CaseKey | None = None,
    model: str = GEMMA.tag,
    **more: object,
) -> JobRecord:
    """A completed job whose tasks all ran on `model`, one step after the other, with these scores."""
    case = case or key()
    scores = scores if scores is not None else dict.fromkeys(graph.order, 1.0)
    steps = tuple(
        step(n, {name: model}, budget_gb=case.vram_budget_gb, mode=case.mode, horizon_depth=case.horizon)
        for n, name in enumerate(scores)
    )
    figures: dict[str, object] = {
        "status": JobStatus.COMPLETED,
        "simulated": True,
        "steps": steps,
        "outcomes": tuple(ok(name, score, model=model, step=n) for n, (name, score) in enumerate(scores.items())),
        "makespan_s": float(len(scores)),
    }
    return JobRecord(case=Case(graph=graph, key=case, test=f"test_{graph.name}"), **(figures | more))


def info(**more: object) -> RunInfo:
    figures: dict[str, object] = {
        "run": "20260221-101500",
        "started_ts_ms": 1.0e12,
        "backend": "sim",
        "backend_detail": "no Ollama at http://127.0.0.1:11434, so the simulator answers",
        "simulated": True,
        "profile": "a40",
        "fleet": HEAVY,
        "seed": 7,
        "versions": {"pytest-swarm-router": "0.1.0", "python": "3.12.3"},
        "machine": {"platform": "Linux", "cpu": "2 cores", "gpu": "none"},
        "options": {"--swarm-compare": "both", "--swarm-horizon": "0,1,3"},
        "command": ("pytest", "benchmarks", "--swarm-compare=both", "--swarm-seed=7"),
    }
    return RunInfo(**(figures | more))


def run(*jobs: JobRecord, complete: bool = True, notes: tuple[str, ...] = (), **more: object) -> Run:
    return Run(info=info(**more), jobs=jobs, complete=complete, notes=notes)


def gate_result(verdict: Verdict, **figures: Any) -> GateResult:
    """The result of a gate with one row."""
    row: dict[str, Any] = {"test": None, "expression": "score:-2.5%", "metric": "score", "mode": "lp", **figures}
    return GateResult(
        verdict=verdict,
        gate="warn",
        baseline="b.json",
        reasons=(),
        rows=(VerdictRow(gate="warn", verdict=verdict, **row),),
        cases=(),
        elsewhere=0,
        failures=(),
        warnings=(),
    )


def document_of(report: Report) -> dict[str, Any]:
    """The JSON object of report.json."""
    document: dict[str, Any] = json.loads("".join(json_parts(report)))
    return document
