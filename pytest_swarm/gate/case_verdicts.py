"""Verdicts on single cases, with the false discovery rate held over all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.count_verdicts import added_violations, is_clean
from pytest_swarm.gate.pairing import ChangedCase, Match, RunCases
from pytest_swarm.gate.rules import Expression, Rule
from pytest_swarm.gate.verdicts import CaseVerdict, Verdict
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.statistics.exact_tests import reject_false_discoveries
from pytest_swarm.statistics.sequential import sequential_p_values
from pytest_swarm.statistics.sign_flips import (
    RULE_OF_THREE,
    flip_p_values,
    minimum_detectable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStatistics:
    """A match under its rule: the losses of its pairs (positive = worse) in the rule's first mean metric."""

    match: Match
    rule: Rule
    expression: Expression | None
    losses: tuple[float, ...]
    before: float | None
    now: float | None
    p_worse: float
    p_better: float
    added: float

    @property
    def mean(self) -> float:
        """The mean loss; 0 where nothing was measured in both."""
        return fmean(self.losses) if self.losses else 0.0


def match_verdicts(
    matches: Sequence[tuple[Match, Rule]], *, reproducible: bool, sequential: bool = False
) -> list[CaseVerdict]:
    """Return one verdict for each match, in order: exact sign flips (or bets), Benjamini-Hochberg over all cases."""
    clean = _clean_modes([match for match, _ in matches])
    tested = [_statistics(match, rule, clean=clean[match.setup.mode], sequential=sequential) for match, rule in matches]
    rates = [_rate(each) for each in tested]
    rate = min(rates, default=0.05)
    worse = reject_false_discoveries([each.p_worse for each in tested], rate=rate)
    better = reject_false_discoveries([each.p_better for each in tested], rate=rate)
    return [
        _case(each, _verdict(each, worse=down, better=up, reproducible=reproducible))
        for each, down, up in zip(tested, worse, better, strict=True)
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


def _clean_modes(matches: Sequence[Match]) -> dict[str, bool]:
    by_mode: dict[str, list[Match]] = {}
    for match in matches:
        by_mode.setdefault(match.setup.mode, []).append(match)
    return {mode: is_clean(group, "violations") for mode, group in by_mode.items()}


def _statistics(match: Match, rule: Rule, *, clean: bool, sequential: bool) -> MatchStatistics:
    mine = [each for each in rule.expressions if each.mode in (None, match.setup.mode)]
    expression = next((each for each in mine if each.metric.kind is Kind.MEAN), None)
    counted = any(each.metric.name == "violations" for each in mine)
    pairs: list[tuple[float, float]] = []
    sign = 1
    if expression is not None:
        name, sign = expression.metric.name, expression.metric.worse
        for then, now in match.pairs:
            a, b = then.figures.get(name), now.figures.get(name)
            if a is not None and b is not None:
                pairs.append((a, b))
    losses = tuple(sign * (b - a) for a, b in pairs)
    p_better, p_worse = (sequential_p_values if sequential else flip_p_values)(losses) if losses else (1.0, 1.0)
    return MatchStatistics(
        match=match,
        rule=rule,
        expression=expression,
        losses=losses,
        before=fmean(a for a, _ in pairs) if pairs else None,
        now=fmean(b for _, b in pairs) if pairs else None,
        p_worse=p_worse,
        p_better=p_better,
        added=added_violations(match, "violations", clean=clean) if counted else 0.0,
    )


def _rate(each: MatchStatistics) -> float:
    confidence = 95.0 if each.expression is None else each.expression.confidence
    return 1 - confidence / 100


def _verdict(each: MatchStatistics, *, worse: bool, better: bool, reproducible: bool) -> Verdict:
    clean = is_clean([each.match], "violations")
    if each.added > 0 and (reproducible or clean):
        return Verdict.REGRESSED if reproducible else Verdict.INCONCLUSIVE
    if not each.match.pairs:
        return Verdict.NOT_COMPARABLE
    if each.expression is None or each.before is None:
        return Verdict.OK
    allowed = each.expression.allowed_loss(each.before)
    if worse and each.mean > allowed:
        return Verdict.REGRESSED
    if better:
        return Verdict.IMPROVED
    hidden = _detectable(each, reproducible=reproducible)
    return Verdict.OK if max(hidden, each.mean) <= allowed else Verdict.INCONCLUSIVE


def _detectable(each: MatchStatistics, *, reproducible: bool) -> float:
    """The smallest loss that the repeats of one case detect, as in `mean_verdicts.detectable_loss`."""
    n = len(each.losses)
    if not any(each.losses):
        if reproducible:
            return 0.0
        tasks = fmean(max(1, now.tasks) for _, now in each.match.pairs)
        return RULE_OF_THREE / n / tasks
    assert each.expression is not None, "losses are those of an expression"
    level = (1 - each.expression.confidence / 100) / 2
    return math.inf if n < 2 else minimum_detectable(stdev(each.losses) / math.sqrt(n), n, level=level)


def _case(each: MatchStatistics, verdict: Verdict) -> CaseVerdict:
    match = each.match
    notes = [f"renamed, was {match.renamed_from}"] if match.renamed_from else []
    if each.added:
        notes.append(f"{each.added:g} more violation{'s' if each.added != 1 else ''}")
    if not match.pairs:
        notes.append("no repeat is in both")
    return CaseVerdict(
        setup=match.setup,
        graph_digest=match.now.graph_digest,
        verdict=verdict,
        test=match.now.test_name,
        before=each.before,
        now=each.now,
        pairs=len(each.losses),
        p_worse=each.p_worse if any(each.losses) else None,
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
