"""Events to records: the inverse of `events.py`, one `decode_*` per event type."""

from __future__ import annotations

from pytest_swarm.domain.graph import HorizonDepth, decode_graph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Assignment, Origin, PlannerCall, PlannerFailure, PlanStatus
from pytest_swarm.domain.record import (
    Case,
    CaseKey,
    EstimateRow,
    GpuProcess,
    GpuReading,
    PlanStep,
    ResidentModel,
    RunInfo,
    SamplePhase,
    Switch,
    TaskOutcome,
    TaskStatus,
    VramSample,
)
from pytest_swarm.domain.task import TaskType
from pytest_swarm.fields import Fields


def decode_run_start(fields: Fields) -> RunInfo:
    """The RunInfo of a `run_start` event."""
    fleet = fields.table("fleet")
    return RunInfo(
        run=fields.text("run"),
        started_ts_ms=fields.number("ts_ms"),
        backend=fields.text("backend"),
        backend_detail=fields.text("backend_detail"),
        simulated=fields.flag("simulated"),
        profile=fields.optional_text("profile"),
        fleet=Fleet(name=fleet.text("name"), models=tuple(map(_model, fleet.tables("models")))),
        seed=fields.whole("seed"),
        versions=_texts(fields.table("versions")),
        machine=_texts(fields.table("machine")),
        options=_texts(fields.table("options")),
        command=fields.texts("command"),
    )


def _texts(fields: Fields) -> dict[str, str]:
    return {key: fields.text(key) for key in fields}


def _model(fields: Fields) -> Model:
    return Model(
        tag=fields.text("name"),
        vram_gb=fields.number("vram_gb"),
        load_time_ms=fields.number("load_time_ms"),
        cost_per_token=fields.number("cost_per_token"),
        max_ctx=fields.whole("max_ctx"),
        num_ctx=fields.optional_whole("num_ctx"),
        capabilities={TaskType(kind): prior for kind, prior in fields.table("capabilities").numbers().items()},
        prefill_tokens_per_s=fields.optional_number("prefill_tokens_per_s"),
        decode_tokens_per_s=fields.optional_number("decode_tokens_per_s"),
        keep=fields.flag("keep", default=False),
    )


def decode_dag_structure(fields: Fields) -> Case:
    """The Case of a `dag_structure` event."""
    graph = decode_graph(fields.table("graph"))
    key = CaseKey(
        mode=fields.text("mode"),
        horizon=_depth(fields),
        vram_budget_gb=fields.number("vram_budget_gb"),
        repeat=fields.whole("repeat", low=1),
    )
    return Case(graph=graph, key=key, test=fields.text("test"))


def _depth(fields: Fields) -> HorizonDepth:
    return "flat" if fields.raw("horizon_depth") == "flat" else fields.whole("horizon_depth", low=0)


def decode_plan_step(fields: Fields) -> PlanStep:
    """The PlanStep of a `plan_step` event."""
    origin = fields.table("origin")
    return PlanStep(
        step=fields.whole("step"),
        started_s=fields.number("started_s"),
        mode=fields.text("mode"),
        horizon_depth=_depth(fields),
        vram_budget_gb=fields.number("vram_budget_gb"),
        lambda_token=fields.number("lambda_token"),
        lambda_switch=fields.number("lambda_switch"),
        lambda_latency=fields.number("lambda_latency"),
        horizon_tasks=fields.texts("horizon_tasks"),
        ready_tasks=fields.texts("ready_tasks"),
        resident_before=fields.texts("resident_before"),
        estimates=tuple(map(_estimate, fields.tables("estimates"))),
        switch_cost=fields.table("switch_cost").numbers(),
        vram_gb=fields.table("vram_gb").numbers(),
        stages={task: int(stage) for task, stage in fields.table("stages").numbers().items()},
        assignments=tuple(_assignment(row, origin) for row in fields.tables("assignments")),
        executed=tuple(_assignment(row, origin) for row in fields.tables("executed")),
        target_residency=fields.texts("target_residency"),
        residency_by_stage=_stages(fields),
        retained=fields.texts("retained"),
        planned_vram_gb=fields.number("planned_vram_gb"),
        violation=fields.flag("violation"),
        status=PlanStatus(fields.text("status")),
        objective=fields.optional_number("objective"),
        value=fields.optional_number("value"),
        bound=fields.optional_number("bound"),
        optimum=fields.optional_number("optimum"),
        gap=fields.optional_number("gap"),
        fractional=fields.flag("fractional"),
        fractional_residency=fields.table("fractional_residency").numbers(),
        solver=fields.optional_text("solver"),
        solve_ms=fields.optional_number("solve_ms"),
        decision_ms=fields.number("decision_ms"),
        planner_failures={kind: int(n) for kind, n in fields.table("planner_failures").numbers().items()},
        planner_calls=tuple(map(_planner_call, fields.tables("planner_calls"))),
        reason=fields.optional_text("reason"),
    )


