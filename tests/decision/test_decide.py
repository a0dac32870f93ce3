"""Decisions on whole runs: which policies are compared, with what, and in which words they are told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.criteria import CRITERIA, SCORE, parse_criterion, parse_loss
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.decision.exports import EXPORTS
from pytest_swarm.decision.exports.exported_policy import export_text
from pytest_swarm.decision.measured_policies import PolicySetting
from pytest_swarm.decision.policy_writing import policy_of, type_table, why_no_policy
from pytest_swarm.decision.present_policy import PresentPolicy, present_mode
from pytest_swarm.domain.estimates_info import EstimatesInfo, EstimatesKind
from pytest_swarm.domain.expectation import Expectation, Judge, Number
from pytest_swarm.domain.imported_call import MEASURED_ELSEWHERE
from pytest_swarm.domain.measured_run import PredictedAndReal, VerifiedCase
from pytest_swarm.domain.record import EstimateRow, JobRecord, JobStatus, Run
from pytest_swarm.domain.vram_sample import ResidentModel, VramSample
from pytest_swarm.errors import OptionError, PolicyError
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.report.decision_record import decision_record
from pytest_swarm.report.decision_ruling import decision_lines, decision_sentence
from pytest_swarm.report.decision_text import basis_sentence, left_out, policy_name
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.statistics.intervals import ratio_interval
from tests.decision.runs import many, with_outcomes, without_plan
from tests.report.factories import failed

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
JUDGE = Judge(rubric="Is it polite?")


def decided(run: Run, **question: object) -> PolicyDecision:
    (decision,) = decide_runs([run], DecisionQuestion(**question))
    return decision


def test_a_better_policy_is_used_with_its_gain_and_what_it_saves() -> None:
    run = many({"fixed": 0.4, "milp": 0.8}, seconds={"milp": 0.5})
    decision = decided(run)
    assert decision.choice.ruling is Ruling.USE
    assert decision.in_force.mode == "milp"
    sentence = decision_sentence(decision)
    assert sentence.startswith("Use MILP: compared with fixed it gains ")
    estimate = decision.choice.estimate(1)
    assert f"{100 * decision.choice.honest:.1f} points of score" in sentence
    assert f"95 % interval +{100 * estimate.gain.low:.1f} to +{100 * estimate.gain.high:.1f}" in sentence
    saved = decision.mean("makespan_s", decision.present) - decision.mean("makespan_s", decision.best)
    assert f"saves {saved:.1f} s per job" in sentence


def test_an_open_choice_names_no_winner_and_says_what_would_settle_it() -> None:
    decision = decided(many({"fixed": 0.5, "milp": 0.52}))
    assert decision.choice.ruling is Ruling.UNKNOWN
    assert decision.in_force.mode == "fixed"
    sentence = decision_sentence(decision)
    assert sentence.startswith("Cannot tell: ")
    assert (
        f"about {decision.choice.to_keep.families - 30:,} more jobs would show that fixed is as good"
        in sentence.lower()
    )


def test_nothing_better_keeps_what_there_is() -> None:
    decision = decided(many({"single:gemma2:2b": 0.8, "milp": 0.3}, jobs=40))
    assert decision.choice.ruling is Ruling.KEEP
    assert decision_sentence(decision).startswith("No policy is better than single:gemma2:2b: keep it.")


def test_seven_jobs_decide_nothing() -> None:
    decision = decided(many({"fixed": 0.1, "milp": 0.9}, jobs=7))
    assert decision.choice.ruling is Ruling.TOO_FEW
    assert decision_sentence(decision) == "7 jobs decide nothing: measure at least 8, each under every policy."
    assert decided(many({"fixed": 0.05, "milp": 0.95}, jobs=12)).choice.ruling is Ruling.USE


def test_variants_of_a_template_are_one_family() -> None:
    """A hundred jobs of ten templates, whose variants are solved alike: what a hundred jobs prove, ten do not."""
    chances = {"fixed": 0.4, "milp": 0.6}
    run = many(chances, jobs=100, family=lambda n: f"template {n % 10}")
    apart = replace(run, jobs=tuple(with_family(each, None) for each in run.jobs))
    declared, undeclared = decided(run), decided(apart)
    assert undeclared.choice.ruling is Ruling.USE
    assert declared.choice.ruling is Ruling.UNKNOWN
    assert declared.choice.naive == pytest.approx(undeclared.choice.naive)
    assert basis_sentence(declared).startswith("100 jobs in 10 families, 2 policies, decided by score.")
    assert "more families of jobs would show a gain of that size" in decision_sentence(declared)
    wide, narrow = token_bounds_width(declared), token_bounds_width(undeclared)
    assert wide > 2 * narrow


def token_bounds_width(decision: PolicyDecision) -> float:
    """The width of the interval of a ratio over families, here of the gain in score over a cost that differs little."""
    gains = decision.families.parts([now - was for was, now in zip(*decision.measured.rows(SCORE), strict=True)])
    ends = ratio_interval(gains, [1.0] * len(gains))
    assert ends is not None
    return ends[1] - ends[0]


def with_family(job: JobRecord, family: str | None) -> JobRecord:
    return replace(job, case=replace(job.case, graph=replace(job.case.graph, family=family)))


def test_a_run_in_which_a_job_has_no_family_yet_takes_that_of_another() -> None:
    chances = {"fixed": 0.4, "milp": 0.6}
    new = many(chances, jobs=24, seed=5, family=lambda n: f"template {n % 12}")
    old = replace(
        new,
        info=replace(new.info, run="earlier", seed=new.info.seed + 1),
        jobs=tuple(with_family(each, None) for each in many(chances, jobs=24, seed=6).jobs),
    )
    (decision,) = decide_runs([old, new], DecisionQuestion())
    assert (decision.choice.jobs, decision.choice.families) == (24, 12)
    other = replace(old, jobs=tuple(with_family(each, "another") for each in old.jobs))
    with pytest.raises(OptionError, match="decide: job 'job-00' is of family 'another' and of family 'template 0'"):
        decide_runs([other, new], DecisionQuestion())


def test_no_sentence_tells_more_points_than_a_score_has() -> None:
    run = many({"fixed": 0.45, "milp": 0.5}, jobs=97, seed=5, family=lambda n: "large" if n >= 8 else f"template {n}")
    decision = decided(run)
    assert decision.choice.estimates[0].gain.high == 1.0
    told = [float(each) for each in re.findall(r"([\d.]+) points of score", decision_sentence(decision))]
    assert told
    assert max(told) <= 100.0


def test_families_are_written_into_policy_and_record() -> None:
    decision = decided(many({"fixed": 0.1, "milp": 0.9}, jobs=60, family=lambda n: f"template {n % 20}"))
    policy = policy_of(decision, now=NOW)
    assert (policy.provenance.jobs, policy.provenance.families) == (60, 20)
    for family, count in ((lambda n: f"template {n}", 60), (lambda _: None, None)):
        run = many({"fixed": 0.1, "milp": 0.9}, jobs=60, family=family)
        assert policy_of(decided(run), now=NOW).provenance.families == count
    assert "60 jobs in 20 families" in decision_record(decision, policy)
    assert "from 60 jobs in 20 families of" in export_text(policy, "ollama")
    few = decided(many({"fixed": 0.1, "milp": 0.9}, jobs=60, family=lambda n: f"template {n % 7}"))
    assert few.choice.ruling is Ruling.TOO_FEW
    assert why_no_policy(few) == "60 jobs in 7 families decide nothing, so there is no policy to write"


def looking_alike(run: Run, *, templates: int) -> Run:
    """The same jobs without a family; those of one template have prompts that begin alike."""

    def job(each: JobRecord) -> JobRecord:
        graph = each.case.graph
        number = int(each.case.job[4:])
        start = f"Template {chr(65 + number % templates)}, variant {number}: "
        tasks = tuple(replace(task, prompt=start + task.prompt) for task in graph.tasks)
        return replace(each, case=replace(each.case, graph=replace(graph, tasks=tasks, family=None)))

    return replace(run, jobs=tuple(map(job, run.jobs)))


HINT = "But these 100 jobs look like variants of 10 templates, within which they gain alike"


def test_jobs_that_look_alike_and_gain_alike_are_named() -> None:
    chances = {"fixed": 0.4, "milp": 0.6}
    run = many(chances, jobs=100, family=lambda n: f"template {n % 10}")
    decision = decided(looking_alike(run, templates=10))
    assert decision.choice.ruling is Ruling.USE
    sentence = decision_sentence(decision)
    assert HINT in sentence
    assert sentence.endswith("@pytest.mark.swarm(family=...)); counted so, the gain may be chance.")


def test_nothing_is_said_of_jobs_that_gain_apart_or_do_not_look_alike_or_are_declared() -> None:
    chances = {"fixed": 0.4, "milp": 0.6}
    correlated = many(chances, jobs=100, family=lambda n: f"template {n % 10}")
    apart = decided(looking_alike(many({"fixed": 0.4, "milp": 0.52}, jobs=100), templates=10))
    unlike = decided(looking_alike(correlated, templates=100))
    few = decided(looking_alike(correlated, templates=5))
    each_its_own = replace(
        looking_alike(correlated, templates=10),
        jobs=tuple(with_family(job, job.case.job) for job in looking_alike(correlated, templates=10).jobs),
    )
    clear = many({"fixed": 0.05, "milp": 0.95}, jobs=100, family=lambda n: f"template {n % 20}")
    for found in (apart, unlike, few, decided(each_its_own), decided(looking_alike(clear, templates=20))):
        assert found.choice.ruling is Ruling.USE
        assert found.undeclared_templates is None
        assert "variants" not in decision_sentence(found)


def test_what_cannot_be_used_is_left_out_and_named() -> None:
    run = many({"fixed": 0.4, "lp": 0.9, "greedy": 0.9, "oracle": 1.0, "milp": 0.6}, budgets_gb=(8.0,))
    run = without_plan(run, "milp", jobs=2)
    decision = decided(run)
    assert [each.mode for each in decision.policies] == ["fixed", "greedy"]
    assert left_out(decision) == (
        "LP breaks the budget in 30 of 30 jobs",
        "MILP finds no plan for 2 of 30 jobs",
        "oracle knows the answers beforehand, so it cannot be used",
    )
    text = "\n".join(decision_lines(decision))
    assert all(f"Left out: {each}." in text for each in left_out(decision))


def test_time_is_saved_only_where_the_score_is_kept() -> None:
    faster = many({"fixed": 0.6, "milp": 0.6}, seconds={"milp": 0.7})
    strict = decided(faster, by=CRITERIA["makespan"])
    assert strict.choice.ruling is Ruling.UNKNOWN
    assert "may lose more score than 2%" in decision_sentence(strict)
    decision = decided(faster, by=CRITERIA["makespan"], max_loss=parse_loss("20%", what="--max-loss"))
    assert decision.choice.ruling is Ruling.USE
    assert decision.choice.naive == pytest.approx(0.3)
    assert "30.0 % of the time per job" in decision_sentence(decision)
    bought = decided(many({"fixed": 0.8, "milp": 0.2}, seconds={"milp": 0.7}), by=CRITERIA["makespan"])
    assert bought.choice.ruling is Ruling.KEEP
    assert decision_sentence(bought) == (
        "No policy saves more than 2 % of the time without losing more than 2% of score: keep fixed."
    )


@pytest.mark.parametrize(
    ("by", "kind", "lost", "told"),
    [
        ("makespan", "model_missing", 2, ("MILP has no makespan in 2 of 30 jobs, because tasks failed",)),
        ("makespan", "model_missing", 30, ("MILP has no makespan in 30 of 30 jobs, because tasks failed",)),
        ("makespan", "timeout", 2, ("MILP has no makespan in 2 of 30 jobs, because tasks failed",)),
        ("cost", "timeout", 2, ("MILP has no cost in 2 of 30 jobs, because tasks failed",)),
        ("score", "model_missing", 2, ()),
    ],
)
def test_by_time_or_cost_jobs_whose_tasks_failed_are_not_left_out_of_the_score(
    by: str, kind: str, lost: int, told: tuple[str, ...]
) -> None:
    run = many({"fixed": 0.9, "milp": 0.9}, seconds={"milp": 0.5})
    unlucky = [each.case.digest for each in run.jobs if each.case.key.mode == "milp"][:lost]
    jobs = (
        replace(each, outcomes=tuple(replace(failed(task), error_kind=kind) for task in each.case.graph.order))
        if each.case.digest in unlucky
        else each
        for each in run.jobs
    )
    decision = decided(replace(run, jobs=tuple(jobs)), by=CRITERIA[by])
    assert left_out(decision) == told
    if by == "score":  # the other jobs tell what a policy saves
        fixed, milp = (decision.mean("makespan_s", each) or 0.0 for each in decision.policies)
        assert milp == pytest.approx(fixed / 2)
        assert milp > 0


def test_two_runs_are_more_repeats_of_the_same_jobs() -> None:
    first = many({"fixed": 0.4, "milp": 0.6}, seed=1)
    second = many({"fixed": 0.4, "milp": 0.6}, seed=2)
    (decision,) = decide_runs([first, second], DecisionQuestion())
    assert (decision.choice.jobs, decision.repeats) == (30, 2)
    alone = decided(first).choice.estimates[0].gain
    both = decision.choice.estimates[0].gain
    assert both.high - both.low < alone.high - alone.low


def test_several_budgets_are_decided_one_by_one_with_one_error() -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, budgets_gb=(8.0, 24.0))
    both = decide_runs([run], DecisionQuestion())
    (one,) = decide_runs([run], DecisionQuestion(budgets_gb=(24.0,)))
    assert [each.budget_gb for each in both] == [8.0, 24.0]
    assert both[1].choice.estimates[0].gain.low < one.choice.estimates[0].gain.low


@pytest.mark.parametrize(
    ("modes", "against", "present"),
    [
        (("milp", "fixed", "single:gemma2:2b"), None, "fixed"),
        (("milp", "best-single", "single:gemma2:2b"), None, "single:gemma2:2b"),
        (("milp", "best-single"), None, "best-single"),
        (("single:phi4:14b", "best-single", "single:gemma2:2b"), None, "best-single"),
        (("milp", "fixed"), "milp", "milp"),
        (("milp", "fixed"), "milp-h0", "milp"),
        (("milp", "fixed"), " MILP", "milp"),
    ],
    ids=["fixed", "single", "best-single", "several-singles", "named", "labeled", "spelled"],
)
def test_the_present_policy_is_the_plainest_or_the_named_one(
    modes: tuple[str, ...], against: str | None, present: str
) -> None:
    decision = decided(many(dict.fromkeys(modes, 0.5)), against=against)
    assert (decision.present.mode, decision.present_assumed) == (present, False)


@pytest.mark.parametrize(
    ("modes", "present"),
    [
        (("lp", "llm", "milp"), "llm"),
        (("greedy", "milp"), "milp"),
        (("milp",), "milp"),
        (("oracle", "greedy"), "greedy"),
        (("llm", "single:phi4:14b", "single:gemma2:2b"), "single:gemma2:2b"),
    ],
    ids=["llm", "first-mode", "one-mode", "not-hindsight", "two-singles"],
)
def test_where_nothing_tells_what_is_done_now_a_mode_stands_for_it_and_the_decision_says_so(
    modes: tuple[str, ...], present: str
) -> None:
    decision = decided(many(dict.fromkeys(modes, 0.5)))
    assert (decision.present.mode, decision.present_assumed) == (present, True)
    assert f"so {policy_name(decision, decision.present)} stands for it" in basis_sentence(decision)
    assert f"\n  {policy_name(decision, decision.present)} (now, assumed) " in "\n".join(decision_lines(decision))
    named = decided(many(dict.fromkeys(modes, 0.5)), against=present)
    assert not named.present_assumed
    assert "stands for it" not in basis_sentence(named)


def test_what_lacks_most_figures_stands_for_nothing_while_something_else_has_them() -> None:
    run = many({"llm": 0.5, "milp": 0.5, "greedy": 0.4})
    few = replace(run, jobs=tuple(job for n, job in enumerate(run.jobs) if job.case.key.mode != "llm" or n < 3))
    decision = decided(few)
    assert (decision.present.mode, decision.choice.jobs) == ("milp", 30)
    assert left_out(decision) == ("LLM has figures for 1 of 30 jobs only",)


def test_what_breaks_the_budget_stands_for_nothing_while_something_else_can_be_used() -> None:
    chances = {"lp": 0.5, "milp": 0.5, "greedy": 0.4}
    assert decided(many(chances, budgets_gb=(24.0,))).present.mode == "lp"
    assert decided(many(chances, budgets_gb=(8.0,))).present.mode == "milp"
    (alone,) = decide_runs([many({"lp": 0.5}, budgets_gb=(8.0,))], DecisionQuestion())
    assert (alone.present.mode, alone.present_assumed) == ("lp", True)


def test_at_all_budgets_the_same_mode_stands_for_what_is_done_now() -> None:
    run = many({"lp": 0.5, "milp": 0.5, "greedy": 0.4}, budgets_gb=(8.0, 24.0))
    assert [each.present.mode for each in decide_runs([run], DecisionQuestion())] == ["milp", "milp"]
    assert decided(run, budgets_gb=(24.0,)).present.mode == "milp"


def _single_without_plan_at_8gb(**chances: float) -> Run:
    """A run in which the only single model fits 24 GB, and not 8 GB."""
    run = many({"single:phi4:14b": 0.5, **chances}, budgets_gb=(8.0, 24.0))
    jobs = (
        replace(each, status=JobStatus.INFEASIBLE, outcomes=(), error="no model fits")
        if each.case.key.mode.startswith("single") and each.case.key.vram_budget_gb == 8
        else each
        for each in run.jobs
    )
    return replace(run, jobs=tuple(jobs))


def test_what_was_done_nowhere_at_a_budget_is_not_what_is_done_now_there() -> None:
    small, large = decide_runs([_single_without_plan_at_8gb(milp=0.5, greedy=0.4)], DecisionQuestion())
    assert (large.present.mode, large.present_assumed) == ("single:phi4:14b", False)
    assert (small.present.mode, small.present_assumed, small.choice.jobs) == ("milp", True, 30)
    assert left_out(small) == ("single:phi4:14b finds no plan for 30 of 30 jobs",)
    assert "No mode with figures at 8GB says what you do now, so MILP stands for it;" in basis_sentence(small)
    assert "At 24GB the comparison is with single:phi4:14b. The decisions at 2" in basis_sentence(small)
    assert "At 8GB the comparison is with MILP. The decisions at 2 budgets" in basis_sentence(large)


def test_a_policy_that_no_part_of_the_jobs_chose_is_not_given_the_gain_of_those_that_were_chosen() -> None:
    """As by time, where the fastest policy looks best, and each part of the jobs chose one that keeps the score."""
    decision = decided(many({"fixed": 0.4, "milp": 0.55}, jobs=20))
    assert "MILP looks best and gains 6.7 points of score per job" in decision_sentence(decision)
    choice = replace(decision.choice, shares=(1.0, 0.0), cross_fitted=0.021, honest=0.021)
    told = decision_sentence(replace(decision, choice=choice))
    assert "MILP looks best with 6.7 points of score per job over fixed, but on jobs that had no part in" in told
    assert "choosing gains 2.1 points of score: that may be chance" in told
    assert "would show a gain of 2.1 points of score" in told


def test_of_several_budgets_the_one_that_tells_what_is_done_now_gives_the_reference_of_the_report() -> None:
    assumed, told = (PolicySetting(mode=mode, horizon=0) for mode in ("single:phi4:14b", "best-single"))
    presents = {8.0: PresentPolicy(setting=assumed, assumed=True), 24.0: PresentPolicy(setting=told)}
    assert present_mode(presents) == "best-single"


def test_a_named_policy_that_cannot_be_used_leads_to_those_that_can() -> None:
    run = _single_without_plan_at_8gb(milp=0.5)
    decision = decided(run, budgets_gb=(8.0,), against="single:phi4:14b")
    assert decision_sentence(decision).endswith("so it cannot be used at 8GB. Name a usable one with --against.")
    jobs = tuple(each for each in run.jobs if each.case.key.mode != "milp")
    alone = decided(replace(run, jobs=jobs), budgets_gb=(8.0,))
    assert (alone.present.mode, alone.present_assumed) == ("single:phi4:14b", False)
    assert decision_sentence(alone).endswith("so it cannot be used at 8GB.")


@pytest.mark.parametrize(
    ("chances", "said"),
    [
        ({"random": 0.5, "oracle": 0.9}, "so there is nothing to compare random with."),
        ({"milp": 0.9, "greedy": 0.3}, "No policy is better than MILP. Each other one loses."),
        ({"milp": 0.5, "greedy": 0.52}, "would show that MILP is as good, if it is."),
    ],
    ids=["alone", "none-better", "unknown"],
)
def test_what_only_stands_for_what_is_done_now_is_neither_kept_nor_written(
    chances: dict[str, float], said: str
) -> None:
    decision = decided(many(chances))
    assert decision_sentence(decision).endswith(said)
    assert "keep" not in decision_sentence(decision)
    mode = decision.present.mode
    with pytest.raises(
        PolicyError, match=rf"^decide: no policy was chosen, and {mode_name(mode)} only stands for what is"
    ):
        policy_of(decision, now=NOW)
    assert policy_of(decided(many(chances), against=mode), now=NOW).mode == mode


@pytest.mark.parametrize(("simulated", "named"), [(False, "http://gpu:9000"), (True, None)])
def test_a_policy_names_the_server_that_really_ran_it(simulated: bool, named: str | None) -> None:
    run = many({"milp": 0.3, "greedy": 0.9})
    run = replace(run, info=replace(run.info, simulated=simulated, host="http://gpu:9000"))
    assert policy_of(decided(run, against="milp"), now=NOW).provenance.host == named


def test_a_policy_that_was_compared_with_a_stand_in_says_so() -> None:
    for against, assumed in ((None, True), ("milp", False)):
        decision = decided(many({"milp": 0.3, "greedy": 0.9}), against=against)
        policy = policy_of(decision, now=NOW)
        assert (policy.mode, policy.provenance.against_assumed) == ("greedy", assumed)
        said = "Compared with MILP (horizon 0), which was assumed: no mode of the runs says"
        assert {said in export_text(policy, each) for each in EXPORTS} == {assumed}
        assert ("so MILP stands for it" in decision_record(decision, policy)) == assumed


@pytest.mark.parametrize("complete", [True, False])
def test_a_policy_of_a_run_that_was_cut_off_says_so(complete: bool) -> None:
    decision = decided(replace(many({"milp": 0.3, "greedy": 0.9}), complete=complete), against="milp")
    policy = policy_of(decision, now=NOW)
    assert [each.complete for each in policy.provenance.runs] == [complete]
    texts = [export_text(policy, each) for each in EXPORTS] + [decision_record(decision, policy)]
    assert ["did not come to its end: only the jobs that ended" in each for each in texts] == [not complete] * 4


@pytest.mark.parametrize(
    ("modes", "question", "said"),
    [
        (("oracle",), {}, "only oracle was run, which knows the answers beforehand; run mode fixed as well"),
        (
            ("milp", "fixed"),
            {"against": "heft"},
            "'heft' was not run at 24GB; modes that were run: milp, fixed",
        ),
        (
            ("milp", "fixed"),
            {"against": "fixd"},
            "'fixd' was not run at 24GB (did you mean fixed?); modes that were run: milp, fixed",
        ),
        (("milp", "fixed"), {"budgets_gb": (9.0,)}, "--vram: nothing was measured at 9GB; the runs have 24GB"),
    ],
    ids=["hindsight-alone", "unknown", "misspelled", "budget"],
)
def test_a_question_that_the_run_cannot_answer_is_one_sentence(
    modes: tuple[str, ...], question: dict[str, object], said: str
) -> None:
    with pytest.raises(OptionError, match=r"^[^\n]*$") as error:
        decided(many(dict.fromkeys(modes, 0.5)), **question)
    assert said in str(error.value)


def test_a_budget_is_named_so_that_it_can_be_asked_for() -> None:
    """7.5GiB are no whole thousandths of a GB, and no float holds what is written of them."""
    run = many({"fixed": 0.4, "milp": 0.6})
    gib = 8.0530636800001
    jobs = tuple(
        replace(job, case=replace(job.case, key=replace(job.case.key, vram_budget_gb=gib))) for job in run.jobs
    )
    run = replace(run, jobs=jobs)
    with pytest.raises(OptionError, match=r"nothing was measured at 8.053GB; the runs have 8.05306368GB$"):
        decided(run, budgets_gb=(8.053,))
    assert decided(run, budgets_gb=(8.05306368,)).budget_gb == gib


def test_the_same_run_twice_is_not_more_repeats() -> None:
    run = many({"fixed": 0.4, "milp": 0.6})
    with pytest.raises(OptionError, match="to each of its cases: one run is given twice, or was repeated with"):
        decide_runs([run, run], DecisionQuestion())


def test_a_table_that_others_measured_is_no_repeat_of_itself() -> None:
    """Its calls have no answers, and score the same whatever the seed."""
    run = many({"fixed": 0.4, "milp": 0.6})
    table = with_outcomes(run, answer=None, score_detail=MEASURED_ELSEWHERE)
    with pytest.raises(OptionError, match="to each of its cases: one run is given twice, or was repeated with"):
        decide_runs([table, table], DecisionQuestion())


def test_the_figure_that_jobs_lack_is_named() -> None:
    decision = decided(with_outcomes(many({"fixed": 0.4, "milp": 0.5}), token_cost=None), by=CRITERIA["cost"])
    assert decision_sentence(decision).endswith(
        "30 of 30 jobs do not count, because cost is not known under every policy."
    )


UNKNOWN = "score is not known under every policy."
UNASKED = (
    "no task in them says what is right: write it as `expected`, or let a model say it with `python -m pytest_swarm"
)


@pytest.mark.parametrize(
    ("expected", "judge", "told"),
    [
        (
            None,
            "none",
            (f"9 of 12 jobs do not count, because {UNASKED}", f"3 of 12 jobs do not count, because {UNKNOWN}"),
        ),
        (
            JUDGE,
            "none",
            ("9 of 12 jobs do not count, because a judge is to grade them and none was named: name one with",),
        ),
        (JUDGE, "phi4:14b", (f"12 of 12 jobs do not count, because {UNKNOWN}",)),
        (Number(value=25), "none", (f"12 of 12 jobs do not count, because {UNKNOWN}",)),
    ],
)
def test_jobs_that_cannot_have_a_score_are_told_what_they_lack(
    expected: Expectation | None, judge: str, told: tuple[str, ...]
) -> None:
    found = with_outcomes(many({"fixed": 0.4, "milp": 0.5}, jobs=12), score=None)
    jobs = []
    for job in found.jobs:
        graph = job.case.graph
        unscored = replace(graph, tasks=tuple(replace(task, expected=expected, derive=None) for task in graph.tasks))
        jobs.append(replace(job, case=replace(job.case, graph=unscored)) if graph.name < "job-09" else job)
    info = replace(found.info, options={**found.info.options, "swarm_judge": judge})
    sentence = decision_sentence(decided(replace(found, jobs=tuple(jobs), info=info)))
    assert [each for each in told if each not in sentence] == []


def test_by_utility_no_score_is_needed() -> None:
    unscored = with_outcomes(many({"fixed": 0.4, "milp": 0.5}), score=None)
    assert "score is not known" not in decision_sentence(decided(unscored, by=CRITERIA["utility"]))


def test_runs_of_different_fleets_are_not_decided_together() -> None:
    run = many({"fixed": 0.4, "milp": 0.6})
    info = replace(run.info, run="other", fleet=replace(run.info.fleet, models=run.info.fleet.models[:3]))
    with pytest.raises(OptionError, match=r"run other was not made like .* \(other fleet: "):
        decide_runs([run, replace(run, info=info)], DecisionQuestion())


def test_a_run_without_jobs_decides_nothing() -> None:
    run = many({"fixed": 0.4})
    with pytest.raises(OptionError, match="no job was run"):
        decide_runs([replace(run, jobs=())], DecisionQuestion())


def test_where_every_task_failed_no_more_jobs_are_asked_for() -> None:
    run = many({"fixed": 0.9, "milp": 0.9}, jobs=9)
    dead = (replace(each, outcomes=tuple(map(failed, each.case.graph.order))) for each in run.jobs)
    with pytest.raises(OptionError, match=r"every task of 18 jobs failed, so nothing was answered .* look at the"):
        decided(replace(run, jobs=tuple(dead)))


def test_cost_of_nothing_cannot_be_saved() -> None:
    run = many({"fixed": 0.4, "milp": 0.5})
    with pytest.raises(OptionError, match="token_cost of job 'job-00' under fixed is 0, so nothing can be saved"):
        decided(with_outcomes(run, token_cost=0.0), by=CRITERIA["cost"])


@pytest.mark.parametrize(("text", "amount", "relative"), [("2%", 0.02, True), ("0.02", 0.02, False), ("0", 0.0, False)])
def test_losses_are_shares_or_amounts(text: str, amount: float, relative: bool) -> None:
    loss = parse_loss(text, what="--max-loss")
    assert (loss.amount, loss.relative) == (pytest.approx(amount), relative)


@pytest.mark.parametrize("text", ["", "x", "-2%", "100%", "2 %%", "nan"])
def test_what_is_no_loss_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"--max-loss: .*write for example 2% or 0.02"):
        parse_loss(text, what="--max-loss")


def test_an_unknown_criterion_names_the_known_ones() -> None:
    with pytest.raises(OptionError, match="--by: 'speed' is not known; known are score, utility, makespan, cost"):
        parse_criterion("speed", what="--by")


def test_a_present_policy_that_breaks_the_budget_is_said_to_break_it() -> None:
    run = many({"fixed": 0.4, "lp": 0.9, "milp": 0.5}, budgets_gb=(8.0,))
    decision = decided(run, against="lp")
    assert decision.choice.ruling is Ruling.UNUSABLE
    assert decision.fault_in_force == "breaks the budget in 30 of 30 jobs"
    better = decided(many({"lp": 0.2, "milp": 0.9}, budgets_gb=(8.0,)), against="lp")
    assert (better.choice.ruling, better.fault_in_force) == (Ruling.USE, None)
    assert "LP breaks the budget in 30 of 30 jobs, so it cannot be used at 8GB." in decision_sentence(better)


def test_measured_vram_is_told_from_planned() -> None:
    run = many({"fixed": 0.4, "milp": 0.9})
    seen = ResidentModel(tag="qwen2.5-coder:7b", size_bytes=int(30e9), size_vram_bytes=int(30e9))
    sample = VramSample(step=0, at_s=0.0, resident=(seen,))
    jobs = [replace(job, samples=(sample,)) if job.case.key.mode == "milp" else job for job in run.jobs]
    (excluded,) = left_out(decided(replace(run, jobs=tuple(jobs))))
    assert excluded == "MILP plans within the budget, but its measured VRAM (up to 30GB) breaks it in 30 of 30 jobs"


def test_nobody_does_now_what_needs_hindsight() -> None:
    with pytest.raises(
        OptionError, match="--against: 'oracle' knows the answers beforehand, so it cannot be in use now"
    ):
        decided(many({"fixed": 0.4, "oracle": 0.9}), against="oracle")


MARKS = {
    "measured": ("ollama", False, ()),
    "recorded": ("record", False, ()),
    "replayed": ("replay", False, ()),
    "simulated": ("sim", True, ()),
    "simulated replay": ("replay", True, ()),
    "unverified": ("measure", False, ()),
    "verified": ("measure", False, (10.8,)),
    "off": ("measure", False, (13.5,)),
}
SAID = {
    "replayed": "All figures are REPLAYED from a recording.",
    "simulated": "All figures are SIMULATED.",
    "simulated replay": "All figures are SIMULATED.",
    "unverified": "Answers are measured; times and loads are PREDICTED (no case was run for real).",
    "verified": "times and loads are PREDICTED (1 case run for real: makespan verified within 8 %).",
    "off": "PREDICTED (1 case run for real: makespan off by +35 %), so do not rely on them.",
}


@pytest.mark.parametrize("kind", MARKS)
def test_measured_predicted_replayed_and_simulated_figures_are_told_apart(kind: str) -> None:
    backend, simulated, predicted = MARKS[kind]
    run = many({"fixed": 0.4, "milp": 0.9}, seconds={"milp": 0.5}, jobs=12)
    verified = tuple(
        VerifiedCase(
            case="c", job="j", mode="lp", label="l", figures={"makespan_s": PredictedAndReal(predicted=each, real=10.0)}
        )
        for each in predicted
    )
    run = replace(run, info=replace(run.info, backend=backend, simulated=simulated), verified=verified)
    decision = decided(run, by=CRITERIA["makespan"])
    policy = policy_of(decision, now=NOW)
    texts = ["\n".join(decision_lines(decision)), decision_record(decision, policy).replace("\\", "")]
    texts += [export_text(policy, each) for each in EXPORTS]
    for text in texts:
        assert (SAID.get(kind, "") in text) or (simulated and "SIMULATED: no model was run" in text)
        assert ("PREDICTED" in text) == (backend == "measure")
        assert ("REPLAYED" in text) == (kind == "replayed")
        assert ("SIMULATED" in text) == simulated
    mark = {"unverified": "not verified", "verified": "verified within 8 %", "off": "off by +35 %"}.get(kind)
    assert ("PREDICTED" in decision_sentence(decision)) == (mark is not None)
    assert mark is None or f"% of the time (PREDICTED, {mark}) per job" in decision_sentence(decision)
    by_score = decision_sentence(decided(run))
    assert by_score.endswith(f" s per job (PREDICTED, {mark})." if mark else " s per job.")
    assert policy.provenance.figures == {"replayed": "replayed"}.get(
        kind, "simulated" if simulated else "predicted" if mark else "measured"
    )
    kept = decided(replace(run, jobs=run.jobs), by=CRITERIA["makespan"], against="milp")
    assert kept.choice.ruling is Ruling.KEEP
    assert (f"Times are PREDICTED, {mark}." in decision_sentence(kept)) == (mark is not None)


OTHER: dict[str, tuple[dict[str, object], str]] = {
    "backend": ({"simulated": False, "profile": None, "backend": "measure"}, "other backend: "),
    "weight": ({"options": {"swarm_lambda_token": "1"}}, "other --swarm-lambda-token: 0.5 and 1"),
    "switch": ({"options": {"swarm_lambda_switch": "0"}}, "other --swarm-lambda-switch: "),
    "dispatch": ({"options": {"swarm_dispatch": "tasks"}}, "other --swarm-dispatch: layers and tasks"),
    "estimates": ({"options": {"swarm_estimates": "est.json"}}, "other --swarm-estimates: "),
    "learning": ({"options": {"swarm_learning": "off"}}, "other --swarm-learning: "),
    "judge": ({"options": {"swarm_judge": "phi4:14b"}}, "other --swarm-judge: "),
    "digest": (
        {"model_digests": {"gemma2:2b": "b" * 64}},
        "other model gemma2:2b: digest aaaaaaaaaaaa and bbb",
    ),
    "same file": (
        {"estimates": EstimatesInfo(kind=EstimatesKind.FILE, learning=True, answers=3)},
        "other estimates to start from, although --swarm-estimates is the same",
    ),
}


@pytest.mark.parametrize("what", OTHER)
def test_runs_that_were_made_otherwise_are_not_decided_together(what: str) -> None:
    fields, said = OTHER[what]
    first, second = (many({"fixed": 0.4, "milp": 0.6}, jobs=8, seed=seed) for seed in (1, 2))
    prior = EstimatesInfo(kind=EstimatesKind.PRIOR, learning=True)
    alike: dict[str, object] = {"model_digests": {"gemma2:2b": "a" * 64}, "estimates": prior, "options": {}}
    one = replace(first, info=replace(first.info, **alike))
    other = replace(second, info=replace(second.info, **(alike | {"run": "other", "seed": 7} | fields)))
    with pytest.raises(OptionError, match=r"^decide: run other was not made like [^\n]*; decide on each") as error:
        decide_runs([one, other], DecisionQuestion())
    assert said in str(error.value)


def test_seeds_jobs_and_what_is_done_with_the_outcome_may_differ() -> None:
    first, second = (
        many({"fixed": 0.4, "milp": 0.6}, jobs=8, seed=1),
        many({"fixed": 0.4, "milp": 0.6}, jobs=11, seed=2),
    )
    options = {"swarm_repeat": "2", "swarm_report": "json", "swarm_seed": "9", "swarm_host": "http://b:11434"}
    options["swarm_dispatch"] = "layers"  # the default, which the other run did not spell out
    options = {**first.info.options, **options}
    other = replace(second, info=replace(second.info, run="other", seed=9, options=options))
    (decision,) = decide_runs([first, other], DecisionQuestion())
    assert decision.choice.jobs == 11


def _slower(run: Run) -> Run:
    """The same answers on a real server, which takes other times each time."""
    jobs = (replace(each, makespan_s=(each.makespan_s or 0) * (1 + n / 1000)) for n, each in enumerate(run.jobs))
    return replace(run, jobs=tuple(jobs))


def test_the_same_answers_again_are_no_repeat() -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, jobs=8)
    again = _slower(replace(run, info=replace(run.info, run="again")))
    with pytest.raises(OptionError, match=r"run again gave the same answers as .* to each of its cases"):
        decide_runs([run, again], DecisionQuestion())
    more = many({"fixed": 0.4, "milp": 0.6, "greedy": 0.5}, jobs=8)
    shared = [each for each in run.jobs if each.case.key.mode == "fixed"]
    rest = [each for each in more.jobs if each.case.key.mode == "greedy"]
    wider = _slower(replace(more, info=replace(more.info, run="wider"), jobs=(*shared, *rest)))
    (decision,) = decide_runs([run, wider], DecisionQuestion())
    assert {each.mode for each in decision.policies} == {"fixed", "milp", "greedy"}
    assert decision.repeats == 1
    assert all(len(job.draws) == 1 for jobs in decision.measured.by_setting.values() for job in jobs.values())


def _renamed(run: Run, *, flat: bool) -> Run:
    """The same jobs, named otherwise; where they are flat, with their tasks dealt otherwise, as by another batch."""
    jobs = []
    for each in run.jobs:
        graph = each.case.graph
        graph = replace(graph, name=f"x-{graph.name}", tasks=graph.tasks[::-1] if flat else graph.tasks)
        jobs.append(replace(each, case=replace(each.case, graph=graph)))
    return replace(run, info=replace(run.info, run="other"), jobs=tuple(jobs))


def _asking(job: JobRecord, *, flat: bool) -> JobRecord:
    """The job with prompts of its own."""
    graph = job.case.graph
    tasks = tuple(replace(each, prompt=f"{graph.name}: {each.prompt}") for each in graph.tasks)
    return replace(job, case=replace(job.case, graph=replace(graph, tasks=tasks, edges=() if flat else graph.edges)))


@pytest.mark.parametrize("jobs", [8, 3])
@pytest.mark.parametrize("flat", [True, False])
def test_the_same_prompts_in_jobs_of_other_names_are_no_further_jobs(flat: bool, jobs: int) -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, jobs=8)
    run = replace(run, jobs=tuple(_asking(each, flat=flat) for each in run.jobs))
    few = replace(run, jobs=tuple(each for each in run.jobs if each.case.job < f"job-{jobs:02d}"))
    with pytest.raises(OptionError, match=r"and other ask the same in jobs of other names or sizes"):
        decide_runs([run, _renamed(few, flat=flat)], DecisionQuestion())


def test_a_policy_says_how_often_it_chose_a_model_and_in_how_many_jobs() -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, jobs=8)
    (row, *_) = type_table(measure(run.jobs))
    assert (row.type, row.model, row.share, row.tasks, row.jobs) == ("code", "gemma2:2b", 0.5, 16, 8)


def test_an_edited_job_is_no_further_job() -> None:
    run = many({"fixed": 0.4, "milp": 0.6}, jobs=8)
    flat = [replace(each, case=replace(each.case, graph=replace(each.case.graph, edges=()))) for each in run.jobs]
    edited = []
    for each in flat:
        first, *others = each.case.graph.tasks
        tasks = (replace(first, prompt=f"{first.prompt} Please."), *others)
        graph = replace(each.case.graph, tasks=tasks) if each.case.graph.name == "job-03" else each.case.graph
        edited.append(replace(each, case=replace(each.case, graph=graph)))
    other = replace(run, info=replace(run.info, run="other"), jobs=tuple(edited))
    with pytest.raises(OptionError, match="and other hold job 'job-03' in two versions, which ask mostly the same"):
        decide_runs([replace(run, jobs=tuple(flat)), other], DecisionQuestion())


def test_a_policy_file_in_force_is_not_written_into_another_one() -> None:
    decision = decided(many({"fixed": 0.2, "policy:p.json": 0.9}, jobs=12))
    assert decision_sentence(decision).startswith("Use policy:p.json")
    with pytest.raises(PolicyError, match=r"^decide: policy:p\.json is in force, and that is a policy file already"):
        policy_of(decision, now=NOW)


def test_the_file_says_how_far_estimates_of_a_job_were_from_those_it_keeps() -> None:
    found = many({"fixed": 0.2, "milp": 0.9})
    crossed = EstimatesInfo(kind=EstimatesKind.CROSS, learning=True)
    jobs = tuple(
        replace(job, steps=(replace(job.steps[0], estimates=_estimated(0.5 + 0.01 * (n % 5))), *job.steps[1:]))
        for n, job in enumerate(found.jobs)
    )
    info = replace(found.info, estimates=crossed, options={"swarm_estimates": "cross"})
    (decision,) = decide_runs([replace(found, jobs=jobs, info=info)], DecisionQuestion())
    written = policy_of(decision, now=NOW)
    (row,) = (row for row in written.estimates if row.spread)
    assert (row.believed, row.spread) == (0.58, 0.02)  # at difficulty 1: the task has 2
    assert written.estimates_remark is not None
    assert "differed by up to 0.02" in written.estimates_remark


def _estimated(quality: float) -> tuple[EstimateRow, ...]:
    """The estimate of the first task of the jobs on one model."""
    return (EstimateRow(task="s0", model="gemma2:2b", quality=quality, token_cost=0.1, utility=0.4),)


def test_a_mode_of_several_horizons_is_named_with_one_unless_it_plans_alike_at_each() -> None:
    run = many({"fixed": 0.5, "milp": 0.6})
    later = tuple(replace(job, case=replace(job.case, key=replace(job.case.key, horizon=3))) for job in run.jobs)
    both = replace(run, jobs=(*run.jobs, *later))
    with pytest.raises(OptionError, match="'milp' was run at several horizons; name one of milp-h0, milp-h3"):
        decided(both, against="milp")
    assert decided(both, against="milp-h3").present.label == "milp-h3"
    assert decided(both, against="fixed").present.label == "fixed-h0"


def test_every_text_calls_a_policy_by_the_name_that_the_tables_have() -> None:
    run = many({"single:phi4:14b": 0.4, "milp": 0.95, "lp": 0.5, "oracle": 1.0}, budgets_gb=(16.0,))
    later = tuple(replace(job, case=replace(job.case, key=replace(job.case.key, horizon=3))) for job in run.jobs)
    decision = decided(without_plan(replace(run, jobs=(*run.jobs, *later)), "lp", jobs=2))
    policy = policy_of(decision, now=NOW)
    told = (
        *decision_lines(decision),
        decision_record(decision, policy),
        *(export_text(policy, each) for each in EXPORTS),
    )
    text = "\n".join(told).replace("\\", "")
    assert text.count("Left out: LP (horizon 0) finds no plan for 2 of 30 jobs.") == 2
    assert "## The policy: MILP (horizon 0)" in text
    assert "compared with single:phi4:14b (horizon 0) it gains" in text
    assert not re.findall(r"\S+-(?:h\d|flat)\b|\b(?:lp|milp)\b(?!:)", text)


def test_no_name_in_a_record_is_live_for_github() -> None:
    decision = decided(many({"fixed": 0.4, "single:@team": 0.9}))
    assert "@<!-- -->team" in decision_record(decision, policy_of(decision, now=NOW))
