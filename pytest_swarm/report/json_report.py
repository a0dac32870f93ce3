"""report.json, schema `swarm-report/1`: the same run gives the same bytes.

Only these may differ between two runs of the same seed: `run.run`, `run.command`, `run.machine`, `run.versions`,
and every key that ends in `ts_ms` or begins with `decision_ms` or `solve_ms`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Final

from pytest_swarm.domain.model import encode_model
from pytest_swarm.domain.record import Run, RunInfo, TaskOutcome
from pytest_swarm.fields import Json
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.metrics.curves import CurvePoint
from pytest_swarm.metrics.job_metrics import encode_metrics
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.report.findings import answers
from pytest_swarm.report.report_model import Report, build_report
from pytest_swarm.routing.registry import LLM, LP
from pytest_swarm.statistics.intervals import CONFIDENCE, Interval

SCHEMA: Final = "swarm-report/1"


def encode_report(report: Report) -> dict[str, Json]:
    """The JSON object of report.json."""
    info = report.info
    return {
        "schema": SCHEMA,
        "run": _run(info, complete=report.run.complete),
        "modes": {each.mode: _mode(report, each) for each in report.modes},
        "cases": [encode_case(job) for job in report.jobs],
        "comparisons": [_comparison(each) for each in report.comparisons],
        "comparison_lp_vs_llm": published_comparison(report),
        "curves": {mode: [_point(p) for p in report.curves if p.mode == mode] for mode in report.mode_names},
        "answers": [{"kind": each.kind, "tone": each.tone, "text": each.text} for each in answers(report)],
        "notes": list(report.run.notes),
        **report.extra,
    }


def write_json(run: Run | Report, path: Path) -> None:
    """Write report.json, in UTF-8 with ASCII only, keys in a fixed order."""
    report = run if isinstance(run, Report) else build_report(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(encode_report(report), indent=1, ensure_ascii=True, allow_nan=False)
    path.write_text(text + "\n", encoding="ascii", newline="\n")


def report_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of report.json, as shipped in the package."""
    text = (files("pytest_swarm.report") / "schema" / "swarm-report-1.json").read_text(encoding="utf-8")
    schema: dict[str, Json] = json.loads(text)
    return schema


def published_comparison(report: Report) -> Json:
    """The published block: LP against LLM over all complete pairs; None where one of them did not run."""
    found = report.comparison(LP, LLM)
    if found is None:
        return None
    return {
        "jobs_lp_won": found.jobs_won,
        "jobs_llm_won": found.jobs_lost,
        "jobs_tied": found.jobs_tied,
        "routing_divergence_pct": found.routing_divergence_pct,
        "when_differed_lp_better": found.when_differed_better,
        "when_differed_llm_better": found.when_differed_worse,
        "when_differed_tie": found.when_differed_tie,
        "when_differed_unscored": found.when_differed_unscored,
        "total_subtasks_compared": found.tasks_compared,
    }


def encode_case(job: MeasuredJob) -> dict[str, Json]:
    """One entry of `cases`: what was run, how it ended, its figures and its tasks (without prompts and answers)."""
    record, key = job.record, job.key
    return {
        "digest": record.case.digest,
        "test": record.case.test,
        "job": job.job,
        "graph_digest": record.case.graph.digest,
        "case_version": record.case.graph.version,
        "mode": key.mode,
        "horizon_depth": key.horizon,
        "vram_budget_gb": key.vram_budget_gb,
        "repeat": key.repeat,
        "status": record.status.value,
        "error": record.error,
        "simulated": record.simulated,
        "started_ts_ms": record.started_ts_ms,
        **encode_metrics(job.metrics),
        "tasks": [_task(job, outcome) for outcome in record.outcomes],
    }


def _task(job: MeasuredJob, outcome: TaskOutcome) -> dict[str, Json]:
    task = job.record.case.graph.task(outcome.task)
    return {
        "task": outcome.task,
        "type": task.type.value,
        "model": outcome.model,
        "status": outcome.status.value,
        "step": outcome.step,
        "score": job.task_score.get(outcome.task),
        "local_score": outcome.local_score,
        "error": outcome.error,
        "error_kind": outcome.error_kind,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "token_cost": outcome.token_cost,
        "latency_s": outcome.latency_s,
    }


def _run(info: RunInfo, *, complete: bool) -> dict[str, Json]:
    return {
        "run": info.run,
        "started_ts_ms": info.started_ts_ms,
        "complete": complete,
        "backend": info.backend,
        "backend_detail": info.backend_detail,
        "simulated": info.simulated,
        "profile": info.profile,
        "seed": info.seed,
        "fleet": {
            "name": info.fleet.name,
            "digest": info.fleet.digest,
            "models": [encode_model(model) for model in info.fleet],
        },
        "options": dict(info.options),
        "versions": dict(info.versions),
        "machine": dict(info.machine),
        "command": list(info.command),
    }


def _mode(report: Report, overall: Aggregate) -> dict[str, Json]:
    settings: list[Json] = [encode_aggregate(each) for each in report.settings if each.mode == overall.mode]
    return {**encode_aggregate(overall), "by_setting": settings}


def encode_aggregate(aggregate: Aggregate) -> dict[str, Json]:
    """An aggregate, keys as its fields are named; `score` is the mean, `score_interval` its interval."""
    row = {each.name: _plain(getattr(aggregate, each.name)) for each in fields(aggregate)}
    return _split(row, "score", aggregate.score)


def _comparison(comparison: Comparison) -> dict[str, Json]:
    row = {each.name: _plain(getattr(comparison, each.name)) for each in fields(comparison)}
    return _split(row, "difference", comparison.difference)


def _point(point: CurvePoint) -> dict[str, Json]:
    row = {each.name: _plain(getattr(point, each.name)) for each in fields(point) if each.name != "mode"}
    return _split(row, "score", point.score)


def _split(row: dict[str, Json], name: str, interval: Interval | None) -> dict[str, Json]:
    """The row with `name` as the plain mean and `name_interval` as its interval, next to each other."""
    found: dict[str, Json] = {}
    for key, value in row.items():
        found[key] = value
        if key == name:
            found[key] = None if interval is None else interval.mean
            found[f"{key}_interval"] = encode_interval(interval)
    return found


def encode_interval(interval: Interval | None) -> Json:
    """The interval without its mean; `low` and `high` are null, with a `note`, where none can be given."""
    if interval is None:
        return None
    return {
        "low": interval.low,
        "high": interval.high,
        "confidence": CONFIDENCE,
        "samples": interval.samples,
        "clusters": interval.clusters,
        "note": interval.note,
    }


def _plain(value: object) -> Json:
    if isinstance(value, Interval):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    assert value is None or isinstance(value, bool | int | float | str)
    return value
