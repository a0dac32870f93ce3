"""report.json, schema `swarm-report/1`: the same run gives the same bytes.

Only these may differ between two runs of the same seed: `run.run`, `run.command`, `run.machine`, `run.versions`,
and every key that ends in `ts_ms` or begins with `decision_ms` or `solve_ms`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_swarm.codec import SharedFields, to_json
from pytest_swarm.domain.measured_run import VerifiedCase
from pytest_swarm.domain.record import RunInfo, TaskOutcome
from pytest_swarm.fields import Json
from pytest_swarm.files import replacing
from pytest_swarm.gate.gate_block import encode_gate
from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.metrics.figures_origin import VerifiedFigure
from pytest_swarm.metrics.job_metrics import encode_metrics, encode_value
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.findings import answers
from pytest_swarm.report.measured import MeasureSummary, measure_summary
from pytest_swarm.report.report_blocks import (
    AggregateHead,
    ComparisonBlock,
    FleetBlock,
    IntervalBlock,
    MeasureBlock,
    PointHead,
    PublishedComparison,
    RunBlock,
    TaskEntry,
    VerifiedEntry,
    VerifiedSum,
)
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.report_schema import SCHEMA, Case, CurvePoint, Mode, ModeAtSetting
from pytest_swarm.routing.registry import LLM, LP
from pytest_swarm.statistics.intervals import CONFIDENCE, Interval
from pytest_swarm.telemetry.event_fields import fleet_models

_ENCODE: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode
_INTERVAL: Final = SharedFields(Interval, IntervalBlock, but=("mean", "unit"))
_TASK: Final = SharedFields(TaskOutcome, TaskEntry, but=("score",), whole=False)
_RUN: Final = SharedFields(RunInfo, RunBlock, but=("fleet", "model_digests"))
_MEASURE: Final = SharedFields(MeasureSummary, MeasureBlock, but=("verified", "figures", "answers_of_others"))
_VERIFIED: Final = SharedFields(VerifiedCase, VerifiedEntry, but=("figures", "mode"))
_SUM: Final = SharedFields(VerifiedFigure, VerifiedSum)
_HEAD: Final = SharedFields(Aggregate, AggregateHead, but=("values", "measured_by"))
_POINT: Final = SharedFields(Aggregate, PointHead, whole=False)
_COMPARISON: Final = SharedFields(Comparison, ComparisonBlock, but=("difference",))


def _document(report: Report) -> dict[str, Json]:
    """Return the blocks in their order, without the cases, which would not fit into memory all at once."""
    blocks: dict[str, object] = {
        "schema": SCHEMA,
        "run": _run(report),
        "modes": {each.mode: _mode(report, each) for each in report.modes},
        "cases": [],
        "comparisons": [_comparison(each) for each in report.comparisons],
        "comparison_lp_vs_llm": published_comparison(report),
        "curves": {mode: [_point(p) for p in report.settings if p.mode == mode] for mode in report.mode_names},
        "lambda_curves": report.lambda_curves,
        "answers": answers(report),
        "notes": report.run.notes,
    }
    document = to_json(blocks)
    return document if report.gate is None else {**document, "gate": encode_gate(report.gate)}


def write_json(report: Report, path: Path) -> None:
    """Write report.json, in UTF-8 with ASCII only, keys in a fixed order."""
    with replacing(path) as beside, beside.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(json_parts(report))


def json_parts(report: Report) -> Iterator[str]:
    """Yield the text of report.json in parts: neither it nor the cases are ever held as a whole."""
    opening = "{"
    for name, value in _document(report).items():
        yield f"{opening}\n {_ENCODE(name)}: "
        if name == "cases" and report.jobs:
            yield "["
            for number, job in enumerate(report.jobs):
                yield f"{',' if number else ''}\n  {_indented(_case_object(job), depth=2)}"
            yield "\n ]"
        else:
            yield _indented(value, depth=1)
        opening = ","
    yield "\n}\n"


def _indented(value: Json, *, depth: int) -> str:
    """Return the text of a value inside `depth` others; Python's own encoder is many times slower where it indents."""
    text = _ENCODE(value)
    try:
        text = msgspec.json.format(text, indent=1)
    except msgspec.DecodeError:  # half a surrogate pair, which models do answer
        text = json.dumps(value, indent=1)
    return text.replace("\n", "\n" + depth * " ")


