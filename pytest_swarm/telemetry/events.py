"""Records to events and back: one `encode_*` and one `decode_*` for each type of event; `ts_ms` is ms since 1970."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from pytest_swarm.codec import JsonObject, SharedFields, to_plain
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Assignment
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, PlanStep, RunInfo, TaskOutcome
from pytest_swarm.domain.retry import Retry
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import GpuReading, ResidentModel, VramSample
from pytest_swarm.fields import Json
from pytest_swarm.graph_codec import encode_graph_object
from pytest_swarm.telemetry.event_fields import MODEL_FIELDS, AssignmentRow, ResidentRow, RunFleet, fleet_models
from pytest_swarm.telemetry.event_types import (
    SCHEMA_VERSION,
    CallRetryEvent,
    CollectionEvent,
    DagStructureEvent,
    JobSummaryEvent,
    ModelSwitchEvent,
    NoteEvent,
    PlanStepEvent,
    RunEndEvent,
    RunStartEvent,
    TaskResultEvent,
    VramSampleEvent,
)

_RUN: Final = SharedFields(RunInfo, RunStartEvent, but=("fleet", "started_ts_ms"))
_STEP: Final = SharedFields(PlanStep, PlanStepEvent, but=("mode", "assignments", "executed"))
_OUTCOME: Final = SharedFields(TaskOutcome, TaskResultEvent)
_SWITCH: Final = SharedFields(Switch, ModelSwitchEvent)
_RETRY: Final = SharedFields(Retry, CallRetryEvent)
_SUMMARY: Final = SharedFields(JobRecord, JobSummaryEvent, but=("case",), whole=False)
_SAMPLE: Final = SharedFields(VramSample, VramSampleEvent, but=("resident", "gpu"))
_RESIDENT: Final = SharedFields(ResidentModel, ResidentRow, but=("tag",))
_UNLESS_EMPTY: Final = frozenset(
    (
        *("read", "read_where", "done_reason", "answer_state", "thinking_chars", "thinking", "sandbox_layers"),
        *("judge_reply", "server_fault", "shares_with", "whole_prompt_tokens"),
    )
)
"""Fields that are left out where they are empty or null."""
_UNLESS_NULL: Final = frozenset(("estimates", "host", "lambda_token", "gpu_energy_j", "gpu_idle_w", "parts", "jobs"))
"""Fields that are left out where they are null; 0 is a measurement."""


def encode_run_start(info: RunInfo) -> JsonObject:
    """Return `run_start`, the first line of events.jsonl."""
    return _object(
        RunStartEvent(
            schema_version=SCHEMA_VERSION,
            ts_ms=info.started_ts_ms,
            fleet=RunFleet(name=info.fleet.name, models=fleet_models(info.fleet), assign=info.fleet.assign),
            **_RUN.of(info),
        )
    )


def decode_run_start(event: RunStartEvent) -> RunInfo:
    """Return the RunInfo of a `run_start`; FleetError where its fleet is not valid."""
    models = tuple(Model(tag=row.name, **MODEL_FIELDS.of(row)) for row in event.fleet.models)
    return RunInfo(
        started_ts_ms=event.ts_ms,
        fleet=Fleet(name=event.fleet.name, models=models, assign=event.fleet.assign),
        **_RUN.of(event),
    )


def encode_collection(ts_ms: float, tests: Iterable[str]) -> JsonObject:
    """Return `collection`: the ids of the benchmarks that a session is to run."""
    return to_plain(CollectionEvent(ts_ms=ts_ms, tests=tuple(tests)))


def encode_run_end(end: RunEndEvent) -> JsonObject:
    """Return `run_end`: whether every collected case was run, sentences about those that were not, and what failed."""
    return _object(end)


def encode_note(case: Case, text: str, ts_ms: float) -> JsonObject:
    """Return `note`: a sentence about a case that the run's report shows."""
    return to_plain(NoteEvent(**_head(case, ts_ms), text=text))


