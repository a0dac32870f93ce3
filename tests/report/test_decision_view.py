"""The section *Decision* of the page: where it is shown, and that its sentences follow from the figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.decision.choice import GainEstimate
from pytest_swarm.decision.criteria import CRITERIA
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.domain.record import Run
from pytest_swarm.report.charts.gain_plot import gain_plot
from pytest_swarm.report.decided_intervals import decided_report, with_decided_intervals
from pytest_swarm.report.decision_ruling import decision_sentence
from pytest_swarm.report.decision_text import interval_text, table_rows
from pytest_swarm.report.decision_view import DecisionView, decision_names
from pytest_swarm.report.findings import main_comparisons
from pytest_swarm.report.flip_text import BUDGETS_NOTE, FORMULA_NOTE, flips_of
from pytest_swarm.report.html import render_html
from pytest_swarm.report.markdown import render_markdown
from pytest_swarm.report.output_kinds import Output
from pytest_swarm.report.outputs import write_output
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from pytest_swarm.report.wording import signed_points
from tests.decision.runs import many, without_plan


def views(run: Run) -> tuple[DecisionView, ...]:
    found = decision_names(decided_report(build_report(run)).decisions)["policy_decisions"]
    assert isinstance(found, tuple)
    return found


@pytest.fixture(scope="module")
def two_budgets() -> Run:
    return many({"fixed": 0.4, "milp": 0.8}, budgets_gb=(16.0, 24.0))


@pytest.fixture(scope="module")
def page_of_two(two_budgets: Run) -> str:
    return render_html(build_report(two_budgets))


def test_the_page_begins_with_the_decision_of_a_run_with_several_policies(two_budgets: Run, page_of_two: str) -> None:
    page = page_of_two.replace("\xa0", " ")
    answer = page[page.index('id="answer"') : page.index('id="decision"')]
    decisions = decide_runs([two_budgets], DecisionQuestion())
    for decision in decisions:
        assert decision_sentence(decision) in answer
    assert page.count("What would change it") == 2
    assert "At 24GB the same policy is in force." in page


@pytest.mark.parametrize("modes", [{"milp": 0.5}, {"milp": 0.5, "oracle": 0.5}])
def test_without_two_policies_there_is_no_decision(modes: dict[str, float]) -> None:
    run = many(modes, jobs=9)
    assert decided_report(build_report(run)).decisions == ()
    assert 'id="decision"' not in render_html(build_report(run))


def test_a_policy_that_is_left_alone_is_shown_with_the_reason() -> None:
    run = without_plan(many({"llm": 0.6, "lp": 0.5}), "lp", jobs=2)
    (view,) = views(run)
    assert (view.label, len(view.rows)) == ("nothing to compare", 1)
    assert view.sentence.startswith("No other policy can be used at 24GB (LP finds no plan for 2 of 30 jobs), so there")
    assert "Left out: LP finds no plan for 2 of 30 jobs." in render_html(build_report(run))


def test_types_and_models_are_those_of_the_policy_in_force() -> None:
    (view,) = views(many({"fixed": 0.4, "milp": 0.8}))
    assert (view.label, view.policy) == ("use MILP", "MILP")
    assert {row.type: row.tasks for row in view.types} == {"extraction": 30, "math": 30, "code": 30}
    column = view.models.index("qwen2.5-coder:7b")
    assert {row.given[column] for row in view.types} == {"30"}
    assert view.resident == (("qwen2.5-coder:7b", "90 of 90"),)


def test_the_drawing_holds_each_interval_and_the_honest_gain() -> None:
    (decision,) = decide_runs([many({"fixed": 0.4, "milp": 0.8, "greedy": 0.6})], DecisionQuestion())
    plot = gain_plot(decision)
    assert plot is not None
    assert [mark.mode for mark in plot.marks] == ["milp", "greedy"]
    assert plot.frame.width <= 360  # a phone of 380 pixels shows it whole
    for mark in plot.marks:
        assert plot.frame.left <= mark.low <= mark.middle <= mark.high <= plot.frame.right
    best = next(mark for mark in plot.marks if mark.best)
    assert best.mode == "milp"
    assert best.low <= plot.honest <= best.high
    assert plot.honest_y == best.y


def test_a_better_score_is_worth_its_tokens_up_to_a_weight() -> None:
    (decision,) = decide_runs([many({"fixed": 0.4, "milp": 0.8})], DecisionQuestion())
    (sentence,) = [each for each in flips_of(decision, ()).sentences if "lambda_token" in each]
    gain = decision.mean("score", decision.best) - decision.mean("score", decision.present)
    cost = decision.mean("token_cost", decision.best) - decision.mean("token_cost", decision.present)
    told = float(re.search(r"below ([\d.,]+) \(95 % interval ", sentence)[1].replace(",", ""))
    assert told == pytest.approx(3 * gain * 1000 / cost, rel=0.05)


def test_the_page_says_that_weights_and_loads_are_judged_by_formula_and_budgets_were_run(
    two_budgets: Run, page_of_two: str
) -> None:
    (one,) = views(many({"fixed": 0.4, "milp": 0.8}))
    assert one.flips.note == FORMULA_NOTE
    two, _ = views(two_budgets)
    assert two.flips.note == f"{FORMULA_NOTE} {BUDGETS_NOTE}"
    assert page_of_two.count("before you rely on it. Other budgets were run.") == 2


def test_seven_jobs_show_the_sentence_and_nothing_else() -> None:
    (view,) = views(many({"fixed": 0.4, "milp": 0.8}, jobs=7))
    assert view.sentence.startswith("7 jobs decide nothing")
    assert (view.plot, view.flips.sentences) == (None, ())


@pytest.mark.parametrize("chances", [{"fixed": 0.4, "milp": 0.6}, {"fixed": 0.4, "milp": 0.6, "greedy": 0.2}])
def test_one_comparison_has_one_interval_wherever_it_is_read(chances: dict[str, float]) -> None:
    """The decision pays for choosing, so its interval is another one than that of the comparison by itself."""
    run = many(chances, jobs=20)
    (decision,) = decide_runs([run], DecisionQuestion())
    report = build_report(run)
    plain = {(each.mode, each.reference): each.difference for each in report.comparisons}
    shown = with_decided_intervals(report, [decision])
    for each in main_comparisons(shown):
        seen = each if each.reference == "fixed" else each.reversed
        estimate = decision.choice.estimate([p.mode for p in decision.policies].index(seen.mode))
        assert estimate is not None
        assert seen.difference is not None
        assert (seen.difference.low, seen.difference.high) == estimate.gain.bounds
        assert seen.difference.mean == pytest.approx(estimate.gain.mean)
    texts = [render_html(report), render_markdown(report), " ".join(terminal_summary(report, width=100, verbose=0))]
    for (mode, reference), found in plain.items():
        if found is not None and found.low is not None and found.high is not None and "fixed" in (mode, reference):
            assert not [each for each in texts if f"{signed_points(found.low)} to {signed_points(found.high)}" in each]
    for each in main_comparisons(shown):
        sides = [found for found in (each.difference, each.reversed.difference) if found is not None]
        assert len(sides) == 2
        # a sentence tells it of the better one, a table of the one in its row
        told = [f"{signed_points(found.low or 0)} to {signed_points(found.high or 0)}" for found in sides]
        assert all(any(one in " ".join(text.split()) for one in told) for text in texts)


def test_files_for_programs_keep_the_interval_of_the_comparison(tmp_path: Path) -> None:
    report = build_report(many({"fixed": 0.4, "milp": 0.6}, jobs=20))
    outputs = [Output(kind="json"), Output(kind="md")]
    for each in outputs:
        write_output(each, report, tmp_path)
    (found,) = json.loads((tmp_path / "report.json").read_text())["comparisons"][:1]
    plain = report.comparisons[0].difference
    assert plain is not None
    assert (found["difference_interval"]["low"], found["difference_interval"]["high"]) == (plain.low, plain.high)
    assert plain.low is not None
    assert signed_points(plain.low) not in (tmp_path / "report.md").read_text()


def test_a_comparison_over_other_pairs_keeps_its_own_interval() -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, jobs=20, budgets_gb=(16.0, 24.0))
    report = build_report(run)
    shown = with_decided_intervals(report, decide_runs([run], DecisionQuestion()))
    pooled = [each for each in report.comparisons if each.horizon_depth is None]
    assert pooled == [each for each in shown.comparisons if each.horizon_depth is None]
    own = [each.difference for each in report.comparisons if each.horizon_depth is not None]
    assert not [each for each in shown.comparisons if each.horizon_depth is not None and each.difference in own]


def test_the_modes_that_a_decision_does_not_judge_are_said_to_have_another_interval() -> None:
    told = "The interval of oracle is not the decision&#39;s, and assumes less."
    judged = {"fixed": 0.4, "milp": 0.6, "greedy": 0.2}
    assert told in render_html(build_report(many(judged | {"oracle": 0.9}, jobs=9)))
    assert "and assumes less" not in render_html(build_report(many(judged, jobs=9)))
    too_few = render_html(build_report(many(judged | {"oracle": 0.9}, jobs=7)))
    assert "and assumes less" not in too_few, "no interval is the decision's"


def test_the_answer_has_up_to_three_budgets_and_the_decision_the_others() -> None:
    page = render_html(build_report(many({"fixed": 0.4, "milp": 0.8}, jobs=10, budgets_gb=(13.0, 16.0, 20.0, 24.0))))
    answer, rest = page[page.index('id="answer"') : page.index('id="decision"')], page[page.index('id="decision"') :]
    assert [f">At {budget}<" in answer for budget in ("13GB", "16GB", "20GB", "24GB")] == [True, True, True, False]
    assert "The decisions at 24GB stand in" in answer
    assert len(re.findall(r"<p>[^<]*(Use MILP|Cannot tell)", rest)) == 1


def test_an_interval_over_all_scores_is_drawn_and_one_without_ends_is_none() -> None:
    """Ten policies on nine jobs leave some gains without a finite bound."""
    modes = ("fixed", "milp", "greedy", "random", "collate", "staged", "best-single", "single:a", "single:b", "heft")
    run = many({mode: 0.3 + 0.06 * n for n, mode in enumerate(modes)}, jobs=9)
    (decision,) = decide_runs([run], DecisionQuestion())

    def bounded(low: float | None) -> tuple[GainEstimate, PolicyDecision]:
        first = decision.choice.estimates[0]
        first = replace(first, gain=replace(first.gain, low=low, high=1.0))
        choice = replace(decision.choice, estimates=(first, *decision.choice.estimates[1:]))
        return first, replace(decision, choice=choice)

    widest, by_score = bounded(-1.0)
    assert interval_text(by_score, widest) == "95 % interval -100.0 to +100.0"
    plot = gain_plot(by_score)
    assert plot is not None
    assert plot.frame.left <= plot.marks[0].low < plot.marks[0].high <= plot.frame.right
    endless, by_time = bounded(None)
    by_time = replace(by_time, question=DecisionQuestion(by=CRITERIA["makespan"]))
    assert interval_text(by_time, endless) == "no 95 % interval, for so many policies the jobs are too few"
    assert gain_plot(by_time) is not None
    assert "inf" not in " ".join(cell for row in table_rows(by_time) for cell in row)


def test_a_better_score_that_may_be_chance_has_no_price_in_tokens() -> None:
    (open_,) = decide_runs([many({"fixed": 0.5, "milp": 0.56})], DecisionQuestion())
    assert [each for each in flips_of(open_, ()).sentences if "lambda_token" in each] == []


def test_a_present_policy_that_breaks_the_budget_is_not_kept_on_the_page() -> None:
    run = many({"lp": 0.9, "milp": 0.5}, jobs=9, budgets_gb=(8.0,))
    jobs = [
        replace(each, case=replace(each.case, key=replace(each.case.key, mode="fixed")))
        if each.case.key.mode == "lp"
        else each
        for each in run.jobs
    ]
    run = replace(run, jobs=tuple(jobs))
    page = render_html(build_report(run))
    assert "fixed breaks the budget in 9 of 9 jobs, so it cannot be used at 8GB." in page
    assert "<h3>At 8GB: fixed cannot be kept</h3>" in page
    assert "keep fixed" not in page
    assert "keep it" not in page
    assert "fixed (now; cannot be used)" in page
