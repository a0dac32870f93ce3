"""Verdicts on single cases, with the false discovery rate held over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.count_verdicts import added_counts, is_clean
from pytest_swarm.gate.draws import bet_scale
from pytest_swarm.gate.hypotheses import Chance, measured_pairs
from pytest_swarm.gate.mean_verdicts import exact_verdict, reach_of
from pytest_swarm.gate.pairing import ChangedCase, Match, RunCases
from pytest_swarm.gate.rules import DEFAULT_CONFIDENCE, Expression, Rule
from pytest_swarm.gate.verdicts import CaseVerdict, Verdict
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.statistics.exact_tests import reject_false_discoveries
from pytest_swarm.statistics.mean_bounds import WeightedValues, p_mean_at_most
from pytest_swarm.statistics.permutations import TwoSided, permutation_p_values
from pytest_swarm.statistics.sequential import sequential_p_values

VIOLATIONS: Final = "violations"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStatistics:
    """A match under its rule: its mean loss (positive = worse) in the rule's first mean metric, and its p-values.

    `p_worse` is that of "no change" where the loss is above the allowance by its own bound, else 1; `p_better` likewise
    of a gain. `hidden`: a loss above the allowance cannot be excluded.
    """

    match: Match
    expression: Expression | None
    pairs: int = 0
    loss: float = 0.0
    before: float | None = None
    now: float | None = None
    allowed: float = 0.0
    p_worse: float = 1.0
    p_better: float = 1.0
    hidden: bool = False
    added: float = 0.0


def match_verdicts(matches: Sequence[tuple[Match, Rule]], *, chance: Chance) -> list[CaseVerdict]:
    """Return one verdict for each match, in order: exact, or with the false discovery rate held over all of them.

    Args:
        matches: Each case with its baseline, and the rule that judges it.
        chance: What part chance plays.
    """
    tested = [_statistics(match, rule, chance) for match, rule in matches]
    if chance.fixed:
        return [_case(each, _exact(each)) for each in tested]
    rate = min((_rate(each) for each in tested), default=0.05)
    worse = reject_false_discoveries([each.p_worse for each in tested], rate=rate)
    better = reject_false_discoveries([each.p_better for each in tested], rate=rate)
    return [
        _case(each, _noisy(each, worse=down, better=up)) for each, down, up in zip(tested, worse, better, strict=True)
    ]


def unmatched_verdicts(
    run: RunCases, changed: Sequence[ChangedCase], new: Sequence[BaselineCase], missing: Sequence[BaselineCase]
) -> list[CaseVerdict]:
    """Return the verdicts on what cannot be compared: changed, new and missing cases, and incomplete jobs."""
    rows = [_unpaired(each.now, Verdict.NOT_COMPARABLE, each.reason) for each in changed]
    rows += [_unpaired(case, Verdict.NEW, "is not in the baseline") for case in new]
    incomplete = {each.setup for each in run.incomplete}
    rows += [
        _unpaired(case, Verdict.MISSING, "is in the baseline, but was not run")
        for case in missing
        if case.setup not in incomplete
    ]
    rows += [
        CaseVerdict(
            setup=each.setup,
            graph_digest="",
            verdict=Verdict.ERROR,
            test=base_node_id(each.test),
            note=each.sentence,
            tests=(each.test,),
        )
        for each in run.incomplete
    ]
    return rows


def not_comparable_verdicts(cases: Sequence[BaselineCase], reason: str) -> list[CaseVerdict]:
    """Return the verdicts on all cases of a run that cannot be compared."""
    return [_unpaired(case, Verdict.NOT_COMPARABLE, reason) for case in cases]


def _statistics(match: Match, rule: Rule, chance: Chance) -> MatchStatistics:
    mine = [each for each in rule.expressions if each.mode in (None, match.setup.mode)]
    expression = next((each for each in mine if each.metric.kind is Kind.MEAN), None)
    counted = any(each.metric.name == VIOLATIONS for each in mine)
    added = added_counts(match, VIOLATIONS, clean=is_clean([match], VIOLATIONS)) if counted else 0.0
    plain = MatchStatistics(match=match, expression=expression, pairs=len(match.now.samples), added=added)
    if expression is None:
        return plain
    return _paired(plain, expression) if chance.fixed else _drawn(plain, expression, chance)


def _paired(plain: MatchStatistics, expression: Expression) -> MatchStatistics:
    """Where chance plays no part: the difference of the same repeats."""
    data = measured_pairs([plain.match], expression.metric.name)
    if not data.pairs:
        return replace(plain, pairs=0)
    before, now = fmean(data.before), fmean(data.now)
    return replace(
        plain,
        pairs=len(data.pairs),
        before=before,
        now=now,
        loss=expression.metric.worse * (now - before),
        allowed=expression.allowed_loss(before),
    )


def _drawn(plain: MatchStatistics, expression: Expression, chance: Chance) -> MatchStatistics:
    jobs = chance.draws([plain.match], expression.metric.name)
    if not jobs:
        return replace(plain, pairs=0)
    (job,) = jobs
    sign = expression.metric.worse
    before, now = (job.mean(0, now=later) for later in (False, True))
    losses = [pair.difference for pair in job.grouped_pairs(sign)]
    reach = reach_of(expression.metric, jobs)
    data = WeightedValues(values=losses, weights=[1.0] * len(losses), low=-reach, high=reach)
    allowed = expression.allowed_loss(before)
    level = expression.level
    loss = sign * (now - before)
    above = loss > allowed and p_mean_at_most(data, allowed) <= level
    below = loss < 0 and p_mean_at_most(data.mirrored, 0.0) <= level
    seen = TwoSided(up=1.0, down=1.0)
    if chance.sequential:
        values = [value for draw in job.before for value in draw.values.values()]
        down, up = sequential_p_values(losses, scale=bet_scale(expression.metric, values))
        seen = TwoSided(up=up, down=down)
    elif above or below:
        seen = permutation_p_values([job.stratum(sign, cases=1)])
    return replace(
        plain,
        before=before,
        now=now,
        loss=loss,
        allowed=allowed,
        p_worse=seen.up if above else 1.0,
        p_better=seen.down if below else 1.0,
        hidden=loss > allowed or p_mean_at_most(data.mirrored, -allowed) > level,
    )


def _rate(each: MatchStatistics) -> float:
    confidence = DEFAULT_CONFIDENCE if each.expression is None else each.expression.confidence
    return 1 - confidence / 100


def _exact(each: MatchStatistics) -> Verdict:
    if each.added > 0:
        return Verdict.REGRESSED
    if not each.pairs:
        return Verdict.NOT_COMPARABLE
    return exact_verdict(each.loss, each.allowed)


def _noisy(each: MatchStatistics, *, worse: bool, better: bool) -> Verdict:
    if not each.pairs:
        return Verdict.NOT_COMPARABLE
    if worse:
        return Verdict.REGRESSED
    if each.added > 0:
        return Verdict.INCONCLUSIVE
    if better:
        return Verdict.IMPROVED
    return Verdict.INCONCLUSIVE if each.hidden else Verdict.OK


def _case(each: MatchStatistics, verdict: Verdict) -> CaseVerdict:
    match = each.match
    notes = [f"renamed, was {match.renamed_from}"] if match.renamed_from else []
    if each.added:
        notes.append(f"{each.added:g} more violation{'s' if each.added != 1 else ''}")
    if not each.pairs:
        name = "a figure that the gate compares" if each.expression is None else each.expression.metric.name
        notes.append(f"{name} is not in both")
    return CaseVerdict(
        setup=match.setup,
        graph_digest=match.now.graph_digest,
        verdict=verdict,
        test=match.now.test_name,
        before=each.before,
        now=each.now,
        pairs=each.pairs,
        p_worse=each.p_worse if each.p_worse < 1 else None,
        note="; ".join(notes) or None,
        tests=tuple(sample.test for sample in match.now.samples),
    )


def _unpaired(case: BaselineCase, verdict: Verdict, reason: str) -> CaseVerdict:
    return CaseVerdict(
        setup=case.setup,
        graph_digest=case.graph_digest,
        verdict=verdict,
        test=case.test_name,
        note=reason,
        tests=tuple(sample.test for sample in case.samples) if verdict is not Verdict.MISSING else (),
    )
