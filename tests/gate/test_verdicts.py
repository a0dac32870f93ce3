from __future__ import annotations

from dataclasses import replace
from math import comb
from time import process_time
from typing import Any

import pytest

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.evaluate import evaluate
from pytest_swarm.gate.gate_block import encode_gate
from pytest_swarm.gate.mean_verdicts import Loss
from pytest_swarm.gate.pairing import IncompleteJob, RunCases, run_cases
from pytest_swarm.gate.rules import Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import FleetIdentity
from pytest_swarm.gate.updating import require_same_context, update_baseline
from pytest_swarm.gate.verdicts import Verdict
from pytest_swarm.metrics.measured_jobs import measure
from tests.gate.runs import baseline, case, judge, policy, run_context, verdicts
from tests.report.factories import WB1, record


def jobs(scores: list[float], *, count: int = 8, mode: str = "lp") -> list[BaselineCase]:
    return [case(f"job{n}", scores, mode=mode) for n in range(count)]


def test_an_equal_run_of_the_same_seed_is_ok() -> None:
    result = judge(jobs([0.5]), jobs([0.5]), seed=0)
    assert set(verdicts(result).values()) == {Verdict.OK}
    assert (result.verdict, result.failures, result.warnings) == (Verdict.OK, (), ())


def test_three_equal_jobs_of_another_seed_are_no_proof() -> None:
    result = judge(jobs([0.5], count=3), jobs([0.5], count=3), "score:-2.5%")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.rows[0].repeats_needed is not None


def test_no_interval_reaches_beyond_the_largest_difference_of_two_scores() -> None:
    row = judge(jobs([1.0], count=1), jobs([1.0], count=1), "score:-5%", "violations:+0").rows[0]
    assert (row.low, row.high) == (-1.0, pytest.approx(1.0, abs=0.1))


def test_a_loss_in_every_repeat_is_a_regression() -> None:
    result = judge(jobs([0.9, 0.8]), jobs([0.6, 0.5]), "score:-2.5%@95")
    (row,) = result.rows
    assert row.verdict is Verdict.REGRESSED
    assert row.change == pytest.approx(-0.3)
    assert row.low is not None
    assert row.low <= row.change <= (row.high or 0) < 0
    assert result.failures == ("lp/score:-2.5%@95: REGRESSED",)


@pytest.mark.parametrize(
    ("low", "high", "p_worse", "p_better", "verdict"),
    [
        (0.1, 0.3, 0.01, 1.0, Verdict.REGRESSED),
        (0.1, 0.3, 0.20, 1.0, Verdict.INCONCLUSIVE),  # the bounds alone are no proof
        (-0.1, 0.3, 0.01, 1.0, Verdict.INCONCLUSIVE),  # nor is the test alone
        (0.01, 0.3, 0.01, 1.0, Verdict.INCONCLUSIVE),  # worse, perhaps within the allowance
        (0.01, 0.04, 0.01, 1.0, Verdict.OK),
        (-0.3, -0.1, 1.0, 0.01, Verdict.IMPROVED),
        (-0.3, -0.1, 1.0, 0.20, Verdict.OK),
        (-0.3, 0.1, 1.0, 0.01, Verdict.INCONCLUSIVE),
    ],
)
def test_bounds_and_test_must_agree_on_a_change(
    low: float, high: float, p_worse: float, p_better: float, verdict: Verdict
) -> None:
    loss = Loss(mean=(low + high) / 2, low=low, high=high, p_worse=p_worse, p_better=p_better, level=0.025)
    assert loss.verdict(0.05) is verdict


def test_a_gain_is_improved_and_fails_nothing() -> None:
    result = judge(jobs([0.6, 0.5]), jobs([0.9, 0.8]), "score:-2.5%")
    assert (result.verdict, result.failures) == (Verdict.IMPROVED, ())


def test_a_loss_within_the_allowance_is_ok() -> None:
    before, now = jobs([0.5, 0.5, 0.5]), jobs([0.49, 0.49, 0.49])
    assert judge(before, now, "score:-5%", seed=0).verdict is Verdict.OK
    assert judge(before, now, "score:-1%", seed=0).verdict is Verdict.REGRESSED