def encode_dag_structure(case: Case, ts_ms: float, *, simulated: bool) -> JsonObject:
    """Return `dag_structure`, which opens a job: the whole graph, and the case that it is run as."""
    return _object(
        DagStructureEvent(
            **_head(case, ts_ms),
            horizon_depth=case.key.horizon,
            vram_budget_gb=case.key.vram_budget_gb,
            repeat=case.key.repeat,
            lambda_token=case.key.lambda_token,
            test=case.test,
            simulated=simulated,
            graph_digest=case.graph.digest,
            graph=encode_graph_object(case.graph),
        )
    )


def decode_dag_structure(event: DagStructureEvent, graph: TaskGraph) -> Case:
    """Return the Case of a `dag_structure` whose graph has been decoded."""
    key = _key(event.mode, event.horizon_depth, event.vram_budget_gb, event.repeat, event.lambda_token)
    return Case(graph=graph, key=key, test=sys.intern(event.test))


@lru_cache(maxsize=256, typed=True)
def _key(mode: str, horizon: HorizonDepth, budget_gb: float, repeat: int, lambda_token: float | None) -> CaseKey:
    """Return the key of a case, which the cases of many jobs share."""
    return CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb, repeat=repeat, lambda_token=lambda_token)


def encode_plan_step(case: Case, step: PlanStep, ts_ms: float) -> JsonObject:
    """Return `plan_step`: the whole problem and its plan, so that anyone can solve it again."""
    return _object(
        PlanStepEvent(
            **_head(case, ts_ms),
            assignments=_assignment_rows(step.assignments),
            executed=_assignment_rows(step.executed),
            origin={each.task: each.origin for each in step.assignments},
            **_STEP.of(step),
        )
    )


def decode_plan_step(event: PlanStepEvent) -> PlanStep:
    """Return the PlanStep of a `plan_step`; KeyError for a task whose origin it lacks."""
    return PlanStep(
        assignments=_assignments(event.assignments, event),
        executed=_assignments(event.executed, event),
        mode=event.mode,
        **_STEP.of(event),
    )


def encode_task_result(case: Case, outcome: TaskOutcome, ts_ms: float) -> JsonObject:
    """Return `task_result`: how one task ended, with its answer."""
    task_type = case.graph.task(outcome.task).type
    head = _head(case, ts_ms)
    return _object(TaskResultEvent(**head, type=task_type, latency_s=outcome.latency_s, **_OUTCOME.of(outcome)))


def decode_task_result(event: TaskResultEvent) -> TaskOutcome:
    """Return the TaskOutcome of a `task_result`."""
    return TaskOutcome(**_OUTCOME.of(event))


def encode_switch(case: Case, switch: Switch, ts_ms: float) -> JsonObject:
    """Return `model_switch`: a load or an unload."""
    return to_plain(ModelSwitchEvent(**_head(case, ts_ms), **_SWITCH.of(switch)))


def decode_switch(event: ModelSwitchEvent) -> Switch:
    """Return the Switch of a `model_switch`."""
    return Switch(**_SWITCH.of(event))


def encode_retry(case: Case, retry: Retry, ts_ms: float) -> JsonObject:
    """Return `call_retry`: a call that failed for the server's sake and is tried again."""
    return to_plain(CallRetryEvent(**_head(case, ts_ms), **_RETRY.of(retry)))


def decode_retry(event: CallRetryEvent) -> Retry:
    """Return the Retry of a `call_retry`."""
    return Retry(**_RETRY.of(event))


