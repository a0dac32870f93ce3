"""The types of the blocks of report.json, but for the metrics, which `report_schema` takes from their table."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from pytest_swarm.domain.estimates_info import EstimatesInfo
from pytest_swarm.domain.measured_run import PredictedAndReal
from pytest_swarm.domain.record import JobStatus, TaskStatus
from pytest_swarm.telemetry.event_fields import FleetModel, Milliseconds

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Depth: TypeAlias = Annotated[int, Meta(ge=0)] | Literal["flat"]
Budget: TypeAlias = Annotated[float, Meta(gt=0.0)]
Jobs: TypeAlias = Annotated[Count, Meta(description="jobs")]
Tasks: TypeAlias = Annotated[Count, Meta(description="tasks")]
Pairs: TypeAlias = Annotated[Count, Meta(description="pairs of jobs")]
Mean: TypeAlias = Annotated[float | None, Meta(description="mean over pairs")]
ModeName: TypeAlias = Annotated[str, Meta(description="routing mode")]
OneDepth: TypeAlias = Annotated[Depth, Meta(description='depth of the horizon, or "flat"')]
AnyDepth: TypeAlias = Annotated[Depth | None, Meta(description='depth of the horizon, "flat", or null for all of them')]
OneBudget: TypeAlias = Annotated[Budget, Meta(description="VRAM budget in GB (10^9 bytes)")]
AnyBudget: TypeAlias = Annotated[Budget | None, Meta(description="VRAM budget in GB, null for all of them")]
SweptWeight: TypeAlias = Annotated[
    Annotated[float, Meta(ge=0.0)] | None,
    Meta(description="weight of token cost where the run sweeps it; null over all of them, or where it does not"),
]


class FleetBlock(Struct, frozen=True, kw_only=True):
    """The fleet of a run."""

    name: Annotated[str, Meta(description="where it comes from")]
    digest: Annotated[str, Meta(description="content digest")]
    models: tuple[FleetModel, ...]


class VerifiedEntry(Struct, frozen=True, kw_only=True):
    """A case that was played on measured answers and run for real as well."""

    case: Annotated[str, Meta(description="identity of the case")]
    job: Annotated[str, Meta(description="name of the graph")]
    label: Annotated[str, Meta(description="mode, horizon and budget")]
    figures: Annotated[dict[str, PredictedAndReal], Meta(description="metric -> predicted and real")]
    questions: Annotated[Count, Meta(description="questions of tasks that were the same for real")] = 0
    other_answers: Annotated[Count, Meta(description="of these, how many got another answer")] = 0


class VerifiedSum(Struct, frozen=True, kw_only=True):
    """A figure over all verified cases."""

    metric: Annotated[str, Meta(description="name of the metric")]
    cases: Annotated[Count, Meta(description="cases of which both values are known")]
    predicted: Annotated[float, Meta(description="sum of the predicted values")]
    real: Annotated[float, Meta(description="sum of the real values")]
    off: Annotated[float | None, Meta(description="(predicted - real) / real")]
    low: Annotated[float | None, Meta(description="lower end of the 95 % interval of a case's relative error")]
    high: Annotated[float | None, Meta(description="upper end")]
    far_off: Annotated[bool, Meta(description="off by more than 20 %")]


class MeasureBlock(Struct, frozen=True, kw_only=True):
    """What a run on measured answers has measured, and what its times are worth."""

    answers_known: Annotated[Count, Meta(description="answers that the store had before")]
    answers_asked: Annotated[Count, Meta(description="answers that were asked of the server")]
    loads: Annotated[Count, Meta(description="models that were loaded to measure")]
    server_s: Annotated[float, Meta(description="seconds of the server")]
    without_store_s: Annotated[float, Meta(description="seconds that all cases would take for real, as predicted")]
    waves: Annotated[Count, Meta(description="rounds of measuring")]
    unmeasured: Annotated[Count, Meta(description="cases that lack answers")]
    stalled: Annotated[Count, Meta(description="answers whose prompt stalled, and is played at the usual speed")]
    stalled_s: Annotated[float, Meta(description="seconds that these prompts took beyond that")]
    verified: Annotated[list[VerifiedEntry], Meta(description="cases that were run for real as well")]
    verified_figures: Annotated[list[VerifiedSum], Meta(description="predicted against real")]


class RunBlock(Struct, frozen=True, kw_only=True):
    """What the run was."""

    run: Annotated[str, Meta(description="name of the run")]
    started_ts_ms: Milliseconds
    complete: Annotated[bool, Meta(description="whether the run came to its end")]
    backend: Annotated[str, Meta(description="ollama, measure, sim, record or replay")]
    backend_detail: Annotated[str, Meta(description="which one, and why")]
    simulated: Annotated[bool, Meta(description="whether the figures come from the simulator")]
    profile: Annotated[str | None, Meta(description="simulator profile")]
    seed: int
    fleet: FleetBlock
    options: dict[str, str]
    versions: dict[str, str]
    machine: dict[str, str]
    command: Annotated[list[str], Meta(description="command line that reproduces the run")]
    measure: Annotated[
        MeasureBlock | None, Meta(description="of backend measure: answers are measured, times predicted")
    ] = None
    estimates: Annotated[
        EstimatesInfo | None, Meta(description="where the estimates start; null in runs of earlier versions")
    ] = None
    host: Annotated[str | None, Meta(description="the one server that was asked; null where there is none")] = None


class IntervalBlock(Struct, frozen=True, kw_only=True):
    """A 95 % interval of the mean beside it, clustered by job, or by family of jobs."""

    low: Annotated[float | None, Meta(description="lower end")]
    high: Annotated[float | None, Meta(description="upper end")]
    confidence: Annotated[float, Meta(description="0.95")]
    samples: Annotated[Count, Meta(description="values")]
    clusters: Annotated[Count, Meta(description="jobs (graphs); those of one family count once")]
    note: Annotated[str | None, Meta(description="why there are no ends")]


class TaskEntry(Struct, frozen=True, kw_only=True):
    """One task of a job; prompts and answers are in events.jsonl."""

    task: Annotated[str, Meta(description="task id")]
    type: Annotated[str, Meta(description="task type")]
    model: Annotated[str | None, Meta(description="model that ran it")]
    status: TaskStatus
    step: Annotated[int | None, Meta(description="plan step")]
    score: Annotated[
        Share | None, Meta(description="its part in the job's score: 0 where it was not run, null where it is left out")
    ]
    local_score: Annotated[Share | None, Meta(description="score against what was right for the inputs really given")]
    error: Annotated[str | None, Meta(description="why it was not run")]
    error_kind: Annotated[str | None, Meta(description="stable word for the error")]
    prompt_tokens: Annotated[int | None, Meta(description="as the server counted them")]
    completion_tokens: Annotated[int | None, Meta(description="as the server counted them")]
    token_cost: Annotated[float | None, Meta(description="cost per token times tokens")]
    latency_s: Annotated[float | None, Meta(description="seconds of the call")]


class CaseHead(Struct, frozen=True, kw_only=True):
    """What was run, and how it ended."""

    digest: Annotated[str, Meta(description="identity of the case: graph, mode, horizon, budget and repeat")]
    test: Annotated[str, Meta(description="pytest node id")]
    job: Annotated[str, Meta(description="name of the graph")]
    graph_digest: Annotated[str, Meta(description="content digest of the graph")]
    case_version: Annotated[int, Meta(description="version of the graph")]
    family: Annotated[str | None, Meta(description="the template that the job is a variant of")] = None
    mode: ModeName
    horizon_depth: OneDepth
    vram_budget_gb: OneBudget
    lambda_token: SweptWeight = None
    repeat: Annotated[Annotated[int, Meta(ge=1)], Meta(description="from 1")]
    status: JobStatus
    error: Annotated[str | None, Meta(description="why it is not completed")]
    host: Annotated[str | None, Meta(description="the server that ran it; null: there was one at most")] = None
    simulated: Annotated[bool, Meta(description="whether its figures come from the simulator")]
    started_ts_ms: Milliseconds


class AggregateHead(Struct, frozen=True, kw_only=True):
    """Which jobs of one mode are summed up, and how they ended."""

    mode: ModeName
    horizon_depth: AnyDepth
    vram_budget_gb: AnyBudget
    lambda_token: SweptWeight = None
    jobs: Jobs
    completed: Annotated[Count, Meta(description="jobs that were completed")]
    infeasible: Annotated[Count, Meta(description="jobs without a feasible plan")]
    errors: Annotated[Count, Meta(description="jobs that ended by an error")]
    scored: Annotated[Count, Meta(description="jobs that have a score")]


class PointHead(Struct, frozen=True, kw_only=True):
    """Horizon and budget of a point of a look-ahead curve."""

    horizon_depth: OneDepth
    vram_budget_gb: OneBudget
    lambda_token: SweptWeight = None
    jobs: Jobs


class ComparisonBlock(Struct, frozen=True, kw_only=True):
    """Two modes against each other, over everything or at one horizon and budget."""

    mode: Annotated[str, Meta(description="the mode that is judged")]
    reference: Annotated[str, Meta(description="the mode that it is judged against")]
    horizon_depth: AnyDepth
    vram_budget_gb: AnyBudget
    lambda_token: SweptWeight = None
    pairs: Annotated[Count, Meta(description="complete pairs: the same graph, horizon, budget and repeat, both scored")]
    incomplete: Annotated[Count, Meta(description="pairs with a side missing, failed or unscored")]
    score_mode: Mean
    score_reference: Mean
    difference: Annotated[float | None, Meta(description="mean over pairs of score(mode) - score(reference)")]
    difference_interval: IntervalBlock | None
    jobs_won: Annotated[Count, Meta(description="pairs that the mode won")]
    jobs_lost: Annotated[Count, Meta(description="pairs that the mode lost")]
    jobs_tied: Annotated[Count, Meta(description="pairs of equal score")]
    tasks_compared: Annotated[Count, Meta(description="tasks that ran under both modes")]
    tasks_diverged: Annotated[Count, Meta(description="tasks that were sent to different models")]
    routing_divergence_pct: Annotated[
        Annotated[float, Meta(ge=0.0, le=100.0)] | None, Meta(description="share of diverged tasks in percent")
    ]
    when_differed_better: Annotated[Count, Meta(description="diverged tasks on which the mode scored better")]
    when_differed_worse: Annotated[Count, Meta(description="diverged tasks on which the reference scored better")]
    when_differed_tie: Annotated[Count, Meta(description="diverged tasks of equal score")]
    when_differed_unscored: Annotated[Count, Meta(description="diverged tasks of which a side has no score")]


class PublishedComparison(Struct, frozen=True, kw_only=True):
    """LP against LLM over all complete pairs, under the published names."""

    jobs_lp_won: Pairs
    jobs_llm_won: Pairs
    jobs_tied: Pairs
    routing_divergence_pct: Annotated[float | None, Meta(description="percent")]
    when_differed_lp_better: Tasks
    when_differed_llm_better: Tasks
    when_differed_tie: Tasks
    when_differed_unscored: Tasks
    total_subtasks_compared: Tasks
