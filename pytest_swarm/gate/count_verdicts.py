"""Verdicts on counts, such as violations: exact. A new one fails the gate where chance cannot explain it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.hypotheses import Hypothesis, measured_pairs
from pytest_swarm.gate.pairing import Match
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.statistics.exact_tests import sign_test

_SHOWN = 5  # steps that a row names; events.jsonl holds all


def count_verdict(hypothesis: Hypothesis) -> VerdictRow:
    """Return the verdict on the counts of one mode.

    Where chance plays no part, or the mode has no violation in the baseline, every additional one counts. A mode with
    violations in the baseline depends on what it learns, and another seed or a real server moves them. Then more of
    them are a regression only where the exact sign test over repeats of jobs rejects chance.
    """
    metric = hypothesis.expression.metric.name
    data = measured_pairs(hypothesis.matches, metric)
    if not data.pairs:
        note = (
            f"{metric} were not measured in both"
            if hypothesis.matches
            else f"no case of mode {hypothesis.mode} in both"
        )
        return hypothesis.row(Verdict.NOT_COMPARABLE, note=note)
    before, now = sum(data.before), sum(data.now)
    clean = is_clean(hypothesis.matches, metric)
    exact = hypothesis.reproducible or clean
    added = sum(added_violations(match, metric, clean=clean) for match in hypothesis.matches) if exact else now - before
    p_worse = None if exact else sign_test_over_repeats(hypothesis.matches, metric)
    if added > hypothesis.expression.allowed:
        significant = p_worse is None or p_worse <= hypothesis.level
        verdict = Verdict.REGRESSED if significant else Verdict.INCONCLUSIVE
    else:
        fewer = now < before and (
            exact or sign_test_over_repeats(hypothesis.matches, metric, worse=-1) <= hypothesis.level
        )
        verdict = Verdict.IMPROVED if fewer else Verdict.OK
    over = _new_steps(hypothesis, metric) if verdict in (Verdict.REGRESSED, Verdict.INCONCLUSIVE) else ()
    return hypothesis.row(
        verdict,
        before=before,
        now=now if not clean else sum(_count(sample, metric) for m in hypothesis.matches for sample in m.now.samples),
        change=added,
        p_worse=p_worse,
        allowed=hypothesis.expression.allowed,
        cases=len({match.now.identity for match, _, _ in data.pairs}),
        pairs=len(data.pairs),
        jobs=data.jobs,
        note=_note(verdict, exact),
        details=over,
    )


def is_clean(matches: Iterable[Match], metric: str) -> bool:
    """Whether the baseline has no violation at all among these cases."""
    return not any(_count(sample, metric) for match in matches for sample in match.before.samples)


def added_violations(match: Match, metric: str, *, clean: bool) -> float:
    """Return how many more one case has than in the baseline: over its pairs; of a clean mode, over all repeats."""
    if clean:
        return sum(_count(sample, metric) for sample in match.now.samples)
    return max(0.0, sum(_count(now, metric) - _count(then, metric) for then, now in match.pairs))


def sign_test_over_repeats(matches: Sequence[Match], metric: str, *, worse: int = 1) -> float:
    """Return the p-value of a one-sided exact sign test over repeats of jobs.

    P(at least as many worse | worse and better equally likely); with `worse` -1, at least as many better.
    """
    units: dict[tuple[str, int], float] = {}
    for match in matches:
        for then, now in match.pairs:
            unit = (match.setup.job, now.repeat)
            units[unit] = units.get(unit, 0.0) + _count(now, metric) - _count(then, metric)
    up, down = sum(worse * d > 0 for d in units.values()), sum(worse * d < 0 for d in units.values())
    return sign_test(up, down)


def _new_steps(hypothesis: Hypothesis, metric: str) -> tuple[str, ...]:
    """Return sentences that name the steps over budget of the samples that have more of them than before."""
    sentences: list[str] = []
    for match in hypothesis.matches:
        then = {sample.slot: _count(sample, metric) for sample in match.before.samples}
        for sample in match.now.samples:
            if _count(sample, metric) > then.get(sample.slot, 0.0):
                sentences += hypothesis.over_budget.get((sample.digest, sample.occurrence), ())
    more = [f".. and {len(sentences) - _SHOWN} more"] if len(sentences) > _SHOWN else []
    return (*sentences[:_SHOWN], *more)


def _count(sample: BaselineSample, metric: str) -> float:
    return sample.figures.get(metric) or 0.0


def _note(verdict: Verdict, exact: bool) -> str | None:
    if verdict is Verdict.INCONCLUSIVE and not exact:
        return "this mode broke the budget in the baseline as well, and chance moves its violations about"
    return None
