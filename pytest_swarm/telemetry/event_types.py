"""The events of a run as they stand in events.jsonl: one type for each, from which its JSON Schema is made.

Names and order of the fields are a contract. A field with a default may be absent: files that lack it are still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonObject, json_schema
from pytest_swarm.domain.answer_state import AnswerState
from pytest_swarm.domain.estimates_info import EstimatesInfo
from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.plan import Origin, PlannerCall, PlanStatus, RunningTask
from pytest_swarm.domain.record import EstimateRow, JobStatus, TaskStatus
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.domain.vram_sample import GpuProcess, SamplePhase
from pytest_swarm.graph_codec import GraphObject
from pytest_swarm.telemetry.event_fields import (
    LARGEST,
    AssignmentRow,
    Count,
    Depth,
    Gigabytes,
    JobSeconds,
    Milliseconds,
    NotNegative,
    ResidentRow,
    RunFleet,
    ScoreValue,
    Step,
)
from pytest_swarm.telemetry.measured_events import MeasuredTestEvent, VerifiedCaseEvent

SCHEMA_VERSION: Final = 1


class RunStartEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="run_start"):
    """The first line: what was run, where, and with which settings."""

    schema_version: Annotated[int, Meta(ge=1)]
    ts_ms: Milliseconds
    run: str
    backend: str
    backend_detail: str
    simulated: bool
    profile: str | None
    fleet: RunFleet
    seed: Count
    versions: Annotated[Mapping[str, str], Meta(description="package -> version")]
    machine: Mapping[str, str]
    options: Annotated[Mapping[str, str], Meta(description="the settings that were given")]
    command: Annotated[tuple[str, ...], Meta(description="the command line that repeats the run")]
    estimates: Annotated[EstimatesInfo | None, Meta(description="where the estimates of quality start")] = None
    model_digests: Annotated[Mapping[str, str], Meta(description="model -> its digest on the server")] = {}
    host: Annotated[str | None, Meta(description="the one server that was asked; absent where there is none")] = None


class CollectionEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="collection"):
    """The benchmarks that a session was to run; a run that was resumed holds one for each session."""

    ts_ms: Milliseconds
    tests: Annotated[tuple[str, ...], Meta(description="the ids of the tests")]


class RunEndEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="run_end"):
    """The last line: whether every collected case was run, and sentences about those that were not."""

    ts_ms: Milliseconds
    complete: bool
    notes: tuple[str, ...]
    failed: Annotated[
        tuple[str, ...] | None,
        Meta(description="the tests that failed, of any kind; null = not known"),
    ] = None
    parts: Annotated[MergedParts | None, Meta(description="of a merged run: which parts it holds")] = None
    jobs: Annotated[Count | None, Meta(description="the jobs that ended; absent = not known")] = None


class JobEvent(Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all events of a job begin with: `case` is the digest of the case, `job` the name of its graph."""

    ts_ms: Milliseconds
    case: str
    job: str
    mode: str


class NoteEvent(JobEvent, frozen=True, kw_only=True, tag="note"):
    """A sentence about a case that the run's report shows."""

    text: str


class DagStructureEvent(JobEvent, frozen=True, kw_only=True, tag="dag_structure"):
    """The start of a job: the whole graph, and the case that it is run as."""

    horizon_depth: Depth
    vram_budget_gb: Gigabytes
    repeat: Annotated[int, Meta(ge=1, le=LARGEST)]
    lambda_token: Annotated[NotNegative | None, Meta(description="the swept weight of token cost")] = None
    test: Annotated[str, Meta(description="the id of the test")]
    simulated: bool
    graph_digest: str
    graph: GraphObject


