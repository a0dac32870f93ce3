"""Verdicts on times: the ratio of medians. Virtual times are compared; wall times of a single run never are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pytest_swarm.gate.hypotheses import Hypothesis, MeasuredPairs, confidence, measured_pairs
from pytest_swarm.gate.mean_verdicts import exact_verdict
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.metrics.metric_table import AnyMetric
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.statistics.bootstrap import MIN_MEDIAN_CLUSTERS, interval_of_median_ratio, ratio_of_medians

WALL_TIME = (
    "wall times of one run are not judged, because the machine moves them; "
    "compare several processes with `python -m pytest_swarm time`"
)
_SEQUENTIAL = "medians cannot be judged while repeats are added; write {name}.mean, or a fixed --swarm-repeat"


def is_wall_time(metric: AnyMetric, *, virtual: bool) -> bool:
    """Return whether a metric is a wall time.

    Args:
        metric: The metric.
        virtual: Whether the times of the server are virtual.
    """
    return metric.kind is Kind.TIME and (metric.on_wall_clock or not virtual)


def median_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on a ratio of medians of virtual times: exact, or by its bootstrap interval over jobs."""
    metric = hypothesis.expression.metric
    data = measured_pairs(hypothesis.matches, metric.name)
    if not data.pairs:
        return hypothesis.without_pairs()
    if hypothesis.chance.sequential and not hypothesis.chance.fixed:
        return hypothesis.row(Verdict.NOT_COMPARABLE, note=_SEQUENTIAL.format(name=metric.name))
    ratio = ratio_of_medians(data.before, data.now)
    if ratio is None:
        return hypothesis.row(Verdict.NOT_COMPARABLE, note="a median is 0, so there is no ratio of medians")
    before = median(data.before)
    allowed = hypothesis.expression.allowed_loss(before) / before
    figures = {"before": before, "now": median(data.now), "change": ratio, "ratio": True, "allowed": allowed}
    if hypothesis.chance.fixed:
        return hypothesis.row(exact_verdict(ratio - 1, allowed), exact=True, detectable=0.0, jobs=data.jobs, **figures)
    clusters = _clusters(data)
    bounds, note = None, None
    if min(*data.before, *data.now) <= 0:
        note = "a time is 0, so there is no interval of a ratio"
    elif (count := len(set(clusters))) < MIN_MEDIAN_CLUSTERS:
        note = f"a ratio of medians needs {MIN_MEDIAN_CLUSTERS} jobs or repeats for an interval, and has {count}"
    else:
        bounds = interval_of_median_ratio(data.before, data.now, clusters, level=hypothesis.level)
    return hypothesis.row(
        _decide_ratio(bounds, allowed=allowed),
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        confidence=confidence(hypothesis.level),
        jobs=data.jobs,
        note=note,
        **figures,
    )


def _decide_ratio(bounds: tuple[float, float] | None, *, allowed: float) -> Verdict:
    if bounds is None:
        return Verdict.INCONCLUSIVE
    low, high = bounds
    if low > 1 + allowed:
        return Verdict.REGRESSED
    if high < 1:
        return Verdict.IMPROVED
    return Verdict.OK if high <= 1 + allowed else Verdict.INCONCLUSIVE


def _clusters(data: MeasuredPairs) -> Sequence[tuple[object, ...]]:
    """Return what chance deals to as one: jobs; where these are too few, repeats of jobs."""
    by_job = [(match.unit,) for match, _, _ in data.pairs]
    by_repeat = [(match.unit, now.repeat) for match, _, now in data.pairs]
    return by_job if len(set(by_job)) >= MIN_MEDIAN_CLUSTERS else by_repeat