def test_the_published_difference_is_inconclusive() -> None:
    lp = [case("wb1", [1.0]), case("wb2", [8 / 9]), case("wb3", [1 / 3])]
    llm = [case("wb1", [1.0]), case("wb2", [5 / 9]), case("wb3", [1 / 3])]
    result = judge(lp, llm)
    row = result.rows[0]
    assert (row.verdict, row.p_worse) == (Verdict.INCONCLUSIVE, 0.5)
    assert row.before == pytest.approx(0.741, abs=1e-3)
    assert row.now == pytest.approx(0.630, abs=1e-3)
    assert row.repeats_to_settle is not None
    assert row.repeats_to_prove_ok is not None
    assert 20 < row.repeats_to_settle < row.repeats_to_prove_ok
    assert f"{row.repeats_to_settle:,} repeats of each case would settle a difference" in (row.note or "")


def test_the_repeats_that_settle_a_difference_grow_as_it_nears_the_allowance() -> None:
    first, other = [0.5, 0.4, 0.6, 0.45], [0.6, 0.45, 0.4, 0.5]  # their order leaves chance a part
    asked: list[int] = []
    for shift in (0.06, 0.03, 0.0, -0.02, -0.03):
        (row,) = judge(jobs(first, count=6), jobs([each + shift for each in other], count=6), "score:-0.04").rows
        assert row.repeats_to_settle is not None
        asked.append(row.repeats_to_settle)
    assert asked == sorted(set(asked))
    assert 3 < asked[3] / asked[2] < 5  # a quarter of the squared distance


def test_a_mode_has_verdicts_of_its_own() -> None:
    before = [*jobs([0.9, 0.8]), *jobs([0.9, 0.8], mode="llm")]
    now = [*jobs([0.9, 0.8]), *jobs([0.5, 0.4], mode="llm")]
    result = judge(before, now, "score:-2.5%", "llm/score:-0.9", seed=0)
    assert verdicts(result) == {
        "lp/score:-2.5%": Verdict.OK,
        "llm/score:-2.5%": Verdict.REGRESSED,
        "llm/score:-0.9": Verdict.OK,
    }


def test_rows_are_in_the_order_of_modes() -> None:
    cases = [each for mode in ("zeta", "greedy", "milp", "lp") for each in jobs([0.5], mode=mode, count=1)]
    assert [row.mode for row in judge(cases, cases, "score:-1%").rows] == ["lp", "milp", "greedy", "zeta"]


def test_an_expression_for_a_mode_that_did_not_run_says_so() -> None:
    (row,) = judge(jobs([0.5]), jobs([0.5]), "milp/score:-1%").rows
    assert (row.verdict, row.note) == (Verdict.NOT_COMPARABLE, "no case of mode MILP is in both")
    for incomparable, told in (("warn", (0, 1)), ("fail", (1, 0)), ("ignore", (0, 0))):
        result = judge(jobs([0.5]), jobs([0.5]), "milp/score:-1%", incomparable=incomparable)
        assert (len(result.failures), len(result.warnings)) == told


def test_a_repeat_is_over_budget_where_one_of_its_horizons_is() -> None:
    """Horizons of one repeat are one draw."""

    def both(counts: list[float]) -> list[BaselineCase]:
        deep = violating(counts)
        return [
            deep,
            replace(violating([0.0] * len(counts)), setup=replace(deep.setup, key=replace(deep.setup.key, horizon=0))),
        ]

    (row,) = judge(both([0.0] * 10), both([1.0] * 10), "violations:+0").rows
    assert (row.verdict, row.p_worse) == (Verdict.REGRESSED, pytest.approx(1 / comb(20, 10)))


def test_violations_that_are_allowed_are_not_used_up_by_repeats_without_any() -> None:
    before, now = [violating([0] * 40)], [violating([0] * 20 + [1] * 20)]
    (strict,) = judge(before, now, "violations:+0", sequential=True).rows
    (wide,) = judge(before, now, "violations:+20", sequential=True).rows
    assert (strict.verdict, wide.verdict, wide.p_worse) == (Verdict.REGRESSED, Verdict.OK, 1.0)


def violating(counts: list[float], *, job: str = "a") -> BaselineCase:
    return case(job, [0.5] * len(counts), figures={"violations": counts})


def test_one_new_violation_fails_a_mode_that_had_none() -> None:
    run = RunCases(
        cases=(violating([0, 1]),), over_budget={("a-lp--1", 0): ("a [lp-h1-8GB] r2, step 1: planned 12 of 8",)}
    )
    (row,) = judge([violating([0, 0])], run, "violations:+0@exact").rows
    assert (row.verdict, row.before, row.now, row.change) == (Verdict.REGRESSED, 0, 1, 1)
    assert row.details == ("a [lp-h1-8GB] r2, step 1: planned 12 of 8",)