class PlanStepEvent(JobEvent, frozen=True, kw_only=True, tag="plan_step"):
    """One planning step: the whole problem and its plan, so that anyone can solve it again and check it."""

    step: Step
    started_s: JobSeconds
    horizon_depth: Depth
    vram_budget_gb: Gigabytes
    lambda_token: NotNegative
    lambda_switch: NotNegative
    lambda_latency: NotNegative
    horizon_tasks: Annotated[tuple[str, ...], Meta(description="the unfinished tasks that the router may weigh")]
    ready_tasks: tuple[str, ...]
    resident_before: Annotated[tuple[str, ...], Meta(description="the models in VRAM before the step")]
    estimates: Annotated[
        tuple[EstimateRow, ...],
        Meta(description="one row per task and model that can take it"),
    ]
    switch_cost: Annotated[Mapping[str, NotNegative], Meta(description="model -> cost of loading it")]
    vram_gb: Annotated[Mapping[str, NotNegative], Meta(description="model -> GB of VRAM")]
    stages: Annotated[Mapping[str, Count], Meta(description="task -> its stage in the horizon, from 0")]
    ready_since: Annotated[
        Mapping[str, Count], Meta(description="ready task -> the step from which on it was ready")
    ] = {}
    last_used: Annotated[Mapping[str, Count], Meta(description="model -> the last step in which it ran a task")] = {}
    assignments: tuple[AssignmentRow, ...]
    executed: Annotated[tuple[AssignmentRow, ...], Meta(description="the part of the plan that is run now")]
    deferred: Annotated[tuple[str, ...], Meta(description="tasks of the horizon that wait for a later plan")] = ()
    target_residency: tuple[str, ...]
    residency_by_stage: tuple[tuple[str, ...], ...]
    retained: tuple[str, ...]
    planned_vram_gb: Gigabytes
    violation: Annotated[bool, Meta(description="whether the planned residency is over budget")]
    status: PlanStatus
    objective: Annotated[float | None, Meta(description="the value that the router's own solver reports")]
    value: Annotated[float | None, Meta(description="the value of the plan that is run")]
    bound: Annotated[float | None, Meta(description="an upper bound on the value of any plan")]
    optimum: Annotated[float | None, Meta(description="the value of the best plan with one residency")] = None
    gap: float | None
    fractional: bool
    fractional_residency: Mapping[str, float]
    solver: str | None
    solve_ms: NotNegative | None
    decision_ms: NotNegative
    origin: Annotated[Mapping[str, Origin], Meta(description="task -> who chose its model")]
    planner_failures: Annotated[Mapping[str, Count], Meta(description="kind of failure -> count")]
    planner_calls: tuple[PlannerCall, ...]
    reason: Annotated[
        str | None,
        Meta(description="what the router says; without a barrier first what made it asked: start, task_end, load_end"),
    ]
    running: Annotated[
        tuple[RunningTask, ...] | None,
        Meta(description="tasks that ran meanwhile, with their model and estimated seconds left; null with a barrier"),
    ] = None
    shares_with: Annotated[
        Mapping[str, str], Meta(description="model -> the model with whose copy in VRAM it runs; left out if empty")
    ] = {}


class TaskResultEvent(JobEvent, frozen=True, kw_only=True, tag="task_result"):
    """The end of one task, with its answer. Null = not measured."""

    task: str
    type: str
    status: TaskStatus
    step: Step | None
    model: str | None
    answer: str | None
    score: ScoreValue | None
    score_detail: str | None
    local_score: Annotated[ScoreValue | None, Meta(description="the score by the inputs that the task was given")] = (
        None
    )
    error: str | None
    error_kind: str | None
    prompt_tokens: Count | None
    completion_tokens: Count | None
    token_cost: NotNegative | None
    started_s: JobSeconds | None
    finished_s: JobSeconds | None
    latency_s: NotNegative | None
    load_s: NotNegative | None
    prefill_s: NotNegative | None
    decode_s: NotNegative | None
    read: Annotated[str | None, Meta(description="the part of the answer that was scored")] = None
    read_where: Annotated[str | None, Meta(description="where that part stood in the answer")] = None
    done_reason: Annotated[str | None, Meta(description="the server's word for why the answer ended")] = None
    answer_state: Annotated[
        AnswerState | None, Meta(description="cut off, thinking only, or empty; null: nothing is the matter")
    ] = None
    thinking_chars: Annotated[Count | None, Meta(description="characters of thinking apart from the answer")] = None
    sandbox_layers: Annotated[tuple[str, ...], Meta(description="what confined the code that was run")] = ()
    judge_reply: Annotated[str | None, Meta(description="what the judge wrote")] = None
    thinking: Annotated[str | None, Meta(description="what the model wrote before its answer")] = None
    truncated: Annotated[bool | None, Meta(description="whether the server cut the prompt")] = None
    whole_prompt_tokens: Annotated[Count | None, Meta(description="tokens of the prompt that the server cut")] = None
    server_fault: Annotated[bool, Meta(description="whether the call failed for the server's sake")] = False


