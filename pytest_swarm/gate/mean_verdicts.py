"""One expression under one mode: what the data allow to be said. The rules are in docs/gate.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.expression import Expression
from pytest_swarm.gate.pairing import Match
from pytest_swarm.gate.verdicts import Rule, Verdict, VerdictRow
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.statistics.bootstrap import bca_over_clusters
from pytest_swarm.statistics.sequential import minimum_detectable_sequential, price_of_looking, sequential_effect
from pytest_swarm.statistics.sign_flips import (
    RULE_OF_THREE,
    Effect,
    Pair,
    Units,
    minimum_detectable,
    paired_effect,
    repeats_needed,
    units_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What is to be judged: an expression under one mode over the matched cases, at a one-sided `level`.

    `reproducible`: chance plays no part (same seed, simulator or recordings). `over` gives the sentences of the steps
    over budget by (case digest, occurrence).
    """

    rule: Rule
    expression: Expression
    mode: str
    matches: tuple[Match, ...]
    level: float
    reproducible: bool
    sequential: bool = False
    over: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def row(self, verdict: Verdict, **figures: object) -> VerdictRow:
        """A row of this question."""
        return VerdictRow(  # the caller's keywords are fields of VerdictRow
            test=self.rule.test,
            expression=self.expression.text,
            metric=self.expression.metric.name,
            mode=self.mode,
            gate=self.rule.gate,
            verdict=verdict,
            **figures,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The complete pairs in which the metric was measured on both sides."""

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
        """The pairs' differences times `sign`."""
        for match, then, now in self.pairs:
            difference = sign * (value_of(now, self.name) - value_of(then, self.name))
            yield Pair(match.setup.job, match.now.identity, now.repeat, difference)

    def case_mean(self, pick: Callable[[BaselineSample, BaselineSample], BaselineSample]) -> float:
        """Mean over cases of the mean over their pairs: every case counts alike."""
        cases: dict[object, list[float]] = {}
        for match, then, now in self.pairs:
            cases.setdefault(match.now.identity, []).append(value_of(pick(then, now), self.name))
        return fmean(map(fmean, cases.values()))

    @property
    def step(self) -> float:
        """The score that one task of a job is worth, on average."""
        return fmean(1 / max(1, now.tasks) for _, _, now in self.pairs)


def measured(matches: Iterable[Match], name: str) -> Measured:
    """The pairs of the matches in which the metric was measured on both sides."""
    return Measured(
        name=name,
        pairs=tuple(
            (match, then, now)
            for match in matches
            for then, now in match.pairs
            if then.figures.get(name) is not None and now.figures.get(name) is not None
        ),
    )


def judge_mean(question: Hypothesis) -> VerdictRow:
    """The mean paired difference. Worse only if the mean passes the limit and the interval excludes no change."""
    metric = question.expression.metric
    data = measured(question.matches, metric.name)
    if not data.pairs:
        return question.row(Verdict.NOT_COMPARABLE, note=no_pairs(question))
    units = units_of(data.differences(metric.worse))
    effect = (sequential_effect if question.sequential else paired_effect)(units, level=question.level)
    before, now = data.case_mean(lambda then, _: then), data.case_mean(lambda _, now: now)
    allowed = question.expression.allowed_loss(before)
    detectable = detectable_loss(effect, data, question)
    verdict = decide(effect, allowed, detectable)
    needed = None
    if verdict is Verdict.INCONCLUSIVE:
        needed = needed_repeats(effect, data, question, allowed=allowed)
    low, high = _signed(metric.worse, (effect.low, effect.high))
    over_jobs = _over_jobs(units, question.level, metric.worse)
    return question.row(
        verdict,
        before=before,
        now=now,
        change=metric.worse * effect.mean,
        low=low,
        high=high,
        interval_over_jobs=over_jobs,
        confidence=confidence(question.level),
        p_worse=effect.p_up,
        allowed=allowed,
        detectable=finite(detectable),
        repeats_needed=needed,
        cases=len({match.now.identity for match, _, _ in data.pairs}),
        pairs=len(data.pairs),
        jobs=data.jobs,
        note=_note(verdict, effect, allowed, needed),
    )


def decide(effect: Effect, allowed: float, detectable: float) -> Verdict:
    """The verdict on a mean loss (positive = worse); `inconclusive` wherever a loss above `allowed` could hide."""
    significant = effect.low is not None and effect.low > 0 and effect.p_up <= effect.level
    if significant and effect.mean > allowed:
        return Verdict.REGRESSED
    if effect.high is not None and effect.high < 0 and effect.p_down <= effect.level:
        return Verdict.IMPROVED
    return Verdict.OK if detectable <= allowed and effect.mean <= allowed else Verdict.INCONCLUSIVE


def detectable_loss(effect: Effect, data: Measured, question: Hypothesis) -> float:
    """The minimum detectable loss. Where chance plays no part and nothing moved, nothing can hide: 0.

    Otherwise, of n units in which nothing went wrong, something that goes wrong in 3/n of them could have been missed;
    for a score, what goes wrong is at least one task.
    """
    unmoved = effect.mean == 0 and not effect.error
    if question.reproducible and unmoved and all(a == b for a, b in zip(data.before, data.now, strict=True)):
        return 0.0
    if effect.error is None:
        return math.inf
    detectable = minimum_detectable_sequential if question.sequential else minimum_detectable
    found = detectable(effect.error, effect.units, level=effect.level)
    if question.reproducible or data.name != MetricTable.score.name:
        return found
    return max(found, RULE_OF_THREE / effect.units * data.step)


def needed_repeats(effect: Effect, data: Measured, question: Hypothesis, *, allowed: float) -> int | None:
    """Repeats of each case that would make a loss of `allowed` detectable; None where none would."""
    error = effect.error
    if not error:  # one unit, or nothing moved yet: a score of k right-or-wrong tasks varies by p (1 - p) / k
        if data.name != MetricTable.score.name:
            return None
        p = min(0.95, max(0.05, fmean((*data.before, *data.now))))
        error = math.sqrt(2 * p * (1 - p) * data.step / effect.units)
    repeats = effect.units / effect.clusters
    needed = repeats_needed(error, units=effect.units, repeats=repeats, effect=allowed, level=effect.level)
    if needed is not None and question.sequential:
        needed = math.ceil(needed * price_of_looking(effect.level) ** 2)
    if needed is None or question.reproducible or data.name != MetricTable.score.name:
        return needed
    return max(needed, math.ceil(RULE_OF_THREE * data.step / (effect.clusters * allowed)))


def value_of(sample: BaselineSample, name: str) -> float:
    """A figure of a sample that has it."""
    value = sample.figures[name]
    assert value is not None, "measured() lets only pairs pass that have both values"
    return value


def _over_jobs(units: Units, level: float, sign: int) -> tuple[float, float] | None:
    bounds = bca_over_clusters(units, level=level)
    if bounds is None:
        return None
    low, high = sorted((sign * bounds[0], sign * bounds[1]))
    return low, high


def _signed(sign: int, bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = bounds
    if low is None or high is None:
        return None, None
    return (low, high) if sign > 0 else (-high, -low)


def confidence(level: float) -> float:
    """The two-sided confidence in per cent of a one-sided level."""
    return round(100 * (1 - 2 * level), 3)


def finite(value: float) -> float | None:
    """The value, None where it is infinite."""
    return value if math.isfinite(value) else None


def no_pairs(question: Hypothesis) -> str:
    """Why there is nothing to compare."""
    if not question.matches:
        return f"no case of mode {question.mode} is in both"
    return f"{question.expression.metric.name} was not measured in both, for any case and repeat"


def _note(verdict: Verdict, effect: Effect, allowed: float, needed: int | None) -> str | None:
    if verdict is not Verdict.INCONCLUSIVE:
        return None
    if allowed == 0:
        return "no loss at all is allowed, and no number of repeats can show that there is none"
    if needed is None:
        return "too little was measured to say how many repeats would do"
    return f"{needed:,} repeats of each case would decide it ({effect.units:,} repeats of jobs were compared)"
