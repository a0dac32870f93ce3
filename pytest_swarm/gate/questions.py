"""What a gate asks: a question for each rule, expression and mode, sharing the error that is allowed to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_swarm.domain.record import JobRecord, PlanStep
from pytest_swarm.gate.expression import Expression
from pytest_swarm.gate.judging import Question
from pytest_swarm.gate.metric import Kind
from pytest_swarm.gate.pairing import Match, Pairing
from pytest_swarm.gate.policy import Policy
from pytest_swarm.gate.verdict import Rule
from pytest_swarm.metrics.job import is_violation
from pytest_swarm.metrics.measured import MeasuredJob, mode_order


def questions(
    pairing: Pairing, policy: Policy, *, fixed: bool, over: Mapping[tuple[str, int], tuple[str, ...]]
) -> list[Question]:
    """One for each rule, expression and mode. Their levels share the error: min(alpha/2, alpha/m) for m noisy ones."""
    groups: dict[Rule, list[Match]] = {policy.default: []}
    for match in pairing.matches:
        groups.setdefault(policy.rule_of(match.now), []).append(match)
    asked: list[tuple[Rule, Expression, str, tuple[Match, ...]]] = []
    for rule, matches in groups.items():
        if rule.gate == "off" or (not matches and (rule.test is not None or len(groups) > 1)):
            continue
        modes = sorted({match.setup.mode for match in matches}, key=mode_order)
        for expression in rule.expressions:
            asked += [
                (rule, expression, mode, tuple(match for match in matches if match.setup.mode == mode))
                for mode in (modes if expression.mode is None else [expression.mode])
            ]
    noisy = sum(expression.metric.kind is not Kind.COUNT for _, expression, _, _ in asked)
    return [
        Question(
            rule=rule,
            expression=expression,
            mode=mode,
            matches=matches,
            level=_level(expression, noisy),
            reproducible=fixed,
            over=over,
        )
        for rule, expression, mode, matches in asked
    ]


def _level(expression: Expression, noisy: int) -> float:
    alpha = 1 - expression.confidence / 100
    return min(alpha / 2, alpha / max(1, noisy))


def steps_over_budget(jobs: Iterable[MeasuredJob]) -> dict[tuple[str, int], tuple[str, ...]]:
    """Sentences that name the steps over budget, by case digest and occurrence."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for job in jobs:
        if job.metrics.violations:
            sentences = tuple(_sentence(job.record, step) for step in job.record.steps if is_violation(step))
            found[job.record.case.digest, job.occurrence] = sentences
    return found


def _sentence(record: JobRecord, step: PlanStep) -> str:
    key = record.case.key
    models = " + ".join(step.target_residency) or "nothing"
    return (
        f"{record.case.job} [{key.label}] r{key.repeat}, step {step.step}: planned {step.planned_vram_gb:g} GB "
        f"({models}) of {step.vram_budget_gb:g} GB"
    )
