"""Verdicts on counts, such as violations: exact where chance plays no part, else by an exact test of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.draws import Draw, JobDraws, repeat_counts
from pytest_swarm.gate.hypotheses import Hypothesis, confidence, measured_pairs
from pytest_swarm.gate.pairing import Match
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.statistics.exact_tests import fisher_in_strata
from pytest_swarm.statistics.intervals import exact_interval
from pytest_swarm.statistics.sequential import sequential_p_values
from pytest_swarm.units import plural

_SHOWN = 5  # steps that a row names; events.jsonl holds all
LEVEL_WITH_STORED_RUNS: Final = 1 / 3
"""Share of the level against a baseline of several runs, which is kept for many nights: if it saw few violations by
luck, it meets every night with that luck. Five runs then alarm in thirty nights with a chance of at most 7.5 % for two
modes at any rate up to 20 % (hypergeometric sums; worlds `nights-violation-*`), where the full level has 20 %."""


def count_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on the counts of one mode: `@exact` and reproducible counts as they are, others by a test."""
    exact = hypothesis.chance.fixed or hypothesis.expression.exact
    return _exact_verdict(hypothesis) if exact else _noisy_verdict(hypothesis)


def added_counts(match: Match, metric: str, *, clean: bool) -> float:
    """Return how many more one case has than in the baseline: over its pairs; of a clean mode, over all repeats.

    Args:
        match: A case with its baseline.
        metric: Its name, such as `violations`.
        clean: Whether the baseline counted none of it in any case of the mode.

    Returns:
        A number of events, at least 0.
    """
    if clean:
        return sum(_count_of(sample, metric) for sample in match.now.samples)
    both = [(then.figures.get(metric), now.figures.get(metric)) for then, now in match.pairs]
    return max(0.0, sum(now - then for then, now in both if then is not None and now is not None))


def is_clean(matches: Sequence[Match], metric: str) -> bool:
    """Return whether the baseline counted nothing at all in these cases, and did measure it.

    Args:
        matches: The cases of a mode, with their baselines.
        metric: Its name, such as `violations`.
    """
    counts = [sample.figures.get(metric) for match in matches for sample in match.before.samples]
    return any(count is not None for count in counts) and not any(counts)


def _count_of(sample: BaselineSample, metric: str) -> float:
    """Return a count; 0 where it was not measured, which adds nothing to a sum of measured ones."""
    return sample.figures.get(metric) or 0.0


def _exact_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """One more than allowed fails, and one case's improvement does not pay for another's loss."""
    metric = hypothesis.expression.metric.name
    data = measured_pairs(hypothesis.matches, metric)
    if not data.pairs:
        return hypothesis.without_pairs()
    clean = is_clean(hypothesis.matches, metric)
    added = sum(added_counts(match, metric, clean=clean) for match in hypothesis.matches)
    before, now = sum(data.before), sum(data.now)
    if clean:
        now = sum(_count_of(sample, metric) for match in hypothesis.matches for sample in match.now.samples)
    verdict = Verdict.IMPROVED if now < before else Verdict.OK
    if added > hypothesis.expression.allowed:
        verdict = Verdict.REGRESSED
    return hypothesis.row(
        verdict,
        exact=True,
        before=before,
        now=now,
        change=added,
        allowed=hypothesis.expression.allowed,
        jobs=data.jobs,
        details=_new_steps(hypothesis, metric) if verdict is Verdict.REGRESSED else (),
    )