@pytest.mark.parametrize(("steps", "more"), [(5, ()), (6, (".. and 1 more",))])
def test_five_steps_over_budget_are_named_and_the_others_counted(steps: int, more: tuple[str, ...]) -> None:
    told = tuple(f"step {n}" for n in range(steps))
    run = RunCases(cases=(violating([0, steps]),), over_budget={("a-lp--1", 0): told})
    (row,) = judge([violating([0, 0])], run, "violations:+0@exact").rows
    assert row.details == (*told[:5], *more)


def test_a_violation_in_a_repeat_that_the_baseline_lacks_counts_too() -> None:
    (row,) = judge([violating([0])], [violating([0, 1])], "violations:+0@exact").rows
    assert row.verdict is Verdict.REGRESSED


def test_violations_do_not_cancel_each_other_out_where_chance_plays_no_part() -> None:
    before, now = [violating([1]), violating([0], job="b")], [violating([0]), violating([1], job="b")]
    assert judge(before, now, "violations:+0", seed=0).verdict is Verdict.REGRESSED
    assert judge(before, now, "violations:+0", seed=1).verdict is Verdict.OK
    assert judge(before, now, "violations:+1", seed=0).verdict is Verdict.OK


def test_more_violations_of_a_mode_that_always_had_some_need_more_than_chance() -> None:
    before = [violating([1] + [0] * 9)]
    assert judge(before, [violating([1, 1] + [0] * 8)], "violations:+0").verdict is Verdict.INCONCLUSIVE
    assert judge(before, [violating([1] * 10)], "violations:+0").verdict is Verdict.REGRESSED
    assert judge(before, [violating([0] * 10)], "violations:+0").verdict is Verdict.OK
    assert judge([violating([1] * 10)], [violating([0] * 10)], "violations:+0").verdict is Verdict.IMPROVED


def timed(values: list[float]) -> list[BaselineCase]:
    return [case(f"job{n}", [0.5], figures={"makespan_s": [value]}) for n, value in enumerate(values)]


def test_repeats_that_say_the_same_do_not_narrow_the_bounds_of_virtual_times() -> None:
    before, now = [10.0, 11, 12, 13, 14, 15, 16], [9.5, 11, 12.6, 16.9, 18.9, 21, 16]
    rows = []
    for repeats in (1, 15):
        there, here = (
            [
                case(f"job{n}", [0.5] * repeats, figures={"makespan_s": [value] * repeats})
                for n, value in enumerate(side)
            ]
            for side in (before, now)
        )
        rows += judge(there, here, "makespan_s.median:+25%").rows
    assert rows[0].low is not None
    assert (rows[1].low, rows[1].high) == (pytest.approx(rows[0].low), pytest.approx(rows[0].high))


def test_virtual_times_are_a_ratio_of_medians_judged_by_its_bounds() -> None:
    before = [2.0 + n / 10 for n in range(12)]
    for factor, verdict in ((1.0, Verdict.OK), (1.2, Verdict.OK), (1.6, Verdict.REGRESSED), (0.5, Verdict.IMPROVED)):
        later = [factor * each * (1 + (n % 3) / 1_000) for n, each in enumerate(before)]
        (row,) = judge(timed(before), timed(later), "makespan_s.median:+25%").rows
        assert (row.verdict, row.change) == (verdict, pytest.approx(factor, rel=0.01))


def test_virtual_times_of_the_same_seed_are_exact() -> None:
    (row,) = judge(timed([2.0]), timed([2.6]), "makespan_s.median:+25%", seed=0).rows
    assert (row.verdict, row.exact, row.repeats_needed) == (Verdict.REGRESSED, True, None)


@pytest.mark.parametrize(
    ("before", "now", "note"),
    [
        ([0.0], [0.0], "a median is 0"),
        ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], "a median is 0"),
        ([1.0, 2.0] * 4, [2.0] * 7 + [0.0], "a time is 0, so there is no interval"),
        ([1.0], [1.0], "a ratio of medians needs 7 jobs or repeats for an interval, and has 1"),
        ([1.0, 2.0] * 3, [4.0, 5.0] * 3, "a ratio of medians needs 7 jobs or repeats for an interval, and has 6"),
    ],
)
def test_times_of_zero_and_few_of_them_give_no_interval(before: list[float], now: list[float], note: str) -> None:
    (row,) = judge(timed(before), timed(now), "makespan_s.median:+25%").rows
    assert (row.note or "").startswith(note)
    assert row.verdict in (Verdict.NOT_COMPARABLE, Verdict.INCONCLUSIVE)
    assert (row.low, row.high) == (None, None)


