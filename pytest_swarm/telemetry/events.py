"""Records to events: one `encode_*` per event type of DESIGN 6. Their inverses are in `decode.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pytest_swarm.domain.graph import encode_graph
from pytest_swarm.domain.model import encode_model
from pytest_swarm.domain.plan import Assignment, PlannerCall
from pytest_swarm.domain.record import Case, JobRecord, PlanStep, RunInfo, Switch, TaskOutcome, VramSample
from pytest_swarm.fields import Json

SCHEMA_VERSION: Final = 1

JsonObject = dict[str, Json]


def encode_run_start(info: RunInfo) -> JsonObject:
    """`run_start`: the first line of events.jsonl."""
    return {
        "event": "run_start",
        "schema_version": SCHEMA_VERSION,
        "ts_ms": info.started_ts_ms,
        "run": info.run,
        "backend": info.backend,
        "backend_detail": info.backend_detail,
        "simulated": info.simulated,
        "profile": info.profile,
        "fleet": {"name": info.fleet.name, "models": [encode_model(model) for model in info.fleet]},
        "seed": info.seed,
        "versions": dict(info.versions),
        "machine": dict(info.machine),
        "options": dict(info.options),
        "command": list(info.command),
    }


def encode_run_end(ts_ms: float, *, complete: bool, notes: Iterable[str]) -> JsonObject:
    """`run_end`: whether every collected case was run, and sentences about what was not."""
    return {"event": "run_end", "ts_ms": ts_ms, "complete": complete, "notes": list(notes)}


def encode_note(case: Case, text: str, ts_ms: float) -> JsonObject:
    """`note`: a sentence about a case that the run's report should show."""
    return _head("note", case, ts_ms) | {"text": text}


def encode_dag_structure(case: Case, ts_ms: float, *, simulated: bool) -> JsonObject:
    """`dag_structure`: opens a job; the whole graph, and the case that it is run as."""
    return _head("dag_structure", case, ts_ms) | {
        "horizon_depth": case.key.horizon,
        "vram_budget_gb": case.key.vram_budget_gb,
        "repeat": case.key.repeat,
        "test": case.test,
        "simulated": simulated,
        "graph_digest": case.graph.digest,
        "graph": encode_graph(case.graph),
    }


def encode_plan_step(case: Case, step: PlanStep, ts_ms: float) -> JsonObject:
    """`plan_step`: the whole problem instance and the answer, so that anyone can solve it again."""
    return _head("plan_step", case, ts_ms) | _problem(step) | _answer(step)


def _problem(step: PlanStep) -> JsonObject:
    return {
        "step": step.step,
        "started_s": step.started_s,
        "horizon_depth": step.horizon_depth,
        "vram_budget_gb": step.vram_budget_gb,
        "lambda_token": step.lambda_token,
        "lambda_switch": step.lambda_switch,
        "lambda_latency": step.lambda_latency,
        "horizon_tasks": list(step.horizon_tasks),
        "ready_tasks": list(step.ready_tasks),
        "resident_before": list(step.resident_before),
        "estimates": [
            {
                "task": row.task,
                "model": row.model,
                "quality": row.quality,
                "token_cost": row.token_cost,
                "utility": row.utility,
            }
            for row in step.estimates
        ],
        "switch_cost": dict(step.switch_cost),
        "vram_gb": dict(step.vram_gb),
        "stages": dict(step.stages),
    }


def _answer(step: PlanStep) -> JsonObject:
    return {
        "assignments": [_pair(each) for each in step.assignments],
        "executed": [_pair(each) for each in step.executed],
        "target_residency": list(step.target_residency),
        "residency_by_stage": [list(stage) for stage in step.residency_by_stage],
        "retained": list(step.retained),
        "planned_vram_gb": step.planned_vram_gb,
        "violation": step.violation,
        "status": step.status.value,
        "objective": step.objective,
        "value": step.value,
        "bound": step.bound,
        "optimum": step.optimum,
        "gap": step.gap,
        "fractional": step.fractional,
        "fractional_residency": dict(step.fractional_residency),
        "solver": step.solver,
        "solve_ms": step.solve_ms,
        "decision_ms": step.decision_ms,
        "origin": {each.task: each.origin.value for each in step.assignments},
        "planner_failures": dict(step.planner_failures),
        "planner_calls": [_planner_call(call) for call in step.planner_calls],
        "reason": step.reason,
    }


def _pair(assignment: Assignment) -> JsonObject:
    return {"task": assignment.task, "model": assignment.model}


def _planner_call(call: PlannerCall) -> JsonObject:
    return {
        "prompt": call.prompt,
        "answer": call.answer,
        "failures": [failure.value for failure in call.failures],
        "detail": call.detail,
    }


def encode_task_result(case: Case, outcome: TaskOutcome, ts_ms: float) -> JsonObject:
    """`task_result`: how one task ended, with its answer."""
    return _head("task_result", case, ts_ms) | {
        "task": outcome.task,
        "type": case.graph.task(outcome.task).type.value,
        "status": outcome.status.value,
        "step": outcome.step,
        "model": outcome.model,
        "answer": outcome.answer,
        "score": outcome.score,
        "score_detail": outcome.score_detail,
        "local_score": outcome.local_score,
        "error": outcome.error,
        "error_kind": outcome.error_kind,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "token_cost": outcome.token_cost,
        "started_s": outcome.started_s,
        "finished_s": outcome.finished_s,
        "latency_s": outcome.latency_s,
        "load_s": outcome.load_s,
        "prefill_s": outcome.prefill_s,
        "decode_s": outcome.decode_s,
    }


def encode_switch(case: Case, switch: Switch, ts_ms: float) -> JsonObject:
    """`model_switch`: a load or an unload."""
    return _head("model_switch", case, ts_ms) | {
        "step": switch.step,
        "model": switch.model,
        "action": switch.action,
        "started_s": switch.started_s,
        "finished_s": switch.finished_s,
    }


def encode_vram_sample(case: Case, sample: VramSample, ts_ms: float) -> JsonObject:
    """`vram_sample`: what the server (and NVML) said was resident at one moment."""
    return _head("vram_sample", case, ts_ms) | {
        "step": sample.step,
        "at_s": sample.at_s,
        "resident": [
            {"model": each.tag, "size_bytes": each.size_bytes, "size_vram_bytes": each.size_vram_bytes}
            for each in sample.resident
        ],
        "phase": None if sample.phase is None else sample.phase.value,
        "gpu_used_bytes": sample.gpu_used_bytes,
        "gpus": None if sample.gpu is None else list(sample.gpu.used_bytes),
        "gpu_processes": [
            {"gpu": each.gpu, "pid": each.pid, "name": each.name, "used_bytes": each.used_bytes}
            for each in (() if sample.gpu is None else sample.gpu.processes)
        ],
    }


def encode_job_summary(record: JobRecord, ts_ms: float, metrics: Mapping[str, Json]) -> JsonObject:
    """`job_dag_summary`: closes a job. `metrics` are shown for reading along; they are computed again on reading."""
    return _head("job_dag_summary", record.case, ts_ms) | {
        "status": record.status.value,
        "error": record.error,
        "started_ts_ms": record.started_ts_ms,
        "makespan_s": record.makespan_s,
        "metrics": dict(metrics),
    }


def _head(event: str, case: Case, ts_ms: float) -> JsonObject:
    return {"event": event, "ts_ms": ts_ms, "case": case.digest, "job": case.job, "mode": case.key.mode}