class ModelSwitchEvent(JobEvent, frozen=True, kw_only=True, tag="model_switch"):
    """A load or an unload of a model."""

    step: Step
    model: str
    action: Literal["load", "unload"]
    started_s: JobSeconds
    finished_s: JobSeconds
    purpose: Annotated[SwitchPurpose, Meta(description="what for: a ready task, a later one, a planner or judge")] = (
        SwitchPurpose.TASK
    )


class CallRetryEvent(JobEvent, frozen=True, kw_only=True, tag="call_retry"):
    """A call that failed for the server's sake and is tried again."""

    step: Step
    call: str
    reason: Annotated[str, Meta(description="the HTTP status, or the kind of the error")]
    attempt: Annotated[int, Meta(ge=1, le=LARGEST, description="which retry of the call follows, from 1")]
    at_s: JobSeconds
    wait_s: Annotated[float, Meta(ge=0.0, description="seconds until it is tried again")]


class VramSampleEvent(JobEvent, frozen=True, kw_only=True, tag="vram_sample"):
    """What was resident at one moment, by the server and by NVML."""

    step: Step
    at_s: JobSeconds
    resident: tuple[ResidentRow, ...]
    phase: SamplePhase | None = None
    gpu_used_bytes: Annotated[Count | None, Meta(description="bytes in use on all GPUs")] = None
    gpus: Annotated[tuple[Count, ...] | None, Meta(description="bytes in use on each GPU")] = None
    gpu_processes: tuple[GpuProcess, ...] = ()
    gpu_energy_j: Annotated[NotNegative | None, Meta(description="joules of all GPUs since the driver began")] = None
    gpu_idle_w: Annotated[NotNegative | None, Meta(description="watts of all GPUs before the first case")] = None


class JobSummaryEvent(JobEvent, frozen=True, kw_only=True, tag="job_dag_summary"):
    """The end of a job. `metrics` are for reading along: a report computes them again."""

    status: JobStatus
    error: str | None
    started_ts_ms: Milliseconds
    makespan_s: NotNegative | None
    metrics: Mapping[str, Any]
    host: Annotated[str | None, Meta(description="the server that ran it, where there were several")] = None
    events: Annotated[Mapping[str, Count], Meta(description="type -> events of the job; absent in older runs")] = {}


AnyEvent: TypeAlias = (
    RunStartEvent
    | CollectionEvent
    | RunEndEvent
    | NoteEvent
    | DagStructureEvent
    | PlanStepEvent
    | TaskResultEvent
    | ModelSwitchEvent
    | CallRetryEvent
    | VramSampleEvent
    | JobSummaryEvent
    | MeasuredTestEvent
    | VerifiedCaseEvent
)


def events_schema() -> JsonObject:
    """Return the JSON Schema of one line of events.jsonl."""
    return json_schema(
        *get_args(AnyEvent),
        name=f"swarm-events-{SCHEMA_VERSION}",
        title=f"One line of events.jsonl of pytest-swarm, schema version {SCHEMA_VERSION}",
        description="Not measured is null, never 0. Fields and types of events may be added within a version.",
    )
