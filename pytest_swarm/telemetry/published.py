"""Reads the telemetry of the published system: its `telemetry.jsonl`, one file for each run of one routing mode.

Owns which of its events and fields are used: `subtask`, `plan_step`, `orchestration`, `job` and `job_costs`, of which
all but the ids may be null. Knows no report. These files hold no expectations and no fleet, so they make no Run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import Struct

from pytest_swarm.codec import JsonDecoder, is_json
from pytest_swarm.errors import EventsError
from pytest_swarm.files import files_below, readable
from pytest_swarm.telemetry import EVENTS_FILE

NAME: Final = "telemetry.jsonl"
_EVENTS: Final = frozenset(
    (
        *("job_start", "dag_structure", "subtask_plan", "plan_step", "orchestration"),
        *("subtask", "job", "job_costs", "job_dag_summary"),
    )
)
_FALLBACK: Final = "fallback"


class _Head(Struct, frozen=True, kw_only=True):
    """What every event of the published system has."""

    event: str
    run_id: str | None = None
    job_id: str | None = None


class _PlanStep(Struct, frozen=True, kw_only=True):
    """The event `plan_step`."""

    lp_solve_time_ms: float | None = None


class _Orchestration(Struct, frozen=True, kw_only=True):
    """The event `orchestration`: who decided a step."""

    routing_source: str | None = None


class _Subtask(Struct, frozen=True, kw_only=True):
    """The event `subtask`: one call."""

    subtask_id: str
    assigned_agent: str
    routing_mode: str | None = None
    actual_latency_ms: float | None = None
    benchmark_score: float | None = None


class _JobEnd(Struct, frozen=True, kw_only=True):
    """The events `job` and `job_costs`."""

    routing_mode: str
    benchmark_name: str | None = None
    gpu_vram_gb: float | None = None
    vram_used_gb: float | None = None
    vram_violation: bool | None = None
    job_score: float | None = None
    sum_token_cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTask:
    """One call: its task and model, and the score and latency where the file has them."""

    task: str
    model: str
    by_fallback: bool
    score: float | None
    latency_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedJob:
    """One job of the published system under one mode; None = not in the file.

    `token_cost` is cost per token times tokens, summed over the calls. `solve_ms` is the time of all plan steps.
    """

    run: str
    job: str
    mode: str
    benchmark: str | None
    score: float | None
    budget_gb: float | None
    vram_gb: float | None
    violated: bool | None
    token_cost: float | None
    solve_ms: float | None
    steps: int
    fallback_steps: int
    tasks: tuple[PublishedTask, ...]

    @property
    def latency_s(self) -> float | None:
        """The sum of the calls in seconds; None where a call has none."""
        known = [each.latency_s for each in self.tasks if each.latency_s is not None]
        return sum(known) if known and len(known) == len(self.tasks) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTelemetry:
    """The jobs of one or more files, in their order; `notes` say what could not be read."""

    jobs: tuple[PublishedJob, ...]
    notes: tuple[str, ...] = ()


def published_files(path: Path) -> tuple[Path, ...]:
    """Return the files of published telemetry at a path: the file itself, or all in a folder; empty where it has none.

    A folder with an events.jsonl is a run of ours. A file is recognized by its first event.
    """
    if path.is_dir():
        return () if (path / EVENTS_FILE).exists() else tuple(each for each in files_below(path) if each.name == NAME)
    try:
        with readable(path).open("rb") as file:
            first = file.readline()
    except OSError:
        return ()  # the reader of events says what is wrong with it
    if not is_json(first):
        return ()
    try:
        head = _HEADS.decode(first, where=str(path))
    except EventsError:
        return ()  # the reader of events says so, in its own words
    return (path,) if head.event in _EVENTS and head.run_id and head.job_id else ()


def read_published(paths: Iterable[Path]) -> PublishedTelemetry:
    """Return the jobs of files of published telemetry.

    Raises:
        EventsError: A line is not an event, or a job ends twice; the message names file, line and field.
    """
    reader = _PublishedReader()
    for path in paths:
        reader.take_file(path)
    return reader.finish()


@dataclass(slots=True)
class _OpenJob:
    """What was read of a job so far; `ends` are its `job` and `job_costs` by event."""

    solve_ms: list[float] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    steps: int = 0
    tasks: dict[str, PublishedTask] = field(default_factory=dict)
    ends: dict[str, _JobEnd] = field(default_factory=dict)


class _PublishedReader:
    """Gathers events into jobs, by run and job."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _OpenJob] = {}
        self._notes: list[str] = []

    def take_file(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise EventsError(f"{path}: cannot be read as telemetry: {error.strerror}") from error
        if lines and not lines[-1].endswith(b"\n") and not is_json(lines[-1]):
            lines.pop()
            self._notes.append(f"the last line of {path} was cut off and left out")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._take(line, f"{path}, line {number}")

    def _take(self, line: bytes, where: str) -> None:
        head = _HEADS.decode(line, where=where)
        if head.event not in _EVENTS:
            return
        if not head.run_id or not head.job_id:
            raise EventsError(f"{where}: event {head.event!r} names no run or no job")
        job = self._open.setdefault((head.run_id, head.job_id), _OpenJob())
        match head.event:
            case "plan_step":
                step = _STEPS.decode(line, where=where)
                job.steps += 1
                job.solve_ms += [] if step.lp_solve_time_ms is None else [step.lp_solve_time_ms]
            case "orchestration":
                job.sources.append(_ORCHESTRATIONS.decode(line, where=where).routing_source)
            case "subtask":
                _add_task(job, _SUBTASKS.decode(line, where=where), where)
            case "job" | "job_costs":
                if head.event in job.ends:
                    raise EventsError(f"{where}: job {head.job_id!r} of run {head.run_id!r} ends a second time")
                job.ends[head.event] = _ENDS.decode(line, where=where)

    def finish(self) -> PublishedTelemetry:
        jobs: list[PublishedJob] = []
        for (run, job), found in self._open.items():
            if "job" in found.ends:
                jobs.append(_job(run, job, found))
            else:
                self._notes.append(f"job {job} of run {run} has no end and is left out")
        return PublishedTelemetry(jobs=tuple(jobs), notes=tuple(self._notes))


def _add_task(job: _OpenJob, event: _Subtask, where: str) -> None:
    if event.subtask_id in job.tasks:
        raise EventsError(f"{where}: task {event.subtask_id!r} has a second result in the same job")
    job.tasks[event.subtask_id] = PublishedTask(
        task=event.subtask_id,
        model=event.assigned_agent,
        by_fallback=event.routing_mode == _FALLBACK,
        score=event.benchmark_score,
        latency_s=None if event.actual_latency_ms is None else event.actual_latency_ms / 1000.0,
    )


def _job(run: str, job: str, found: _OpenJob) -> PublishedJob:
    end, costs = found.ends["job"], found.ends.get("job_costs")
    return PublishedJob(
        run=run,
        job=job,
        mode=end.routing_mode,
        benchmark=end.benchmark_name,
        score=end.job_score,
        budget_gb=end.gpu_vram_gb,
        vram_gb=end.vram_used_gb,
        violated=end.vram_violation,
        token_cost=None if costs is None else costs.sum_token_cost,  # `job` has 0 there, always
        solve_ms=sum(found.solve_ms) if found.solve_ms else None,
        steps=found.steps or len(found.sources),
        fallback_steps=found.sources.count(_FALLBACK),
        tasks=tuple(found.tasks.values()),
    )


_HEADS: Final[JsonDecoder[_Head]] = JsonDecoder(_Head, error=EventsError)
_STEPS: Final[JsonDecoder[_PlanStep]] = JsonDecoder(_PlanStep, error=EventsError)
_ORCHESTRATIONS: Final[JsonDecoder[_Orchestration]] = JsonDecoder(_Orchestration, error=EventsError)
_SUBTASKS: Final[JsonDecoder[_Subtask]] = JsonDecoder(_Subtask, error=EventsError)
_ENDS: Final[JsonDecoder[_JobEnd]] = JsonDecoder(_JobEnd, error=EventsError)
