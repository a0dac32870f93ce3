"""What happened: a case, its plan steps, task outcomes and residency, as one JobRecord.

A JobRecord holds facts only. Every figure of a report is computed from it (`pytest_swarm.metrics`), and it is
rebuilt, equal, from events.jsonl (`pytest_swarm.telemetry`). Times within a job are seconds since its start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.answer_state import AnswerState
from pytest_swarm.domain.estimates_info import EstimatesInfo
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.measured_run import MeasuredTest, VerifiedCase
from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Assignment, PlannerCall, PlanStatus, RunningTask
from pytest_swarm.domain.rebuilt import Rebuilt
from pytest_swarm.domain.retry import Retry
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import VramSample
from pytest_swarm.units import format_gb


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKey:
    """One point of the parametrization: mode, horizon depth, VRAM budget in GB, repeat (from 1).

    `lambda_token` is the weight of token cost where a run sweeps it; None = the one weight of the run.
    """

    mode: str
    horizon: HorizonDepth
    vram_budget_gb: float
    repeat: int = 1
    lambda_token: float | None = None

    @property
    def label(self) -> str:
        """`lp-h3-8GB`, `llm-flat-8GB`, `milp-h3-8GB-t0.25`: without the repeat, as in test ids."""
        depth = "flat" if self.horizon == "flat" else f"h{self.horizon}"
        swept = "" if self.lambda_token is None else f"-{lambda_label(self.lambda_token)}"
        return f"{self.mode}-{depth}-{format_gb(self.vram_budget_gb)}{swept}"


def lambda_label(lambda_token: float) -> str:
    """Return `t0.25`: how ids and tables name a swept weight of token cost; no two weights have one name."""
    return f"t{float(lambda_token)!r}".removesuffix(".0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """(graph, mode, horizon, VRAM budget, repeat): one parametrized run of one job. `test` is the pytest node id.

    `digest` is the identity of the case by content: graph, mode, horizon, budget, repeat, swept weight; never by test.
    """

    graph: TaskGraph
    key: CaseKey
    test: str = ""
    digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        k = self.key
        text = f"{self.graph.digest}|{k.mode}|{k.horizon}|{k.vram_budget_gb:.6f}|{k.repeat}"
        text += "" if k.lambda_token is None else f"|{lambda_label(k.lambda_token)}"
        object.__setattr__(self, "digest", hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16])

    @property
    def job(self) -> str:
        """The job's name: that of its graph."""
        return self.graph.name

    @property
    def label(self) -> str:
        """Job and key, as in `wb1 [lp-h3-8GB]`."""
        return f"{self.job} [{self.key.label}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRow:
    """What the router was told of one task on one model; `utility` is the term of the objective."""

    task: str
    model: str
    quality: float
    token_cost: float
    utility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep(Rebuilt):
    """One step of the receding horizon: the whole problem instance and the answer (the event `plan_step`)."""

    step: int
    started_s: float
    mode: str
    horizon_depth: HorizonDepth
    vram_budget_gb: float
    lambda_token: float
    lambda_switch: float
    lambda_latency: float
    horizon_tasks: tuple[str, ...]
    ready_tasks: tuple[str, ...]
    resident_before: tuple[str, ...]
    estimates: tuple[EstimateRow, ...]
    switch_cost: Mapping[str, float]
    vram_gb: Mapping[str, float]
    stages: Mapping[str, int]
    assignments: tuple[Assignment, ...]
    executed: tuple[Assignment, ...]
    target_residency: tuple[str, ...]
    residency_by_stage: tuple[tuple[str, ...], ...]
    retained: tuple[str, ...]
    planned_vram_gb: float
    violation: bool
    status: PlanStatus
    objective: float | None
    value: float | None
    bound: float | None
    gap: float | None
    fractional: bool
    fractional_residency: Mapping[str, float]
    solver: str | None
    solve_ms: float | None
    decision_ms: float
    planner_failures: Mapping[str, int]
    planner_calls: tuple[PlannerCall, ...]
    reason: str | None = None
    optimum: float | None = None  # of the best plan with one residency, beside any router's; None = not known
    deferred: tuple[str, ...] = ()  # tasks of the horizon that the plan leaves to a later one
    ready_since: Mapping[str, int] = field(default_factory=dict)  # ready task -> the step from which on it was ready
    last_used: Mapping[str, int] = field(default_factory=dict)  # model -> the last step in which it ran a task
    running: tuple[RunningTask, ...] | None = None  # tasks that ran meanwhile; None where steps end before the next
    shares_with: Mapping[str, str] = field(default_factory=dict)  # model -> the one with its weights, in VRAM for both

    def held(self, tags: Iterable[str]) -> frozenset[str]:
        """Return the models that stand for the weights of models, as the residency of the step names them."""
        return frozenset(self.shares_with.get(tag, tag) for tag in tags)

    def __post_init__(self) -> None:
        costs = ("switch_cost", "vram_gb", "fractional_residency", "planner_failures")
        for name in (*costs, "stages", "ready_since", "last_used", "shares_with"):
            value = getattr(self, name)
            if not isinstance(value, MappingProxyType):  # one that cannot be written may be shared by many steps
                object.__setattr__(self, name, MappingProxyType(dict(value)))


