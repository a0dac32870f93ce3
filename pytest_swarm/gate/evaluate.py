"""The whole gate: a run against a baseline, under rules and policies, as one plain value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.case_verdicts import judge_matches, not_comparable, unmatched
from pytest_swarm.gate.count_verdicts import judge_count
from pytest_swarm.gate.hypotheses import questions
from pytest_swarm.gate.mean_verdicts import Hypothesis, judge_mean
from pytest_swarm.gate.pairing import RunCases, pair
from pytest_swarm.gate.policy import Policy
from pytest_swarm.gate.run_context import RunContext, differences, reproducible, same_clock
from pytest_swarm.gate.time_verdicts import judge_median
from pytest_swarm.gate.verdicts import CaseVerdict, Strictness, Verdict, VerdictRow, worst
from pytest_swarm.metrics.spec import Kind

SCHEMA: Final = "swarm-gate/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Everything that is said. `failures` are the sentences for which the run fails; empty = it passes."""

    verdict: Verdict
    gate: Strictness
    baseline: str
    reasons: tuple[str, ...]
    rows: tuple[VerdictRow, ...]
    cases: tuple[CaseVerdict, ...]
    elsewhere: int
    failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many cases have which verdict."""
        found = Counter(case.verdict.value for case in self.cases)
        return {each.value: found[each.value] for each in Verdict if found[each.value]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was judged, before it is summed up."""

    reasons: tuple[str, ...] = ()
    rows: tuple[VerdictRow, ...] = ()
    cases: tuple[CaseVerdict, ...] = ()
    elsewhere: int = 0


def evaluate(
    taken: RunCases,
    baseline: Baseline,
    now: RunContext,
    *,
    policy: Policy,
    covered: Callable[[BaselineCase], bool],
) -> GateResult:
    """Judge a run. `covered` says whether the run would have run a case of the baseline if it were still there."""
    reasons = differences(baseline.circumstances, now)
    if reasons:
        cases = [*not_comparable(taken.cases, reasons[0]), *unmatched(taken, (), (), ())]
        return _result(policy, baseline, _Found(reasons=reasons, cases=tuple(cases)))
    pairing = pair(baseline, taken.cases, covered=covered)
    fixed = reproducible(baseline.circumstances, now)
    clocks = {wall: same_clock(baseline.circumstances, now, wall_clock=wall) for wall in (True, False)}
    rows = [_judge(each, clocks) for each in questions(pairing, policy, fixed=fixed, over=taken.over)]
    ruled = {n: (match, policy.rule_of(match.now)) for n, match in enumerate(pairing.matches)}
    cases = judge_matches(ruled, reproducible=fixed, sequential=policy.sequential)
    cases += unmatched(taken, pairing.changed, pairing.new, pairing.missing)
    found = _Found(rows=tuple(rows), cases=tuple(cases), elsewhere=len(pairing.elsewhere))
    return _result(policy, baseline, found)


def encode_gate(result: GateResult) -> dict[str, Json]:
    """The block `gate` of report.json."""
    return {
        "schema": SCHEMA,
        "verdict": result.verdict.value,
        "gate": result.gate,
        "baseline": result.baseline,
        "reasons": list(result.reasons),
        "counts": dict(result.counts),
        "rows": [_row(row) for row in result.rows],
        "cases": [_case(case) for case in result.cases],
        "cases_elsewhere": result.elsewhere,
        "failures": list(result.failures),
        "warnings": list(result.warnings),
    }


def _judge(question: Hypothesis, clocks: Mapping[bool, bool]) -> VerdictRow:
    expression = question.expression
    if expression.metric.kind is Kind.COUNT:
        return judge_count(question)
    if expression.metric.kind is Kind.TIME and not clocks[expression.metric.on_wall_clock]:
        return question.row(Verdict.NOT_COMPARABLE, note="times of another machine are no comparison")
    return judge_median(question) if expression.statistic == "median" else judge_mean(question)


def _result(policy: Policy, baseline: Baseline, found: _Found) -> GateResult:
    cases = tuple(sorted(found.cases, key=lambda case: case.setup.order))
    failures, warnings = _consequences(policy, found.rows, cases, found.reasons)
    compared = [row.verdict for row in found.rows]
    if all(verdict is Verdict.NOT_COMPARABLE for verdict in compared):
        lone = (Verdict.ERROR, Verdict.MISSING, Verdict.NOT_COMPARABLE)
        compared += [case.verdict for case in cases if case.verdict in lone]
    return GateResult(
        verdict=worst(compared),
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
    """(for what the run fails, what is only said)."""
    failures: list[str] = []
    warnings: list[str] = []

    def say(sentence: str, *, fail: bool) -> None:
        (failures if fail else warnings).append(sentence)

    for row in rows:
        name = f"{row.mode}/{row.expression.removeprefix(row.mode + '/')}" + (f" of {row.test}" if row.test else "")
        if row.verdict is Verdict.REGRESSED:
            say(f"{name}: REGRESSED", fail=row.gate == "fail")
        elif row.verdict is Verdict.INCONCLUSIVE and policy.inconclusive != "pass":
            say(f"{name}: inconclusive", fail=row.gate == policy.inconclusive == "fail")
        elif row.verdict is Verdict.NOT_COMPARABLE and policy.incomparable != "ignore":
            say(f"{name}: not comparable: {row.note}", fail=row.gate == policy.incomparable == "fail")
    fail = policy.default.gate == policy.incomparable == "fail"
    if policy.incomparable != "ignore":
        for reason in reasons:
            say(f"not comparable: {reason}", fail=fail)
        for kind in (Verdict.NOT_COMPARABLE, Verdict.MISSING):
            count = sum(case.verdict is kind for case in cases)
            if count and not (reasons and kind is Verdict.NOT_COMPARABLE):
                say(f"{count} {'case' if count == 1 else 'cases'} {kind.value}", fail=fail)
    return tuple(failures), tuple(warnings)


def _row(row: VerdictRow) -> dict[str, Json]:
    return {each.name: _json(getattr(row, each.name)) for each in fields(row)}


def _case(case: CaseVerdict) -> dict[str, Json]:
    setup = case.setup
    head: dict[str, Json] = {
        "job": setup.job,
        "mode": setup.mode,
        "horizon_depth": setup.horizon,
        "vram_budget_gb": setup.vram_budget_gb,
        "label": setup.label,
    }
    rest = {each.name: _json(getattr(case, each.name)) for each in fields(case) if each.name not in ("setup", "tests")}
    return head | rest


def _json(value: object) -> Json:
    if isinstance(value, Verdict):
        return value.value
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    assert value is None or isinstance(value, bool | int | float | str)
    return value