def test_wall_times_of_one_run_are_not_judged() -> None:
    found = [case("a", [0.5], figures={"decision_ms": [9.0], "makespan_s": [3.0]})]
    result = judge(found, found, "decision_ms:+1%", "makespan_s:+1%")
    assert [row.verdict is Verdict.NOT_COMPARABLE for row in result.rows] == [True, False]
    assert "python -m pytest_swarm time" in (result.rows[0].note or "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"backend": "measure"}, "other backend: sim then, measure now, and measured answers are played"),
        ({"simulated": False, "backend": "ollama"}, "other backend: simulated (a40) then, real (ollama) now"),
        ({"profile": "b200"}, "other simulator: simulated (a40) then, simulated (b200) now"),
        ({"fleet": FleetIdentity(name="heavy", digest="xyz")}, "other fleet: heavy (abc) then, heavy (xyz) now"),
        ({"measure": {"swarm_code_eval": "True"}}, "other --swarm-code-eval: off then, on now"),
    ],
)
def test_other_contexts_are_not_compared(change: dict[str, object], reason: str) -> None:
    run = RunCases(cases=tuple(jobs([0.1])))
    for incomparable, failures in (("warn", 0), ("fail", 1), ("ignore", 0)):
        result = evaluate(
            run,
            baseline(*jobs([0.9])),
            run_context(**change),
            policy=policy(incomparable=incomparable),
            covered=lambda _: True,
        )
        assert result.verdict is Verdict.NOT_COMPARABLE
        assert result.reasons[0].startswith(reason)
        assert len(result.failures) == failures
        assert (incomparable == "warn") is bool(result.warnings)
        assert (result.rows, result.elsewhere) == ((), 0)


def notes(before: list[BaselineCase], now: list[BaselineCase]) -> dict[str, tuple[Verdict, str | None]]:
    return {each.setup.job: (each.verdict, each.note) for each in judge(before, now, seed=0).cases}


def test_renamed_new_missing_and_changed_cases_are_reported_as_such() -> None:
    before = [case("a", [0.5]), case("b", [0.5]), case("c", [0.5]), case("d", [0.5])]
    now = [
        case("a", [0.5], test="test_other.py::test_renamed"),
        case("c", [0.5], graph="c2"),
        case("d", [0.5], graph="d2", version=2),
        case("e", [0.5]),
    ]
    assert notes(before, now) == {
        "a": (Verdict.OK, "renamed, was test_a.py::test_a"),
        "b": (Verdict.MISSING, "is in the baseline, but was not run"),
        "c": (Verdict.NOT_COMPARABLE, "the graph has changed (its tasks, prompts, expectations, edges or context)"),
        "d": (Verdict.NOT_COMPARABLE, "case version 1 then, 2 now"),
        "e": (Verdict.NEW, "is not in the baseline"),
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mode": "milp"}, "mode milp"),
        ({"vram_budget_gb": 24.0}, "VRAM 24GB"),
        ({"horizon": "flat"}, "horizon flat"),
        ({"lambda_token": 0.25}, "lp-h1-8GB-t0.25"),
    ],
)
def test_a_setting_that_the_run_dropped_is_named_where_its_workflow_ran(changes: dict[str, Any], named: str) -> None:
    def dropped(of: BaselineCase) -> BaselineCase:
        return replace(of, setup=replace(of.setup, key=replace(of.setup.key, **changes)))

    before = (case("a", [0.5]), dropped(case("a", [0.5])), dropped(case("unasked", [0.5])))
    said = [
        evaluate(
            RunCases(cases=before[:1]),
            baseline(*before),
            run_context(),
            policy=policy(incomparable=incomparable),
            covered=lambda _: False,
        )
        for incomparable in ("warn", "fail", "ignore")
    ]
    sentence = (
        f"of the workflows of this run, the baseline has settings that were not run: {named} (1 case); "
        "run them too, or delete the baseline and make it anew without them"
    )
    assert [each.warnings for each in said] == [(sentence,), (sentence,), ()]
    assert {(each.verdict, each.failures, each.elsewhere) for each in said} == {(Verdict.OK, (), 2)}