def encode_vram_sample(case: Case, sample: VramSample, ts_ms: float) -> JsonObject:
    """Return `vram_sample`: what the server (and NVML) said was resident at one moment."""
    gpu = sample.gpu
    return _object(
        VramSampleEvent(
            **_head(case, ts_ms),
            resident=tuple(ResidentRow(model=each.tag, **_RESIDENT.of(each)) for each in sample.resident),
            gpu_used_bytes=sample.gpu_used_bytes,
            gpus=None if gpu is None else gpu.used_bytes,
            gpu_processes=() if gpu is None else gpu.processes,
            gpu_energy_j=None if gpu is None else gpu.energy_j,
            gpu_idle_w=None if gpu is None else gpu.idle_power_w,
            **_SAMPLE.of(sample),
        )
    )


def decode_vram_sample(event: VramSampleEvent) -> VramSample:
    """Return the VramSample of a `vram_sample`."""
    resident = tuple(ResidentModel(tag=row.model, **_RESIDENT.of(row)) for row in event.resident)
    return VramSample(resident=resident, gpu=_gpu_reading(event), **_SAMPLE.of(event))


def encode_job_summary(record: JobRecord, ts_ms: float, metrics: Mapping[str, Json]) -> JsonObject:
    """Return `job_dag_summary`, which closes a job. `metrics` are for reading along; a report computes them again."""
    counts = {part.tag: len(getattr(record, part.field)) for part in JOB_PARTS}
    return _object(JobSummaryEvent(**_head(record.case, ts_ms), metrics=metrics, events=counts, **_SUMMARY.of(record)))


def _head(case: Case, ts_ms: float) -> dict[str, Any]:
    return {"ts_ms": ts_ms, "case": case.digest, "job": case.job, "mode": case.key.mode}


def _object(event: Struct) -> JsonObject:
    """Return the object of an event without the fields that are left out where they say nothing."""
    found = to_plain(event)
    unless_empty, unless_null = _left_out(type(event))
    for name in unless_empty:
        if not found[name]:
            del found[name]
    for name in unless_null:
        if found[name] is None:
            del found[name]
    return found


@cache
def _left_out(event: type[Struct]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields of an event that are left out where they are empty or null, and those where they are null."""
    both = (_UNLESS_EMPTY, _UNLESS_NULL)
    unless_empty, unless_null = (tuple(name for name in event.__struct_fields__ if name in each) for each in both)
    return unless_empty, unless_null


def _assignment_rows(assignments: Iterable[Assignment]) -> tuple[AssignmentRow, ...]:
    return tuple(AssignmentRow(task=each.task, model=each.model) for each in assignments)


def _assignments(rows: Iterable[AssignmentRow], event: PlanStepEvent) -> tuple[Assignment, ...]:
    return tuple(Assignment(task=row.task, model=row.model, origin=event.origin[row.task]) for row in rows)


def _gpu_reading(event: VramSampleEvent) -> GpuReading | None:
    """The reading of a sample; an older run, without figures per GPU, has the sum only."""
    if event.gpus is not None:
        return GpuReading(
            used_bytes=event.gpus,
            processes=event.gpu_processes,
            energy_j=event.gpu_energy_j,
            idle_power_w=event.gpu_idle_w,
        )
    return None if event.gpu_used_bytes is None else GpuReading(used_bytes=(event.gpu_used_bytes,))


PartEvent: TypeAlias = PlanStepEvent | TaskResultEvent | ModelSwitchEvent | CallRetryEvent | VramSampleEvent


class JobPart(NamedTuple):
    """A field of a JobRecord, the type of its events, and what makes one of its records of an event."""

    field: str
    event: type[PartEvent]
    decode: Callable[[Any], Any]

    @property
    def tag(self) -> str:
        """What its events are called."""
        return str(self.event.__struct_config__.tag)


JOB_PARTS: Final = (
    JobPart("steps", PlanStepEvent, decode_plan_step),
    JobPart("outcomes", TaskResultEvent, decode_task_result),
    JobPart("switches", ModelSwitchEvent, decode_switch),
    JobPart("samples", VramSampleEvent, decode_vram_sample),
    JobPart("retries", CallRetryEvent, decode_retry),
)
