"""The whole gate: a run against a baseline, under its rules, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.case_verdicts import match_verdicts, not_comparable_verdicts, unmatched_verdicts
from pytest_swarm.gate.count_verdicts import count_verdict
from pytest_swarm.gate.draws import twin_runs
from pytest_swarm.gate.dropped_settings import dropped_settings
from pytest_swarm.gate.hypotheses import Chance, Hypothesis, hypotheses_of
from pytest_swarm.gate.looks import earlier_looks
from pytest_swarm.gate.mean_verdicts import SUSPICION, mean_verdict
from pytest_swarm.gate.pairing import RunCases, pair_cases
from pytest_swarm.gate.rules import Policy
from pytest_swarm.gate.run_context import RunContext, differences, reproducible, seeded, virtual_clock
from pytest_swarm.gate.time_verdicts import WALL_TIME, is_wall_time, median_verdict
from pytest_swarm.gate.verdicts import CaseVerdict, GateResult, Verdict, VerdictRow, worst
from pytest_swarm.metrics.spec import Kind
from pytest_swarm.units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdicts:
    """The verdicts on rows and cases, before they are summed up."""

    reasons: tuple[str, ...] = ()
    rows: tuple[VerdictRow, ...] = ()
    cases: tuple[CaseVerdict, ...] = ()
    elsewhere: int = 0
    dropped: str | None = None  # a sentence on what of `elsewhere` are settings that the run has no longer


def evaluate(
    run: RunCases,
    baseline: Baseline,
    now: RunContext,
    *,
    policy: Policy,
    covered: Callable[[BaselineCase], bool],
) -> GateResult:
    """Return the verdicts on a run.

    Args:
        run: the cases of the run.
        baseline: what they are compared with.
        now: the context of the run.
        policy: the rules.
        covered: whether the run would have run a case of the baseline if it still existed.
    """
    reasons = differences(baseline.context, now)
    if reasons:
        cases = [*not_comparable_verdicts(run.cases, reasons[0]), *unmatched_verdicts(run, (), (), ())]
        return _result(policy, baseline, _Verdicts(reasons=reasons, cases=tuple(cases)))
    pairing = pair_cases(baseline, run.cases, covered=covered)
    fixed = reproducible(baseline.context, now)
    chance = Chance(
        fixed=fixed,
        seeded=seeded(baseline.context, now),
        sequential=policy.sequential,
        looks=0 if policy.sequential or fixed else earlier_looks(baseline, run),
        twins=twin_runs(baseline.cases),
    )
    virtual = virtual_clock(baseline.context, now)
    rows = [_row_verdict(each, virtual=virtual) for each in hypotheses_of(pairing, run, policy, chance=chance)]
    ruled = [(match, policy.rule_of(match.now)) for match in pairing.matches]
    cases = match_verdicts(ruled, chance=chance)
    cases += unmatched_verdicts(run, pairing.changed, pairing.new, pairing.missing)
    found = _Verdicts(
        reasons=() if pairing.matches else (_nothing_compared(run),),
        rows=tuple(rows),
        cases=tuple(cases),
        elsewhere=len(pairing.elsewhere),
        dropped=dropped_settings(pairing.elsewhere, run),
    )
    return _result(policy, baseline, found)


def judge_run(run: RunCases, context: RunContext, baseline: Baseline, policy: Policy) -> GateResult:
    """Return the verdicts on a run; a case counts as missing where the run has its mode and setting.

    Args:
        run: The cases of the run.
        context: How it was made.
        baseline: The stored results.
        policy: What may get worse, and by how much.
    """
    settings = {case.setup.key for case in run.cases}
    return evaluate(run, baseline, context, policy=policy, covered=lambda case: case.setup.key in settings)


def _nothing_compared(run: RunCases) -> str:
    if run.cases:
        return f"nothing was compared: the baseline has no case of this run ({len(run.cases):,}) as it is now"
    return "nothing was compared: this run completed no case"


def _row_verdict(hypothesis: Hypothesis, *, virtual: bool) -> VerdictRow:
    expression = hypothesis.expression
    if expression.metric.kind is Kind.COUNT:
        return count_verdict(hypothesis)
    if is_wall_time(expression.metric, virtual=virtual):
        return hypothesis.row(Verdict.NOT_COMPARABLE, note=WALL_TIME)
    return median_verdict(hypothesis) if expression.statistic == "median" else mean_verdict(hypothesis)


def _result(policy: Policy, baseline: Baseline, found: _Verdicts) -> GateResult:
    cases = tuple(sorted(found.cases, key=lambda case: case.setup.order))
    failures, warnings = _consequences(policy, found.rows, cases, found.reasons)
    if found.dropped is not None and policy.incomparable != "ignore":
        warnings = (*warnings, found.dropped)
    verdicts = [row.verdict for row in found.rows]
    if all(verdict is Verdict.NOT_COMPARABLE for verdict in verdicts):
        verdicts += [Verdict.NOT_COMPARABLE]
        verdicts += [case.verdict for case in cases if case.verdict is Verdict.ERROR]
    if policy.incomparable == "fail":  # a run that fails for them is never summed up as ok
        verdicts += [case.verdict for case in cases if case.verdict in (Verdict.NOT_COMPARABLE, Verdict.MISSING)]
    return GateResult(
        verdict=worst(verdicts),
        gate=policy.default.gate,
        baseline=baseline.where,
        reasons=found.reasons,
        rows=found.rows,
        cases=cases,
        elsewhere=found.elsewhere,
        failures=failures,
        warnings=warnings,
    )


def _consequences(
    policy: Policy, rows: tuple[VerdictRow, ...], cases: tuple[CaseVerdict, ...], reasons: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(why the run fails, what is a warning only)."""
    failures: list[str] = []
    warnings: list[str] = []

    def say(sentence: str, *, fail: bool) -> None:
        (failures if fail else warnings).append(sentence)

    def may_fail(row: VerdictRow) -> bool:
        """A marked test that only warns does so whatever its verdict; the run's `gate` speaks of regressions alone."""
        return row.test is None or row.gate == "fail"

    for row in rows:
        name = f"{row.mode}/{row.expression.removeprefix(row.mode + '/')}" + (f" of {row.test}" if row.test else "")
        if row.verdict is Verdict.REGRESSED:
            say(f"{name}: REGRESSED", fail=row.gate == "fail")
        elif row.verdict is Verdict.INCONCLUSIVE and policy.inconclusive != "pass":
            why = f": {row.suspicion}" if row.suspicion == SUSPICION else ""
            say(f"{name}: inconclusive{why}", fail=may_fail(row) and policy.inconclusive == "fail")
        elif row.verdict is Verdict.NOT_COMPARABLE and policy.incomparable != "ignore":
            say(f"{name}: not comparable: {row.note}", fail=may_fail(row) and policy.incomparable == "fail")
    fail = policy.incomparable == "fail"
    if policy.incomparable != "ignore":
        for reason in reasons:
            say(f"not comparable: {reason}", fail=fail)
        for kind in (Verdict.NOT_COMPARABLE, Verdict.MISSING):
            count = sum(case.verdict is kind for case in cases)
            if count and not (reasons and kind is Verdict.NOT_COMPARABLE):
                say(f"{plural(count, 'case')} {kind.value}", fail=fail)
    return tuple(failures), tuple(warnings)
