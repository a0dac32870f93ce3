"""Verdicts on means: the mean paired difference and its interval. docs/gate.md has the rules."""

from __future__ import annotations

import math
from statistics import fmean

from pytest_swarm.gate.hypotheses import Hypothesis, MeasuredPairs, confidence, finite, measured_pairs, no_pairs
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.statistics.bootstrap import bca_over_clusters
from pytest_swarm.statistics.sequential import minimum_detectable_sequential, price_of_looking, sequential_effect
from pytest_swarm.statistics.sign_flips import (
    RULE_OF_THREE,
    Effect,
    Units,
    minimum_detectable,
    paired_effect,
    repeats_needed,
    units_of,
)


def mean_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on a mean paired difference: worse where it exceeds the limit and its interval excludes 0."""
    metric = hypothesis.expression.metric
    data = measured_pairs(hypothesis.matches, metric.name)
    if not data.pairs:
        return hypothesis.row(Verdict.NOT_COMPARABLE, note=no_pairs(hypothesis))
    units = units_of(data.differences(metric.worse))
    effect = (sequential_effect if hypothesis.sequential else paired_effect)(units, level=hypothesis.level)
    before, now = data.case_mean(lambda then, _: then), data.case_mean(lambda _, now: now)
    allowed = hypothesis.expression.allowed_loss(before)
    detectable = detectable_loss(effect, data, hypothesis)
    verdict = decide(effect, allowed, detectable)
    needed = None
    if verdict is Verdict.INCONCLUSIVE:
        needed = needed_repeats(effect, data, hypothesis, allowed=allowed)
    low, high = _signed(metric.worse, (effect.low, effect.high))
    over_jobs = _over_jobs(units, hypothesis.level, metric.worse)
    return hypothesis.row(
        verdict,
        before=before,
        now=now,
        change=metric.worse * effect.mean,
        low=low,
        high=high,
        interval_over_jobs=over_jobs,
        confidence=confidence(hypothesis.level),
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
    """Return the verdict on a mean loss (positive = worse); `inconclusive` where a loss above `allowed` could hide."""
    significant = effect.low is not None and effect.low > 0 and effect.p_up <= effect.level
    if significant and effect.mean > allowed:
        return Verdict.REGRESSED
    if effect.high is not None and effect.high < 0 and effect.p_down <= effect.level:
        return Verdict.IMPROVED
    return Verdict.OK if detectable <= allowed and effect.mean <= allowed else Verdict.INCONCLUSIVE


def detectable_loss(effect: Effect, data: MeasuredPairs, hypothesis: Hypothesis) -> float:
    """Return the smallest loss that the pairs detect. Where chance plays no part and nothing moved it is 0.

    Otherwise a fault in 3/n of n units can be missed (the rule of three). For a score, a fault costs at least one task.
    """
    unmoved = effect.mean == 0 and not effect.error
    if hypothesis.reproducible and unmoved and all(a == b for a, b in zip(data.before, data.now, strict=True)):
        return 0.0
    if effect.error is None:
        return math.inf
    detectable = minimum_detectable_sequential if hypothesis.sequential else minimum_detectable
    found = detectable(effect.error, effect.units, level=effect.level)
    if hypothesis.reproducible or data.name != MetricTable.score.name:
        return found
    return max(found, RULE_OF_THREE / effect.units * data.step)


def needed_repeats(effect: Effect, data: MeasuredPairs, hypothesis: Hypothesis, *, allowed: float) -> int | None:
    """Return how many repeats of each case make a loss of `allowed` detectable; None where no number does."""
    error = effect.error
    if not error:  # one unit, or nothing moved yet: a score of k right-or-wrong tasks varies by p (1 - p) / k
        if data.name != MetricTable.score.name:
            return None
        p = min(0.95, max(0.05, fmean((*data.before, *data.now))))
        error = math.sqrt(2 * p * (1 - p) * data.step / effect.units)
    repeats = effect.units / effect.clusters
    needed = repeats_needed(error, units=effect.units, repeats=repeats, effect=allowed, level=effect.level)
    if needed is not None and hypothesis.sequential:
        needed = math.ceil(needed * price_of_looking(effect.level) ** 2)
    if needed is None or hypothesis.reproducible or data.name != MetricTable.score.name:
        return needed
    return max(needed, math.ceil(RULE_OF_THREE * data.step / (effect.clusters * allowed)))


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


def _note(verdict: Verdict, effect: Effect, allowed: float, needed: int | None) -> str | None:
    if verdict is not Verdict.INCONCLUSIVE:
        return None
    if allowed == 0:
        return "no loss at all is allowed, and no number of repeats can show that there is none"
    if needed is None:
        return "too little was measured to say how many repeats would do"
    return f"{needed:,} repeats of each case would decide it ({effect.units:,} repeats of jobs were compared)"