def published_comparison(report: Report) -> PublishedComparison | None:
    """Return LP against LLM over all complete pairs; None where one of them did not run."""
    found = next((each for each in report.against(LLM) if each.mode == LP), None)
    if found is None:
        return None
    return PublishedComparison(
        jobs_lp_won=found.jobs_won,
        jobs_llm_won=found.jobs_lost,
        jobs_tied=found.jobs_tied,
        routing_divergence_pct=found.routing_divergence_pct,
        when_differed_lp_better=found.when_differed_better,
        when_differed_llm_better=found.when_differed_worse,
        when_differed_tie=found.when_differed_tie,
        when_differed_unscored=found.when_differed_unscored,
        total_subtasks_compared=found.tasks_compared,
    )


def _case_object(job: MeasuredJob) -> Json:
    built: Json = msgspec.to_builtins(_case(job))
    return built


def _case(job: MeasuredJob) -> msgspec.Struct:
    """Return one entry of `cases`: what was run, how it ended, its metrics and its tasks."""
    record, key = job.record, job.key
    return Case(
        digest=record.case.digest,
        test=record.case.test,
        job=job.job,
        graph_digest=record.case.graph.digest,
        case_version=record.case.graph.version,
        family=record.case.graph.family,
        mode=key.mode,
        horizon_depth=key.horizon,
        vram_budget_gb=key.vram_budget_gb,
        repeat=key.repeat,
        lambda_token=key.lambda_token,
        status=record.status,
        error=record.error,
        host=record.host,
        simulated=record.simulated,
        started_ts_ms=record.started_ts_ms,
        **encode_metrics(job.metrics),
        tasks=[_task(job, outcome) for outcome in record.outcomes],
    )


def _task(job: MeasuredJob, outcome: TaskOutcome) -> TaskEntry:
    return TaskEntry(
        **_TASK.of(outcome),
        type=job.record.case.graph.task(outcome.task).type,
        score=job.task_score.get(outcome.task),
        latency_s=outcome.latency_s,
    )


def _run(report: Report) -> RunBlock:
    info, fleet = report.info, report.info.fleet
    return RunBlock(
        **_RUN.of(info),
        complete=report.run.complete,
        fleet=FleetBlock(name=fleet.name, digest=fleet.digest, models=fleet_models(fleet)),
        measure=_measure(report),
    )


def _measure(report: Report) -> MeasureBlock | None:
    summary = measure_summary(report)
    if summary is None:
        return None
    return MeasureBlock(
        **_MEASURE.of(summary),
        verified=[VerifiedEntry(figures=dict(each.figures), **_VERIFIED.of(each)) for each in summary.verified],
        verified_figures=[VerifiedSum(far_off=each.far_off, **_SUM.of(each)) for each in summary.figures],
    )


def _mode(report: Report, overall: Aggregate) -> msgspec.Struct:
    own = [
        ModeAtSetting(**_HEAD.of(each), **_values(each, Show.MODE))
        for each in report.settings
        if each.mode == overall.mode
    ]
    return Mode(**_HEAD.of(overall), **_values(overall, Show.MODE), by_setting=own)


def _values(aggregate: Aggregate, place: Show) -> dict[str, object]:
    """Return the metrics of a place; one with an interval is its mean, and `NAME_interval` its interval."""
    found: dict[str, object] = {}
    for row in shown_in(place):
        value = row.of_mode(aggregate)
        if row.has_interval:
            found[row.name] = None if value is None else value.mean
            found[f"{row.name}_interval"] = _interval(value)
        else:
            found[row.name] = encode_value(value)
    return found


def _comparison(comparison: Comparison) -> ComparisonBlock:
    found = comparison.difference
    return ComparisonBlock(
        **_COMPARISON.of(comparison),
        difference=None if found is None else found.mean,
        difference_interval=_interval(found),
    )


def _point(point: Aggregate) -> msgspec.Struct:
    return CurvePoint(**_POINT.of(point), **_values(point, Show.CURVE))


def _interval(interval: Interval | None) -> IntervalBlock | None:
    """Return the interval without its mean; `low` and `high` are None, with a `note`, where none can be given."""
    if interval is None:
        return None
    return IntervalBlock(confidence=CONFIDENCE, **_INTERVAL.of(interval))