def _noisy_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """REGRESSED where the exact test rejects equal rates; ok where no more than allowed were seen.

    A draw counts once, however many steps of it are over budget: its steps move together. The allowed number is taken
    off the draws of this run before the test, so a true excess of that many is rejected no more often than none.
    """
    metric, jobs = hypothesis.expression.metric.name, hypothesis.draws
    if not jobs:
        return hypothesis.without_pairs()
    allowed = hypothesis.expression.allowed
    now, before = sum(_total(job.now) for job in jobs), sum(_total(job.before) for job in jobs)
    expected = sum(_total(job.before) * len(job.now) / len(job.before) for job in jobs)
    test = _sequential_p if hypothesis.chance.sequential else _fisher_p
    p_worse, p_better = test(jobs, worse=True, allowed=int(allowed)), test(jobs, worse=False, allowed=0)
    level = _level(hypothesis, jobs)
    if p_worse <= level:
        verdict = Verdict.REGRESSED
    elif now - expected <= allowed:
        verdict = Verdict.IMPROVED if p_better <= level else Verdict.OK
    else:
        verdict = Verdict.INCONCLUSIVE
    verdict = hypothesis.coverage.limit(verdict)
    return hypothesis.row(
        verdict,
        before=before,
        now=now,
        change=now - expected,
        confidence=confidence(level),
        p_worse=p_worse,
        allowed=allowed,
        jobs=len(jobs),
        **repeat_counts(jobs),
        note=_rates(jobs, hypothesis, verdict),
        details=_new_steps(hypothesis, metric) if now - expected > allowed else (),
    )


def _level(hypothesis: Hypothesis, jobs: Sequence[JobDraws]) -> float:
    several = len({draw.run for job in jobs for draw in job.before}) > 1
    return hypothesis.level * (LEVEL_WITH_STORED_RUNS if several else 1.0)


def _fisher_p(jobs: Sequence[JobDraws], *, worse: bool, allowed: int) -> float:
    """The stratified test of Fisher over the draws with any count; `allowed` of them are taken off this run."""
    tables: list[tuple[int, int, int, int]] = []
    for job in jobs:
        before, now = _events(job.before), _events(job.now)
        off = min(allowed, now) if worse else 0
        allowed -= off
        row = (before, len(job.before), now - off, len(job.now))
        tables.append(row if worse else (row[2], row[3], row[0], row[1]))
    return fisher_in_strata(tables)


def _sequential_p(jobs: Sequence[JobDraws], *, worse: bool, allowed: int) -> float:
    """Bets on the sign of the difference of each repeat of each job, which hold whenever one looks."""
    sign = 1 if worse else -1
    differences: list[float] = []
    for job in jobs:
        for then, now in zip(job.before, job.now, strict=False):
            differences.append(sign * float(_events((now,)) - _events((then,))))
    for n, difference in enumerate(differences):
        if allowed and difference > 0:
            differences[n], allowed = 0.0, allowed - 1
    return sequential_p_values(differences, scale=1.0)[1]


def _events(draws: Sequence[Draw]) -> int:
    return sum(any(draw.values.values()) for draw in draws)


def _total(draws: Sequence[Draw]) -> float:
    return sum(sum(draw.values.values()) for draw in draws)


def _rates(jobs: Sequence[JobDraws], hypothesis: Hypothesis, verdict: Verdict) -> str:
    """With which rate of repeats what was seen is compatible."""
    events, draws = sum(_events(job.now) for job in jobs), sum(len(job.now) for job in jobs)
    low, high = exact_interval(events, draws, level=hypothesis.expression.level)
    seen = f"counted in {events:,} of {plural(draws, 'repeat')} now"
    said = f"{seen}, which fits a true rate of {100 * low:.1f} to {100 * high:.1f} %"
    if verdict is Verdict.INCONCLUSIVE and not hypothesis.coverage.lost:
        said += "; more than before, but no more than chance explains"
    return said


def _new_steps(hypothesis: Hypothesis, metric: str) -> tuple[str, ...]:
    """Return sentences that name the steps over budget of the samples that have more of them than before."""
    sentences: list[str] = []
    for match in hypothesis.matches:
        then = {sample.slot: _count_of(sample, metric) for sample in match.before.samples}
        for sample in match.now.samples:
            if _count_of(sample, metric) > then.get(sample.slot, 0.0):
                sentences += hypothesis.over_budget.get((sample.digest, sample.occurrence), ())
    more = [f".. and {len(sentences) - _SHOWN} more"] if len(sentences) > _SHOWN else []
    return (*sentences[:_SHOWN], *more)
