"""Hypotheses: one for each rule, expression and mode, and the pairs of measurements that each is tested on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.pairing import Match, Pairing
from pytest_swarm.gate.rules import Expression, Policy, Rule
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.routing.registry import mode_order
from pytest_swarm.statistics.sign_flips import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One expression under one mode, to be tested over the matched cases at a one-sided `level`.

    `reproducible`: chance plays no part (same seed, simulator or recordings). `over_budget` holds sentences that name
    the steps over budget, by (case digest, occurrence).
    """

    rule: Rule
    expression: Expression
    mode: str
    matches: tuple[Match, ...]
    level: float
    reproducible: bool
    sequential: bool = False
    over_budget: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def row(self, verdict: Verdict, **figures: object) -> VerdictRow:
        """Return the row of this hypothesis; `figures` are further fields of VerdictRow."""
        return VerdictRow(
            test=self.rule.test,
            expression=self.expression.text,
            metric=self.expression.metric.name,
            mode=self.mode,
            gate=self.rule.gate,
            verdict=verdict,
            **figures,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPairs:
    """The pairs in which a metric was measured on both sides."""

    pairs: tuple[tuple[Match, BaselineSample, BaselineSample], ...]
    name: str

    @property
    def before(self) -> list[float]:
        """The baseline's values."""
        return [value_of(then, self.name) for _, then, _ in self.pairs]

    @property
    def now(self) -> list[float]:
        """The run's values."""
        return [value_of(now, self.name) for _, _, now in self.pairs]

    @property
    def jobs(self) -> int:
        """How many jobs there are among them."""
        return len({match.setup.job for match, _, _ in self.pairs})

    def differences(self, sign: int) -> Iterable[Pair]:
        """Yield the differences of the pairs, times `sign`."""
        for match, then, now in self.pairs:
            difference = sign * (value_of(now, self.name) - value_of(then, self.name))
            yield Pair(match.setup.job, match.now.identity, now.repeat, difference)

    def case_mean(self, pick: Callable[[BaselineSample, BaselineSample], BaselineSample]) -> float:
        """Return the mean over cases of the mean over their pairs: each case has the same weight."""
        cases: dict[object, list[float]] = {}
        for match, then, now in self.pairs:
            cases.setdefault(match.now.identity, []).append(value_of(pick(then, now), self.name))
        return fmean(map(fmean, cases.values()))

    @property
    def step(self) -> float:
        """The score that one task of a job is worth, on average."""
        return fmean(1 / max(1, now.tasks) for _, _, now in self.pairs)


def measured_pairs(matches: Iterable[Match], name: str) -> MeasuredPairs:
    """Return the pairs of the matches in which the metric was measured on both sides."""
    return MeasuredPairs(
        name=name,
        pairs=tuple(
            (match, then, now)
            for match in matches
            for then, now in match.pairs
            if then.figures.get(name) is not None and now.figures.get(name) is not None
        ),
    )


def hypotheses_of(
    pairing: Pairing, policy: Policy, *, fixed: bool, over_budget: Mapping[tuple[str, int], tuple[str, ...]]
) -> list[Hypothesis]:
    """Return one hypothesis for each rule, expression and mode. They share the error that is allowed to all of them.

    Args:
        pairing: the run beside the baseline.
        policy: the rules of the run.
        fixed: whether chance plays no part.
        over_budget: sentences that name the steps over budget, by (case digest, occurrence).
    """
    groups: dict[Rule, list[Match]] = {policy.default: []}
    for match in pairing.matches:
        groups.setdefault(policy.rule_of(match.now), []).append(match)
    found: list[tuple[Rule, Expression, str, tuple[Match, ...]]] = []
    for rule, matches in groups.items():
        if rule.gate == "off" or (not matches and (rule.test is not None or len(groups) > 1)):
            continue
        modes = sorted({match.setup.mode for match in matches}, key=mode_order)
        for expression in rule.expressions:
            found += [
                (rule, expression, mode, tuple(match for match in matches if match.setup.mode == mode))
                for mode in (modes if expression.mode is None else [expression.mode])
            ]
    noisy = sum(expression.metric.kind is not Kind.COUNT for _, expression, _, _ in found)
    return [
        Hypothesis(
            rule=rule,
            expression=expression,
            mode=mode,
            matches=matches,
            level=_level(expression, noisy),
            reproducible=fixed,
            sequential=policy.sequential,
            over_budget=over_budget,
        )
        for rule, expression, mode, matches in found
    ]


def value_of(sample: BaselineSample, name: str) -> float:
    """Return a figure of a sample that has it."""
    value = sample.figures[name]
    assert value is not None, "measured_pairs() keeps only pairs with both values"
    return value


def confidence(level: float) -> float:
    """Return the two-sided confidence, in percent, of a one-sided level."""
    return round(100 * (1 - 2 * level), 3)


def finite(value: float) -> float | None:
    """Return the value, None where it is infinite."""
    return value if math.isfinite(value) else None


def no_pairs(hypothesis: Hypothesis) -> str:
    """Return why there is nothing to compare."""
    if not hypothesis.matches:
        return f"no case of mode {hypothesis.mode} is in both"
    return f"{hypothesis.expression.metric.name} was not measured in both, for any case and repeat"


def _level(expression: Expression, noisy: int) -> float:
    """One-sided level alpha / (2 m): Bonferroni over m noisy hypotheses, so equal runs fail in at most alpha / 2."""
    return (1 - expression.confidence / 100) / (2 * max(1, noisy))
