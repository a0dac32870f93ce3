"""Builders of synthetic runs: no server, no router, only records that look like those of a real run."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from pytest_swarm.domain.expectation import JsonFields, Keywords, Number, PythonCode, YesNo
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Assignment, Origin, PlannerCall, PlannerFailure, PlanStatus
from pytest_swarm.domain.record import (
    Case,
    CaseKey,
    EstimateRow,
    JobRecord,
    JobStatus,
    PlanStep,
    ResidentModel,
    Run,
    RunInfo,
    Switch,
    TaskOutcome,
    TaskStatus,
    VramSample,
)
from pytest_swarm.domain.task import Task, TaskType

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


def large_run(count: int, *, seed: int = 7) -> Run:
    """`count` jobs: half under lp, half under llm, over `count / 2` different graphs of three tasks."""
    rng = Random(seed)
    jobs: list[JobRecord] = []
    for n in range(count // 2):
        graph = replace(WORKFLOWBENCH[n % 3], name=f"generated-{n:05d}")
        jobs += [played(graph, key(mode, n % 4, 8.0), rng) for mode in ("lp", "llm")]
    return run(*jobs)


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


HOSTILE: Final = (
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '" autofocus onfocus=window.pwned=1 x="',
    "a | b | c\n| --- |\n| `x` [l](javascript:window.pwned=1) ![i](http://evil.example/i.png) @everyone #1 <b>",
    "\x1b[31mred\x1b[0m\x00\x07bell\r\nnew: line",
    "left \u202eright-to-left\u202c \u2066isolate\u2069 \u200f",
    "lone \ud800 surrogate \udfff",
    "{{ 7 * 7 }} {% for x in y %} ${window.pwned=1} <!-- ",
    '=HYPERLINK("http://evil.example")',
)


def hostile_run(*, answer_characters: int = 0) -> Run:
    """A run whose every foreign text is an attack; one answer may be as long as is asked for."""
    graph = TaskGraph(
        name="wb1" + HOSTILE[0],
        tasks=tuple(replace(task(text), prompt=text * 3) for text in HOSTILE),
        edges=((HOSTILE[0], HOSTILE[1]),),
    )
    evil = replace(GEMMA, tag="gemma" + HOSTILE[1])
    jobs: list[JobRecord] = []
    for mode in ("lp", "evil" + HOSTILE[2]):
        calls = (PlannerCall(prompt=HOSTILE[0], answer=HOSTILE[1] + HOSTILE[6], detail=HOSTILE[3]),)
        steps = (
            replace(
                step(0, dict.fromkeys(HOSTILE, GEMMA.tag), mode=mode, horizon_depth=3),
                planner_calls=calls,
                reason=HOSTILE[0],
                target_residency=(evil.tag,),
                solver=HOSTILE[0],
            ),
        )
        outcomes = [ok(text, 0.5, model=evil.tag, answer=text, score_detail=HOSTILE[1]) for text in HOSTILE]
        outcomes[1] = replace(failed(HOSTILE[1], model=evil.tag), error=HOSTILE[0])
        outcomes[2] = replace(outcomes[2], answer="x" * answer_characters)
        jobs.append(
            JobRecord(
                case=Case(graph=graph, key=key(mode), test=HOSTILE[0]),
                status=JobStatus.COMPLETED,
                simulated=True,
                steps=steps,
                outcomes=tuple(outcomes),
                makespan_s=3.0,
                switches=(Switch(step=0, model=evil.tag, action="load", started_s=0.0, finished_s=1.0),),
            )
        )
    jobs.append(replace(jobs[0], case=replace(jobs[0].case, key=key("llm")), status=JobStatus.ERROR, error=HOSTILE[4]))
    texts = {HOSTILE[0]: HOSTILE[1]}
    return run(
        *jobs,
        notes=HOSTILE,
        run="run" + HOSTILE[0],
        profile=HOSTILE[2],
        backend_detail=HOSTILE[0],
        options=texts,
        machine=texts,
        versions=texts,
        command=("pytest", HOSTILE[0]),
        fleet=Fleet(name=HOSTILE[0], models=(evil, QWEN)),
    )