def _estimate(fields: Fields) -> EstimateRow:
    return EstimateRow(
        task=fields.text("task"),
        model=fields.text("model"),
        quality=fields.number("quality"),
        token_cost=fields.number("token_cost"),
        utility=fields.number("utility"),
    )


def _assignment(fields: Fields, origin: Fields) -> Assignment:
    task = fields.text("task")
    return Assignment(task=task, model=fields.text("model"), origin=Origin(origin.text(task)))


def _stages(fields: Fields) -> tuple[tuple[str, ...], ...]:
    stages = fields.raw("residency_by_stage")
    if not isinstance(stages, list) or not all(isinstance(stage, list) for stage in stages):
        raise fields.fail("'residency_by_stage' must be a list of lists of models")
    return tuple(tuple(str(model) for model in stage) for stage in stages)


def _planner_call(fields: Fields) -> PlannerCall:
    return PlannerCall(
        prompt=fields.text("prompt"),
        answer=fields.optional_text("answer"),
        failures=tuple(map(PlannerFailure, fields.texts("failures"))),
        detail=fields.optional_text("detail"),
    )


def decode_task_result(fields: Fields) -> TaskOutcome:
    """The TaskOutcome of a `task_result` event."""
    return TaskOutcome(
        task=fields.text("task"),
        status=TaskStatus(fields.text("status")),
        step=fields.optional_whole("step"),
        model=fields.optional_text("model"),
        answer=fields.optional_text("answer"),
        score=fields.optional_number("score"),
        score_detail=fields.optional_text("score_detail"),
        local_score=fields.optional_number("local_score"),
        error=fields.optional_text("error"),
        error_kind=fields.optional_text("error_kind"),
        prompt_tokens=fields.optional_whole("prompt_tokens"),
        completion_tokens=fields.optional_whole("completion_tokens"),
        token_cost=fields.optional_number("token_cost"),
        started_s=fields.optional_number("started_s"),
        finished_s=fields.optional_number("finished_s"),
        load_s=fields.optional_number("load_s"),
        prefill_s=fields.optional_number("prefill_s"),
        decode_s=fields.optional_number("decode_s"),
    )


def decode_switch(fields: Fields) -> Switch:
    """The Switch of a `model_switch` event."""
    return Switch(
        step=fields.whole("step"),
        model=fields.text("model"),
        action=fields.text("action"),
        started_s=fields.number("started_s"),
        finished_s=fields.number("finished_s"),
    )


def decode_vram_sample(fields: Fields) -> VramSample:
    """The VramSample of a `vram_sample` event."""
    return VramSample(
        step=fields.whole("step"),
        at_s=fields.number("at_s"),
        resident=tuple(
            ResidentModel(
                tag=row.text("model"),
                size_bytes=row.whole("size_bytes"),
                size_vram_bytes=row.whole("size_vram_bytes"),
            )
            for row in fields.tables("resident")
        ),
        phase=SamplePhase(fields.text("phase")) if "phase" in fields else None,
        gpu=_gpu_reading(fields),
    )


def _gpu_reading(fields: Fields) -> GpuReading | None:
    """The reading of a sample; a run from before each GPU was told apart has the sum only."""
    used = fields.raw("gpus") if "gpus" in fields else None
    if used is None:
        total = fields.optional_whole("gpu_used_bytes")
        return None if total is None else GpuReading(used_bytes=(total,))
    if not isinstance(used, list):
        raise fields.fail("'gpus' must be a list of bytes")
    cells = Fields({str(n): each for n, each in enumerate(used)}, where=f"{fields.where}, 'gpus'", error=fields.error)
    return GpuReading(
        used_bytes=tuple(cells.whole(each, low=0) for each in cells),
        processes=tuple(
            GpuProcess(
                gpu=row.whole("gpu"),
                pid=row.whole("pid"),
                name=row.optional_text("name"),
                used_bytes=row.optional_whole("used_bytes"),
            )
            for row in fields.tables("gpu_processes")
        ),
    )