@pytest.mark.parametrize(
    ("incomparable", "verdict"), [("fail", Verdict.MISSING), ("warn", Verdict.OK), ("ignore", Verdict.OK)]
)
def test_a_run_that_fails_for_missing_cases_is_not_summed_up_as_ok(incomparable: str, verdict: Verdict) -> None:
    result = judge([case("a", [0.5]), case("b", [0.5])], [case("a", [0.5])], seed=0, incomparable=incomparable)
    assert (result.verdict, bool(result.failures)) == (verdict, verdict is not Verdict.OK)


def test_an_error_is_an_error_and_no_low_score() -> None:
    a, b = case("a", [0.9, 0.9]), case("b", [0.9, 0.9])
    incomplete = IncompleteJob(setup=b.setup, test="test_b.py::test_b[lp-h1-8GB-r1]", sentence="b ended as error: dead")
    run = RunCases(cases=(a, replace(b, samples=b.samples[1:])), incomplete=(incomplete,))
    result = judge([a, b], run, seed=0)
    row = result.rows[0]
    assert (row.verdict, row.lost) == (Verdict.INCONCLUSIVE, ("b ended as error: dead",))
    assert (row.cases, row.cases_expected, row.pairs, row.pairs_expected) == (2, 2, 3, 4)
    assert [each.note for each in result.cases if each.verdict is Verdict.ERROR] == ["b ended as error: dead"]
    assert not [each for each in result.cases if each.verdict is Verdict.MISSING]


@pytest.mark.parametrize(("inconclusive", "failures", "warnings"), [("pass", 0, 0), ("warn", 0, 1), ("fail", 1, 0)])
def test_what_inconclusive_does(inconclusive: str, failures: int, warnings: int) -> None:
    result = judge(jobs([0.5], count=3), jobs([0.4], count=3), "score:-2.5%", inconclusive=inconclusive)
    assert (len(result.failures), len(result.warnings)) == (failures, warnings)


def test_a_test_with_a_marker_has_a_gate_of_its_own() -> None:
    strict = Rule(expressions=(parse_expression("score:-0", what="x"),), gate="warn", test="test_job0.py::test_job0")
    rules = Policy(default=policy("score:-50%").default, rules={"test_job0.py::test_job0": strict})
    run = RunCases(cases=tuple(jobs([0.8] * 8)))
    result = evaluate(run, baseline(*jobs([0.9] * 8)), run_context(), policy=rules, covered=lambda _: True)
    assert [(row.test, row.jobs, row.verdict) for row in result.rows] == [
        (None, 7, Verdict.OK),
        ("test_job0.py::test_job0", 1, Verdict.REGRESSED),
    ]
    assert result.failures == ()


def test_case_verdicts_hold_the_false_discovery_rate() -> None:
    before = [case(f"job{n:02}", [0.9] * 12) for n in range(40)]
    now = [case(f"job{n:02}", [0.3] * 12 if n == 7 else [0.9] * 12) for n in range(40)]
    worse = [each.setup.job for each in judge(before, now).cases if each.verdict is Verdict.REGRESSED]
    assert worse == ["job07"]
    chance = [case(f"job{n:02}", [0.9] * 5 if n else [0.3] * 5) for n in range(40)]
    short = [case(f"job{n:02}", [0.9] * 5) for n in range(40)]
    assert not [each for each in judge(short, chance).cases if each.verdict is Verdict.REGRESSED]


def test_the_gate_of_a_report_is_plain_json() -> None:
    import json

    block = encode_gate(judge(jobs([0.9]), jobs([0.5])))
    assert json.loads(json.dumps(block, allow_nan=False)) == block
    assert block["schema"] == "swarm-gate/1"


def test_an_update_replaces_what_ran_and_keeps_what_was_not_asked_for() -> None:
    old = baseline(case("a", [0.1]), case("b", [0.2]), case("c", [0.3]))
    run = RunCases(cases=(case("a", [0.9]), case("d", [0.4])))
    found = update_baseline(old, run, run_context(), update="all", covered=lambda each: each.setup.job != "c")
    assert [each.setup.job for each in found.baseline.cases] == ["a", "b", "c", "d"]
    assert found.baseline.cases[0].samples[0].figures["score"] == 0.9
    assert found.sentence == "4 cases: 1 added, 1 replaced, 2 kept"
    found = update_baseline(old, run, run_context(), update="new", covered=lambda _: True)
    assert [each.setup.job for each in found.baseline.cases] == ["a", "b", "c", "d"]
    assert found.baseline.cases[0].samples[0].figures["score"] == 0.1


