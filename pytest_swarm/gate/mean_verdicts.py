"""Verdicts on means: exact where chance plays no part, else by the bounds of the mean loss (docs/gate.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pytest_swarm.gate.draws import JobDraws, bet_scale, repeat_counts
from pytest_swarm.gate.hypotheses import Hypothesis, confidence, measured_pairs
from pytest_swarm.gate.repeats_to_run import RepeatsToRun, repeats_to_run
from pytest_swarm.gate.run_spread import run_error, widened
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.metrics.metric_table import AnyMetric
from pytest_swarm.statistics.bootstrap import bca_over_clusters
from pytest_swarm.statistics.mean_bounds import WeightedValues, mean_bounds
from pytest_swarm.statistics.permutations import permutation_p_values
from pytest_swarm.statistics.sequential import sequential_effect
from pytest_swarm.statistics.sign_flips import Units, minimum_detectable, standard_error, units_of

SUSPICION: Final = "worse than before, perhaps within the allowance"
NOT_KNOWN: Final = "not known whether it is worse than before"
_SAME: Final = 1e-9  # differences of means of floats that are no difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A mean loss (positive = worse), its bounds, and the p-values of "no change": of a loss, and of a gain."""

    mean: float
    low: float
    high: float
    p_worse: float
    p_better: float
    level: float

    @property
    def is_worse(self) -> bool:
        """Whether there is a loss, however small."""
        return self.low > 0 and self.p_worse <= self.level

    def verdict(self, allowed: float) -> Verdict:
        """Return the verdict by the bounds: REGRESSED above the allowance, ok at or below it, else inconclusive."""
        if self.is_worse and self.low > allowed:
            return Verdict.REGRESSED
        if self.high < 0 and self.p_better <= self.level:
            return Verdict.IMPROVED
        return Verdict.OK if self.high <= allowed else Verdict.INCONCLUSIVE


def mean_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on the mean loss of one mode."""
    return _exact_mean_verdict(hypothesis) if hypothesis.chance.fixed else _noisy_verdict(hypothesis)


def _exact_mean_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict where the same draw gives the same answer: the difference of the pairs is the truth."""
    metric = hypothesis.expression.metric
    data = measured_pairs(hypothesis.matches, metric.name)
    if not data.pairs:
        return hypothesis.without_pairs()
    units = units_of(data.differences())
    before, now = data.case_mean(now=False), data.case_mean(now=True)
    allowed = hypothesis.expression.allowed_loss(before)
    return hypothesis.row(
        exact_verdict(metric.worse * (now - before), allowed),
        exact=True,
        before=before,
        now=now,
        change=now - before,
        interval_over_jobs=bca_over_clusters(hypothesis.over_other_jobs(units), level=hypothesis.expression.level),
        allowed=allowed,
        detectable=0.0,
        jobs=data.jobs,
    )


def exact_verdict(loss: float, allowed: float) -> Verdict:
    """Return the verdict on a loss that is known without error.

    Args:
        loss: How much worse it has become, in the unit of the metric; below 0 where it is better.
        allowed: How much worse it may become.
    """
    if loss > allowed + _SAME:
        return Verdict.REGRESSED
    return Verdict.IMPROVED if loss < -_SAME else Verdict.OK


def _loss_of(jobs: tuple[JobDraws, ...], hypothesis: Hypothesis, *, before: float) -> tuple[Loss, Units]:
    """Return the mean loss with its bounds, and the units that they come from; `before` is the baseline's mean.

    A relative allowance is a share of a value that is itself drawn. So the bounds are those of the loss minus that
    share, draw by draw, moved back by the allowance of the mean.
    """
    expression = hypothesis.expression
    sign, share = expression.metric.worse, expression.allowed if expression.relative else 0.0
    units = units_of(pair for job in jobs for pair in job.grouped_pairs(sign, share=share))
    shift = share * abs(before)
    reach = (1 + share) * reach_of(expression.metric, jobs)
    data = WeightedValues(
        values=[c / w for c, w in zip(units.contributions, units.weights, strict=True)],
        weights=units.weights,
        low=-reach,
        high=reach,
    )
    error = run_error(jobs, level=hypothesis.level)
    low, high = widened(data.mean, mean_bounds(data, level=hypothesis.level), error)
    cases = sum(len(job.cases) for job in jobs)
    chance = permutation_p_values([job.stratum(sign, cases=cases) for job in jobs])
    p_worse, p_better = chance.up, chance.down
    if hypothesis.chance.sequential:
        plain = units_of(pair for job in jobs for pair in job.grouped_pairs(sign))
        values = (value for job in jobs for draw in job.before for value in draw.values.values())
        effect = sequential_effect(plain, level=hypothesis.level, scale=bet_scale(expression.metric, values))
        low = -reach if effect.low is None else min(low, effect.low - shift)
        high = reach if effect.high is None else max(high, effect.high - shift)
        p_worse, p_better = effect.p_up, effect.p_down
    loss = Loss(
        mean=units.mean + shift,
        low=low + shift,
        high=high + shift,
        p_worse=p_worse,
        p_better=p_better,
        level=hypothesis.level,
    )
    return loss, units


