"""Verdicts on times: the ratio of medians and its interval."""

from __future__ import annotations

import math
from statistics import NormalDist, median

from pytest_swarm.gate.hypotheses import Hypothesis, MeasuredPairs, confidence, finite, measured_pairs, no_pairs
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.statistics.bootstrap import MIN_CLUSTERS, bca_ratio_of_medians, ratio_of_medians
from pytest_swarm.statistics.sign_flips import POWER


def median_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on a ratio of medians: BCa interval with jobs as clusters; with few jobs, repeats of jobs."""
    metric = hypothesis.expression.metric
    data = measured_pairs(hypothesis.matches, metric.name)
    if not data.pairs:
        return hypothesis.row(Verdict.NOT_COMPARABLE, note=no_pairs(hypothesis))
    before, now = data.before, data.now
    ratio = ratio_of_medians(before, now)
    if ratio is None:
        return hypothesis.row(Verdict.NOT_COMPARABLE, note="a median is 0, so there is no ratio of medians")
    middle_before, middle_now = median(before), median(now)
    allowed = hypothesis.expression.allowed_loss(middle_before) / middle_before
    bounds = bca_ratio_of_medians(before, now, _clusters(data), level=hypothesis.level)
    unmoved = hypothesis.reproducible and before == now
    detectable = 0.0 if unmoved else _detectable_ratio(bounds, hypothesis.level)
    verdict = _decide_ratio(ratio, bounds, allowed=allowed, detectable=detectable)
    return hypothesis.row(
        verdict,
        before=middle_before,
        now=middle_now,
        change=ratio,
        ratio=True,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        confidence=confidence(hypothesis.level),
        allowed=allowed,
        detectable=finite(detectable),
        repeats_needed=_more_for_ratio(data, detectable, allowed) if verdict is Verdict.INCONCLUSIVE else None,
        cases=len({match.now.identity for match, _, _ in data.pairs}),
        pairs=len(data.pairs),
        jobs=data.jobs,
        note=f"{len(data.pairs)} pairs are too few for an interval" if bounds is None and not unmoved else None,
    )


def _decide_ratio(ratio: float, bounds: tuple[float, float] | None, *, allowed: float, detectable: float) -> Verdict:
    if bounds is not None and ratio > 1 + allowed and bounds[0] > 1:
        return Verdict.REGRESSED
    if bounds is not None and bounds[1] < 1:
        return Verdict.IMPROVED
    return Verdict.OK if detectable <= allowed and ratio <= 1 + allowed else Verdict.INCONCLUSIVE


def _detectable_ratio(bounds: tuple[float, float] | None, level: float) -> float:
    """exp((z(1-level) + z(POWER)) * error) - 1, the error of the log ratio read off its interval."""
    if bounds is None:
        return math.inf
    z = NormalDist().inv_cdf
    error = (math.log(bounds[1]) - math.log(bounds[0])) / (2 * z(1 - level))
    return math.expm1((z(1 - level) + z(POWER)) * error)


def _more_for_ratio(data: MeasuredPairs, detectable: float, allowed: float) -> int | None:
    if not (math.isfinite(detectable) and allowed > 0):
        return None
    repeats = len({(match.setup.job, now.repeat) for match, _, now in data.pairs}) / data.jobs
    return math.ceil(repeats * max(1.0, (math.log1p(detectable) / math.log1p(allowed)) ** 2))


def _clusters(data: MeasuredPairs) -> list[tuple[object, ...]]:
    by_job: list[tuple[object, ...]] = [(match.setup.job,) for match, _, _ in data.pairs]
    if len(set(by_job)) >= MIN_CLUSTERS:
        return by_job
    return [(match.setup.job, now.repeat) for match, _, now in data.pairs]