def test_an_update_drops_only_what_a_test_that_ran_no_longer_has() -> None:
    old = baseline(case("a", [0.1], test="test_x.py::test_x"), case("b", [0.2], test="test_y.py::test_y"))
    run = RunCases(cases=(case("a2", [0.9], test="test_x.py::test_x"),))
    found = update_baseline(old, run, run_context(), update="all", covered=lambda _: True)
    assert [each.setup.job for each in found.baseline.cases] == ["a2", "b"]


def test_append_keeps_the_newest_ten_runs_and_drops_no_case() -> None:
    stored = replace(baseline(case("a", [0.1]), case("b", [0.2])), context=run_context(run="20260100-0"))
    for day in range(1, 13):
        run = RunCases(cases=(case("a", [day / 100]),))
        now = run_context(run=f"202601{day:02}-0", seed=day)
        stored = update_baseline(stored, run, now, update="append", covered=lambda _: True).baseline
    a, b = stored.cases
    assert [each.run for each in a.samples] == [f"202601{day:02}-0" for day in range(3, 13)]
    assert [each.figures["score"] for each in a.samples][-1] == 0.12
    assert (b.setup.job, len(b.samples)) == ("b", 1)


def test_spread_between_stored_runs_counts() -> None:
    """Five runs that differ as wholes: a sixth that lies among them is no regression, though exact in itself."""
    means = (0.5, 0.6, 0.7, 0.8, 0.9)
    stored = [
        replace(each, samples=tuple(replace(sample, run=f"r{n}") for sample in each.samples))
        for n, mean in enumerate(means)
        for each in jobs([mean, mean + 0.01, mean - 0.01, mean], count=12)
    ]
    cases = [
        replace(group[0], samples=tuple(sample for each in group for sample in each.samples))
        for job in range(12)
        for group in [[each for each in stored if each.setup.job == f"job{job}"]]
    ]
    now = jobs([0.5, 0.51, 0.49, 0.5], count=12)
    assert judge(cases, now, "score:-2.5%").rows[0].verdict is Verdict.INCONCLUSIVE
    alike = [
        replace(each, samples=tuple(replace(sample, run="one", repeat=n) for n, sample in enumerate(each.samples)))
        for each in cases
    ]
    assert judge(alike, now, "score:-2.5%").rows[0].verdict is Verdict.REGRESSED


def test_a_case_with_an_error_keeps_its_old_samples() -> None:
    old = baseline(case("a", [0.1, 0.1]))
    a = case("a", [0.9, 0.9])
    run = RunCases(
        cases=(replace(a, samples=a.samples[:1]),),
        incomplete=(IncompleteJob(setup=a.setup, test="", sentence=""),),
    )
    found = update_baseline(old, run, run_context(), update="all", covered=lambda _: True)
    assert found.baseline.cases == old.cases


def test_nothing_is_added_to_a_baseline_of_another_context() -> None:
    require_same_context(baseline(), run_context())
    with pytest.raises(BaselineError, match=r"nothing can be added to it \(other seed: 0 then, 5 now\)"):
        require_same_context(baseline(), run_context(seed=5))


def test_many_cases_need_no_quadratic_work() -> None:
    spent_s = []
    for count in (10, 300, 2_400):  # the first one imports
        before = [case(f"job{n}", [0.5]) for n in range(count)]
        began_s = process_time()
        assert judge(before, before).counts == {"inconclusive": count}
        spent_s.append(process_time() - began_s)
    assert spent_s[2] < 20 * spent_s[1]  # of eight times the cases; work that is quadratic would take 64 times as long


def test_repeats_that_were_added_while_needed_are_judged_more_strictly() -> None:
    before, now = jobs([0.9, 0.8]), jobs([0.6, 0.5])
    fixed = judge(before, now, "score:-2.5%").rows[0]
    sequential = judge(before, now, "score:-2.5%", sequential=True).rows[0]
    assert fixed.verdict is sequential.verdict is Verdict.REGRESSED
    few = judge(jobs([0.9], count=6), jobs([0.6], count=6), "score:-2.5%", sequential=True).rows[0]
    assert few.verdict is Verdict.INCONCLUSIVE
    noisy = [case(f"job{n}", [0.9, 0.5, 0.2]) for n in range(8)]
    shifted = [case(f"job{n}", [0.5, 0.9, 0.3]) for n in range(8)]
    asked = [
        judge(noisy, shifted, "score:-2.5%", sequential=each).rows[0].repeats_needed or 0 for each in (False, True)
    ]
    assert 0 < asked[0] < asked[1]