class TaskStatus(StrEnum):
    """How a task ended."""

    OK = "ok"
    FAILED = "failed"  # it was run, and the call failed
    SKIPPED = "skipped"  # it was never run; `error` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """One task's end. None = not measured. `answer` is model output: hostile data.

    `score` is None for a task that could not be scored or was not run; whether the latter counts as 0 is the metrics'
    business. `local_score` holds the answer against what was right for the task's real inputs. `read` is the part of
    the answer that was scored, `answer_state` what is the matter with it (None = nothing). `thinking`, model output
    too, stood before it, `thinking_chars` is its length. Token counts and durations are the server's own. There is no
    score where the server cut the prompt (`truncated`; `whole_prompt_tokens` is how long it was, where the server told
    it), or is to blame for a failed call (`server_fault`).
    """

    task: str
    status: TaskStatus
    step: int | None = None
    model: str | None = None
    answer: str | None = None
    score: float | None = None
    score_detail: str | None = None
    local_score: float | None = None
    error: str | None = None
    error_kind: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    token_cost: float | None = None
    started_s: float | None = None
    finished_s: float | None = None
    load_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    read: str | None = None
    read_where: str | None = None
    done_reason: str | None = None
    answer_state: AnswerState | None = None
    thinking_chars: int | None = None
    sandbox_layers: tuple[str, ...] = ()
    judge_reply: str | None = None
    thinking: str | None = None
    truncated: bool | None = None
    whole_prompt_tokens: int | None = None
    server_fault: bool = False

    @property
    def latency_s(self) -> float | None:
        """Seconds of the one call, as the client saw it."""
        return None if self.started_s is None or self.finished_s is None else self.finished_s - self.started_s


class JobStatus(StrEnum):
    """How a job ended; only a `completed` one has a score."""

    COMPLETED = "completed"  # the loop came to its end, also where tasks failed
    INFEASIBLE = "infeasible"  # no plan existed
    ERROR = "error"  # a call failed for the server's sake, or the program stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One TaskGraph run once under one routing mode. One that was read from events makes its parts as they are read."""

    case: Case
    status: JobStatus
    simulated: bool
    started_ts_ms: float = field(compare=False, default=0.0)
    steps: Sequence[PlanStep] = ()
    outcomes: Sequence[TaskOutcome] = ()
    switches: Sequence[Switch] = ()
    samples: Sequence[VramSample] = ()
    retries: Sequence[Retry] = ()
    makespan_s: float | None = None
    error: str | None = None
    host: str | None = None  # the server that ran it, where there were several
    server_fault: bool = field(compare=False, default=False)  # whether it failed for the server's sake; False if read

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return the outcome of a task; KeyError where the job has none."""
        return {outcome.task: outcome for outcome in self.outcomes}[task_id]


SIMULATED_BACKEND: Final = "sim"
MEASURED_BACKEND: Final = "measure"
REPLAYED_BACKEND: Final = "replay"
"""Kinds of `RunInfo.backend` on virtual time: the simulator, answers that were measured once, and a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo(Rebuilt):
    """What a whole run was: the first line of events.jsonl.

    `versions` maps package -> version, `machine` holds texts such as platform; `command` reproduces the run.
    `model_digests` are those of the fleet's models on the server, by tag, where it tells them; `host` is its URL.
    """

    run: str
    started_ts_ms: float
    backend: str
    backend_detail: str
    simulated: bool
    profile: str | None
    fleet: Fleet
    seed: int
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    options: Mapping[str, str]
    command: tuple[str, ...]
    estimates: EstimatesInfo | None = None  # None = not written down, by an earlier version
    model_digests: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None  # None = no server over HTTP, several, or not written down, by an earlier version

    def __post_init__(self) -> None:
        for name in ("versions", "machine", "options", "model_digests"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A whole run as read back: its info, its jobs in the order they ended, and whether it came to its end.

    `notes` are sentences for the reader: warnings, and what was not run and why. `collected` are the benchmarks to run;
    `failed` all tests that failed, None = not told. `measured` and `verified`: what was asked, and run for real.
    `lost` are the notes that say which lines of the file were left out; `parts` are those of a merged run.
    """

    info: RunInfo
    jobs: tuple[JobRecord, ...]
    complete: bool
    notes: tuple[str, ...] = ()
    collected: tuple[str, ...] = ()
    failed: tuple[str, ...] | None = None
    measured: tuple[MeasuredTest, ...] = ()
    verified: tuple[VerifiedCase, ...] = ()
    lost: tuple[str, ...] = ()
    parts: MergedParts | None = None

    @property
    def lost_tests(self) -> tuple[str, ...]:
        """The benchmarks that failed and left no job."""
        ran = {job.case.test for job in self.jobs} if self.failed else set()
        return tuple(test for test in self.failed or () if test in self.collected and test not in ran)
