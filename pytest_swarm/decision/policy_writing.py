"""From a decision to the policy file that plays it: weights, fleet, estimates with counts, table, provenance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import fmean
from typing import Final

from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.measured_policies import PolicySetting
from pytest_swarm.decision.option_effects import READ_BY, may_read
from pytest_swarm.domain.estimates_info import EstimatesKind
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import RunInfo
from pytest_swarm.domain.run_options import OptionRole, names_of, text_of
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.errors import PolicyError
from pytest_swarm.estimate.estimate_formulas import DIFFICULTY_PENALTY
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.slow_server import usual_loads_s
from pytest_swarm.routing.policy_file import (
    MODEL_FIELDS,
    PolicyCell,
    PolicyEstimate,
    PolicyFile,
    PolicyModel,
    PolicyProvenance,
    PolicyRun,
    PolicyWeights,
)
from pytest_swarm.routing.registry import built_in

RULES_OVER_TYPES: Final = frozenset({"fixed", "collate", "single"})
"""Modes in which the type of a task alone decides its model."""
_DIGITS: Final = 12  # of a quality: what is beyond them is rounding


def policy_of(decision: PolicyDecision, *, now: datetime) -> PolicyFile:
    """Return the file of the policy that a decision leads to: the chosen one, else the present one.

    Args:
        decision: The decision.
        now: The date that the file bears.

    Raises:
        PolicyError: There is none to write, as `why_no_policy` says.
    """
    reason = why_no_policy(decision)
    if reason is not None:
        raise PolicyError(f"decide: {reason}")
    setting = decision.in_force
    first = decision.run_of(setting)
    jobs = decision.jobs_under(setting)
    step = next(step for job in jobs for step in job.record.steps)
    read = planning_options(setting.mode)
    believed = _believed_qualities(first, jobs)
    loads_s = usual_loads_s(job for policy in decision.policies for job in decision.jobs_under(policy))
    return PolicyFile(
        schema="swarm-policy/1",
        mode=setting.mode,
        horizon_depth=setting.horizon,
        vram_budget_gb=decision.budget_gb,
        weights=PolicyWeights(token=step.lambda_token, switch=step.lambda_switch, latency=step.lambda_latency),
        fleet_name=first.fleet.name,
        assign=dict(first.fleet.assign),
        models=_models(first, believed, loads_s),
        estimates=_estimates(decision, jobs, believed),
        estimates_from=text_of("swarm_estimates", first.options),
        learning=None if first.estimates is None else first.estimates.learning,
        options={name: text for name, text in sorted(first.options.items()) if name in read},
        rule_over_types=setting.mode.partition(":")[0] in RULES_OVER_TYPES,
        table=type_table(jobs),
        provenance=_provenance(decision, now),
    )


def why_no_policy(decision: PolicyDecision) -> str | None:
    """Return why a decision leads to no policy that could be written; None where it leads to one.

    There were too few jobs, a policy file is in force already, or a policy that nobody chose nor named.
    """
    setting = decision.in_force
    if decision.choice.ruling is Ruling.TOO_FEW:
        verb = "decides" if decision.choice.jobs == 1 else "decide"
        return f"{decision.counted} {verb} nothing, so there is no policy to write"
    if decision.stand_in_force:
        return (
            f"no policy was chosen, and {decision.measured.name_of(setting)} only stands for what is done now, so it "
            "is not written; name what is done with decide RUN --against=MODE --policy=FILE"
        )
    if plays_a_file(setting):
        return f"{setting.mode} is in force, and that is a policy file already; use it as it is"
    return None


def planning_options(mode: str) -> frozenset[str]:
    """Return the options that change how a mode plans; every one of them for a mode of your own.

    Args:
        mode: The mode with its argument.
    """
    return frozenset(each for each in names_of(OptionRole.PLANNING) if each not in READ_BY or may_read(mode, each))


def plays_a_file(setting: PolicySetting) -> bool:
    """Return whether a policy is played from a file, which cannot stand in another one."""
    row = built_in(setting.mode)
    return row is not None and row.argument is not None and row.argument.kind == "file"


def _believed_qualities(run: RunInfo, jobs: Iterable[MeasuredJob]) -> dict[tuple[str, str], float]:
    """Return the quality at difficulty 1 that routers started from, by model and type of task.

    Priors are the fleet's. Others are those of the file, or read from the first step of each job, before anything was
    learned: where they differ between jobs (cross-fitted estimates), their mean. Qualities that were cut off at 0 or 1
    are left out.
    """
    kind = None if run.estimates is None else run.estimates.kind
    if kind is EstimatesKind.PRIOR:
        return {(model.tag, kind): model.capability(kind) for model in run.fleet for kind in _types(jobs)}
    read = {key: min(1.0, round(fmean(values), _DIGITS)) for key, values in _first_qualities(jobs).items()}
    if run.estimates is None or kind is not EstimatesKind.FILE:
        return read
    tags = {full_tag(model.tag): model.tag for model in run.fleet}
    return read | {(tags[full_tag(row.model)], row.type): row.estimate for row in run.estimates.rows}


def _first_qualities(jobs: Iterable[MeasuredJob]) -> dict[tuple[str, str], list[float]]:
    """Return the qualities at difficulty 1 of the first step of each job, by model and type of task."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for job in jobs:
        graph = job.record.case.graph
        for row in job.record.steps[0].estimates if job.record.steps else ():
            if 0 < row.quality < 1:
                task = graph.task(row.task)
                found[row.model, task.type].append(row.quality + DIFFICULTY_PENALTY * (task.difficulty - 1))
    return found