def test_a_run_that_compares_nothing_is_not_comparable() -> None:
    for incomparable, failures in (("warn", 0), ("fail", 1), ("ignore", 0)):
        result = judge(jobs([0.9]), [case("other", [0.9])], incomparable=incomparable)
        assert result.verdict is Verdict.NOT_COMPARABLE
        assert result.reasons[0].startswith("nothing was compared: the baseline has no case of this run (1) as")
        assert bool(result.failures) is bool(failures)


@pytest.mark.parametrize(
    ("metric", "why"),
    [("score", "has no score now"), ("token_cost", "has no token_cost to compare now, because a task failed")],
)
def test_lost_figures_cost_coverage_are_named_and_are_never_ok(metric: str, why: str) -> None:
    before = [case(f"job{n}", [0.9, 0.9], figures={"token_cost": [9.0, 9.0]}) for n in range(4)]
    lost = {metric: None, "tasks_failed": 1.0}
    now = [
        replace(each, samples=tuple(replace(s, figures={**s.figures, **lost}) for s in each.samples))
        for each in before[1:]
    ]
    (row,) = judge(before, [before[0], *now], f"{metric}:{'-' if metric == 'score' else '+'}2.5%", seed=0).rows
    assert row.verdict is Verdict.INCONCLUSIVE
    assert (row.cases, row.cases_expected, row.pairs, row.pairs_expected) == (1, 4, 2, 8)
    assert row.lost[0] == f"job1 [lp-h1-8GB] r1 {why}"


def test_a_router_that_dies_in_every_job_is_not_comparable() -> None:
    before = jobs([0.9], count=2)
    died = tuple(IncompleteJob(setup=each.setup, test="t.py::t", sentence="dead") for each in before)
    result = judge(before, RunCases(cases=(), incomplete=died), "score:-2.5%")
    assert result.verdict in (Verdict.NOT_COMPARABLE, Verdict.ERROR)
    assert [row.lost for row in result.rows] == [("dead", "dead")]


def test_repeats_with_the_same_answers_are_one_draw_on_a_real_server() -> None:
    def real(side: list[BaselineCase], answers: list[str]) -> list[BaselineCase]:
        return [
            replace(each, samples=tuple(replace(s, answers=a) for s, a in zip(each.samples, answers, strict=True)))
            for each in side
        ]

    before = real(jobs([0.9] * 4, count=6), ["x"] * 4)
    now = real(jobs([0.6, 0.6, 0.6, 0.3], count=6), ["y", "y", "y", "z"])
    context = run_context(seed=1, backend="ollama", simulated=False)
    stored = replace(baseline(*before), context=replace(context, seed=0))
    result = evaluate(RunCases(cases=tuple(now)), stored, context, policy=policy("score:-2%"), covered=lambda _: True)
    (row,) = result.rows
    assert (row.repeats_before, row.distinct_before, row.repeats_now, row.distinct_now) == (24, 6, 24, 12)
    assert row.now == pytest.approx(0.525)
    assert row.verdict is Verdict.INCONCLUSIVE


def test_all_repeats_of_both_sides_count_where_seeds_are_not_shared() -> None:
    few, many = jobs([0.5, 0.7], count=8), jobs([0.5, 0.7, 0.5, 0.7, 0.6, 0.6], count=8)
    row, narrow = (judge(many, each, "score:-2.5%").rows[0] for each in (few, many))
    assert (row.repeats_before, row.repeats_now, row.pairs) == (48, 16, 16)
    assert narrow.high is not None
    assert narrow.low is not None
    assert row.high is not None
    assert row.low is not None
    assert narrow.high - narrow.low < row.high - row.low


def test_a_loss_that_is_real_but_perhaps_allowed_says_so() -> None:
    before, now = jobs([0.9, 0.8, 0.9, 0.8], count=20), jobs([0.8, 0.7, 0.8, 0.7], count=20)
    (row,) = judge(before, now, "score:-0.09").rows
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.suspicion == "worse than before, perhaps within the allowance"


