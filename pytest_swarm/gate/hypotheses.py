"""What a gate asks: a question for each rule, expression and mode, sharing the error that is allowed to all of them."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_swarm.gate.expression import Expression
from pytest_swarm.gate.mean_verdicts import Hypothesis
from pytest_swarm.gate.metric import Kind
from pytest_swarm.gate.pairing import Match, Pairing
from pytest_swarm.gate.policy import Policy
from pytest_swarm.gate.verdicts import Rule
from pytest_swarm.routing.registry import mode_order


def questions(
    pairing: Pairing, policy: Policy, *, fixed: bool, over: Mapping[tuple[str, int], tuple[str, ...]]
) -> list[Hypothesis]:
    """One for each rule, expression and mode. They share the error: each of m noisy ones has alpha / (2 m) a side."""
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
        Hypothesis(
            rule=rule,
            expression=expression,
            mode=mode,
            matches=matches,
            level=_level(expression, noisy),
            reproducible=fixed,
            sequential=policy.sequential,
            over=over,
        )
        for rule, expression, mode, matches in asked
    ]


def _level(expression: Expression, noisy: int) -> float:
    """One-sided level: Bonferroni over the m noisy questions, so that equal runs fail in at most alpha / 2 of all."""
    return (1 - expression.confidence / 100) / (2 * max(1, noisy))