def _types(jobs: Iterable[MeasuredJob]) -> set[str]:
    return {task.type for job in jobs for task in job.record.case.graph.tasks}


def type_table(jobs: Iterable[MeasuredJob]) -> tuple[PolicyCell, ...]:
    """Return which model each type of task was given, by what was resident when it was planned."""
    chosen: dict[tuple[str, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
    behind: dict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
    for job in jobs:
        graph = job.record.case.graph
        for step in job.record.steps:
            for each in step.executed:
                cell = graph.task(each.task).type, tuple(sorted(step.resident_before))
                chosen[cell][each.model] += 1
                behind[cell].add(graph.digest)
    cells: list[PolicyCell] = []
    types = in_type_order(kind for kind, _ in chosen)
    for kind, resident in sorted(chosen, key=lambda cell: (types.index(cell[0]), len(cell[1]), cell[1])):
        counts = chosen[kind, resident]
        model, most = min(counts.items(), key=lambda each: (-each[1], each[0]))
        cells.append(
            PolicyCell(
                type=kind,
                resident=resident,
                model=model,
                share=most / counts.total(),
                tasks=counts.total(),
                jobs=len(behind[kind, resident]),
            )
        )
    return tuple(cells)


def _models(
    run: RunInfo, believed: Mapping[tuple[str, str], float], loads_s: Mapping[str, float]
) -> tuple[PolicyModel, ...]:
    return tuple(
        PolicyModel(
            name=model.tag,
            capabilities={
                **model.capabilities,
                **{kind: value for (tag, kind), value in sorted(believed.items()) if tag == model.tag},
            },
            **MODEL_FIELDS.of(model),
            digest=run.model_digests.get(model.tag),
            measured_load_s=round(loads_s[model.tag], 3) if model.tag in loads_s else None,
        )
        for model in run.fleet
    )


def _estimates(
    decision: PolicyDecision, jobs: Sequence[MeasuredJob], believed: Mapping[tuple[str, str], float]
) -> tuple[PolicyEstimate, ...]:
    """Return what every policy of the decision measured of each model and type, beside what was believed."""
    first = decision.run_of(decision.in_force)
    scores = _measured_scores(decision)
    types = in_type_order({kind for _, kind in believed} | {kind for _, kind in scores})
    own = _first_qualities(jobs) if first.estimates is not None and first.estimates.kind.per_job else {}
    rows: list[PolicyEstimate] = []
    for model in first.fleet:
        for kind in types:
            seen = scores.get((model.tag, kind), [])
            quality = believed.get((model.tag, kind), model.capability(kind))
            rows.append(
                PolicyEstimate(
                    model=model.tag,
                    type=kind,
                    believed=quality,
                    score=fmean(seen) if seen else None,
                    tasks=len(seen),
                    spread=round(max((abs(each - quality) for each in own.get((model.tag, kind), ())), default=0.0), 6),
                )
            )
    return tuple(rows)


def _measured_scores(decision: PolicyDecision) -> dict[tuple[str, str], list[float]]:
    """Return the scores of each model and type, every answer once: policies that share an answer count it once."""
    seen: dict[tuple[str, str], dict[tuple[object, ...], float]] = defaultdict(dict)
    for policy in decision.policies:
        for job in decision.jobs_under(policy):
            graph = job.record.case.graph
            outcomes = {each.task: each for each in job.record.outcomes}
            for task, model in job.task_model.items():
                score = outcomes[task].score
                if score is not None:
                    key = (graph.digest, task, job.key.repeat, outcomes[task].answer)
                    seen[model, graph.task(task).type][key] = score
    return {key: list(values.values()) for key, values in seen.items()}


def _provenance(decision: PolicyDecision, now: datetime) -> PolicyProvenance:
    first, choice = decision.runs[0], decision.choice
    estimate = None if choice.best is None else choice.estimate(choice.best)
    return PolicyProvenance(
        runs=tuple(
            PolicyRun(
                run=run.run,
                started_ts_ms=run.started_ts_ms,
                digest=digest,
                complete=run.run not in decision.cut_off,
            )
            for run, digest in zip(decision.runs, decision.run_digests, strict=True)
        ),
        backend=first.backend,
        backend_detail=first.backend_detail,
        simulated=first.simulated,
        profile=first.profile,
        versions=dict(first.versions),
        written=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool_version=version("pytest-swarm-router"),
        ruling=choice.ruling.value,
        decided_by=decision.question.by.name,
        against=decision.present.name,
        against_assumed=decision.present_assumed,
        jobs=choice.jobs,
        families=choice.families if decision.measured.declares_families else None,
        repeats=decision.repeats,
        gain=choice.honest,
        gain_low=None if estimate is None else estimate.gain.low,
        gain_high=None if estimate is None else estimate.gain.high,
        figures=decision.figures.origin.value,
        verified_cases=decision.figures.verified,
        makespan_off=decision.figures.off,
        fault=decision.fault_in_force,
        host=None if first.simulated or len({run.host for run in decision.runs}) > 1 else first.host,
    )