def test_rare_violations_that_chance_explains_are_no_regression() -> None:
    rare = [violating([1, 0, 0, 0, 0]), *(violating([0] * 5, job=f"b{n}") for n in range(16))]
    clean = [violating([0] * 5), *(violating([0] * 5, job=f"b{n}") for n in range(16))]
    (row,) = judge(clean, rare, "violations:+0").rows
    assert row.verdict is Verdict.INCONCLUSIVE
    assert "counted in 1 of 85 repeats now" in (row.note or "")
    assert judge(clean, rare, "violations:+1").rows[0].verdict is Verdict.OK
    assert judge(clean, rare, "violations:+0@exact").rows[0].verdict is Verdict.REGRESSED


def test_token_cost_is_judged_while_repeats_are_added() -> None:
    costs = {"token_cost": [1e6, 2e6, 1.5e6]}
    before = [case(f"job{n}", [0.5] * 3, figures=costs) for n in range(8)]
    (row,) = judge(before, before, "token_cost:+10%", sequential=True).rows
    assert row.verdict is Verdict.INCONCLUSIVE


def test_a_router_made_worse_by_five_points_fails_with_one_repeat_of_the_same_seed() -> None:
    before, now = jobs([0.74], count=3), jobs([0.69], count=3)
    result = judge(before, now, seed=0)
    row = result.rows[0]
    assert (row.verdict, row.exact, row.p_worse, row.repeats_needed) == (Verdict.REGRESSED, True, None, None)
    assert result.failures == ("lp/score:-2.5%@95: REGRESSED",)


def test_a_count_that_was_not_measured_is_not_0() -> None:
    """A baseline without the count of one case: three violations now are not three more."""
    before = case("a", [0.5], figures={"violations": [None]})  # type: ignore[list-item]
    result = judge([before, violating([1], job="b")], [violating([3]), violating([1], job="b")], seed=0)
    assert {each.setup.job: each.verdict for each in result.cases} == {"a": Verdict.OK, "b": Verdict.OK}


def appended(scores: list[list[float]], answers: list[list[str]]) -> list[BaselineCase]:
    """Eight jobs of a baseline of several runs, one list of scores and of answers for each."""
    found: list[BaselineCase] = []
    for each in jobs([0.0], count=8):
        samples = tuple(
            replace(one, run=f"run{n}", answers=f"{each.setup.job}{text}")
            for n, (values, texts) in enumerate(zip(scores, answers, strict=True))
            for one, text in zip(case(each.setup.job, values).samples, texts, strict=True)
        )
        found.append(replace(each, samples=samples))
    return found


def test_a_seed_that_was_appended_twice_is_one_run() -> None:
    now = jobs([0.5, 0.5], count=8)
    twice = judge(appended([[0.4, 0.6]] * 2, [["a", "b"]] * 2), now, "score:-2.5%").rows[0]
    other = judge(appended([[0.4, 0.6]] * 2, [["a", "b"], ["a", "c"]]), now, "score:-2.5%").rows[0]
    assert (twice.repeats_before, twice.distinct_before) == (32, 16)
    assert (other.repeats_before, other.distinct_before) == (32, 32), "on a simulator, one equal answer is coincidence"


@pytest.mark.parametrize("seed", [0, 1], ids=["reproducible", "noisy"])
def test_families_widen_the_interval_over_jobs_and_change_no_verdict(seed: int) -> None:
    """Twenty-four jobs of six templates, which fall by 0 to 25 points: the same answers are judged either way."""
    before = [case(f"job{n}", [0.9, 0.8, 0.85]) for n in range(24)]
    now = [case(f"job{n}", [each - n % 6 / 20 for each in (0.9, 0.8, 0.85)]) for n in range(24)]
    declared = [replace(each, family=f"template {n % 6}") for n, each in enumerate(now)]
    (apart,), (known,) = (judge(before, cases, "score:-2.5%@95", seed=seed).rows for cases in (now, declared))
    assert (known.verdict, known.low, known.high, known.p_worse) == (
        apart.verdict,
        apart.low,
        apart.high,
        apart.p_worse,
    )
    assert known.interval_over_jobs is not None
    assert apart.interval_over_jobs is not None
    wide, narrow = (high - low for low, high in (known.interval_over_jobs, apart.interval_over_jobs))
    assert wide > 1.5 * narrow


def test_a_case_that_is_judged_has_the_family_of_its_graph() -> None:
    (found,) = run_cases(measure([record(graph=replace(WB1, family="orders"))])).cases
    assert found.family == "orders"
    twice = [record(graph=replace(WB1, family="orders")), record(graph=WB1)]
    (found,) = run_cases(measure(twice)).cases
    assert found.family == "orders"