def reach_of(metric: AnyMetric, jobs: tuple[JobDraws, ...]) -> float:
    """Return the largest difference that can be: that of the metric's ends; without ends, that of all values seen.

    Args:
        metric: The metric, with its ends where it has some.
        jobs: The draws of each job.

    Returns:
        In the unit of the metric.
    """
    if metric.low is not None and metric.high is not None:
        return metric.high - metric.low
    seen = [value for job in jobs for draw in (*job.before, *job.now) for value in draw.values.values()]
    return max(seen) - min(seen)


def _noisy_verdict(hypothesis: Hypothesis) -> VerdictRow:
    metric = hypothesis.expression.metric
    jobs = hypothesis.draws
    if not jobs:
        return hypothesis.without_pairs()
    before, now = _mean_of_cases(jobs, now=False), _mean_of_cases(jobs, now=True)
    allowed = hypothesis.expression.allowed_loss(before)
    loss, units = _loss_of(jobs, hypothesis, before=before)
    verdict = hypothesis.coverage.limit(loss.verdict(allowed))
    open_row = verdict is Verdict.INCONCLUSIVE
    asked = repeats_to_run(hypothesis, jobs, allowed=allowed, reach=reach_of(metric, jobs)) if open_row else None
    error = standard_error(units)
    detectable = math.inf if error is None else minimum_detectable(error, len(units.weights), level=hypothesis.level)
    low, high = sorted((metric.worse * loss.low, metric.worse * loss.high))
    if metric.low is not None and metric.high is not None:  # a relative allowance may move a bound beyond what can be
        low, high = max(low, metric.low - metric.high), min(high, metric.high - metric.low)
    pairs = (pair for job in jobs for pair in job.grouped_pairs(1))
    over_jobs = bca_over_clusters(hypothesis.over_other_jobs(units_of(pairs)), level=hypothesis.expression.level)
    return hypothesis.row(
        verdict,
        before=before,
        now=now,
        change=now - before,
        low=low,
        high=high,
        interval_over_jobs=over_jobs,
        confidence=confidence(hypothesis.level),
        p_worse=loss.p_worse,
        allowed=allowed,
        detectable=detectable if math.isfinite(detectable) else None,
        jobs=len(jobs),
        note=_note(hypothesis, loss, asked),
        suspicion=(SUSPICION if loss.is_worse else NOT_KNOWN) if open_row else None,
        **_repeats(jobs, asked),
    )


def _repeats(jobs: tuple[JobDraws, ...], asked: RepeatsToRun | None) -> dict[str, int | None]:
    settle, prove = (None, None) if asked is None else (asked.to_settle, asked.to_prove_ok)
    return {
        **repeat_counts(jobs),
        "repeats_to_settle": settle,
        "repeats_to_prove_ok": prove,
        "repeats_needed": min((each for each in (settle, prove) if each is not None), default=None),
    }


def _mean_of_cases(jobs: tuple[JobDraws, ...], *, now: bool) -> float:
    """The mean over cases of the mean over their repeats."""
    means = [job.mean(case, now=now) for job in jobs for case in job.cases]
    return sum(means) / len(means)


def _note(hypothesis: Hypothesis, loss: Loss, asked: RepeatsToRun | None) -> str | None:
    if asked is None:
        return None
    if hypothesis.coverage.lost:
        return "results were lost, and ok is said of complete results only"
    lead = f"{SUSPICION}; " if loss.is_worse else ""
    return lead + asked.sentence
