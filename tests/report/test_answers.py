"""Sentences claim what the intervals support, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.plan import Assignment, Origin
from pytest_swarm.domain.record import JobRecord, JobStatus, Run
from pytest_swarm.domain.vram_sample import ResidentModel, SamplePhase, VramSample
from pytest_swarm.report.claims import Claim, claim_of
from pytest_swarm.report.findings import answers, compared
from pytest_swarm.report.html import render_html
from pytest_swarm.report.markdown import render_markdown
from pytest_swarm.report.provenance import provenance
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from tests.report.factories import (
    GEMMA,
    PHI,
    QWEN,
    WB1,
    WB2,
    WB3,
    failed,
    info,
    key,
    record,
    run,
    skipped,
    step,
    workflows,
)
from tests.report.played import small_report


def job(mode: str, score: float, graph: TaskGraph, *, horizon: int = 3, **more: object) -> JobRecord:
    scores = dict.fromkeys(graph.order, score)
    model = QWEN.tag if mode == "lp" else GEMMA.tag
    return record(scores, graph=graph, model=model, case=key(mode, horizon), **more)


def said(*jobs: JobRecord, kind: str) -> list[str]:
    return [each.text for each in answers(build_report(run(*jobs))) if each.kind == kind]


def pairs(left: tuple[float, ...], right: tuple[float, ...]) -> list[JobRecord]:
    graphs = workflows(len(left))
    return [job("lp", a, g) for a, g in zip(left, graphs, strict=True)] + [
        job("llm", b, g) for b, g in zip(right, graphs, strict=True)
    ]


@pytest.mark.parametrize(
    ("low", "high", "claim"),
    [
        (-0.01, 0.01, Claim.SAME),  # one point of score either way
        (0.001, 0.01, Claim.SAME),  # surely above zero, and too little to matter
        (-0.011, 0.01, Claim.OPEN),
        (-0.01, 0.011, Claim.OPEN),
        (0.001, 0.011, Claim.BETTER),
        (-0.011, -0.001, Claim.WORSE),
    ],
)
def test_a_difference_of_up_to_one_point_is_none(low: float, high: float, claim: Claim) -> None:
    comparison = build_report(run(*pairs((1.0, 0.5) * 4, (0.5, 1.0) * 4))).overall[0]
    assert comparison.difference is not None
    found = replace(comparison.difference, mean=(low + high) / 2, low=low, high=high)
    assert claim_of(replace(comparison, difference=found)) is claim


def test_noise_is_called_noise() -> None:
    """The published showcase: 74.1 against 63.0 over three jobs, one of which differs."""
    comparison = build_report(run(*pairs((1.0, 8 / 9, 1 / 3), (1.0, 5 / 9, 1 / 3)))).overall[0]
    found = compared(comparison)
    assert found.tone == "open"
    assert "LP scored 74.1 %, LLM 63.0 %, over 3 pairs from 3 workflows" in found.text
    assert "real cannot be said (3 workflows; an interval needs 6)" in found.text
    assert "better by" not in found.text


def test_a_clear_difference_is_claimed_for_the_better_mode_from_its_side() -> None:
    # lower end: about 0.8 - 1.8 * (1 - 0.025^(1/20)), as in the rule of three
    high, low = (0.9, 1.0, 0.8, 0.9, 1.0) * 4, (0.2, 0.1, 0.0, 0.2, 0.1) * 4
    (lp,) = said(*pairs(high, low), kind="comparison")
    (llm,) = said(*pairs(low, high), kind="comparison")
    assert "LP is better by 80.0 points, 95 % interval +49.4 to +85.0 points." in lp
    assert "LLM is better by 80.0 points, 95 % interval +49.4 to +85.0 points." in llm


def test_modes_without_a_common_pair_are_not_compared() -> None:
    (text,) = said(job("lp", 1.0, WB1), job("llm", 1.0, WB2), kind="comparison")
    assert "cannot be compared" in text


def test_the_budget_sentence_names_who_broke_it_where_and_how_often() -> None:
    leak = replace(job("lp", 1.0, WB1, horizon=1), steps=(step(0, {"s0": PHI.tag}, mode="lp", horizon_depth=1),))
    others = [job("lp", 1.0, WB2, horizon=1), job("lp", 1.0, WB3, horizon=1), job("lp", 1.0, WB1, horizon=3)]
    (text,) = said(leak, *others, job("milp", 1.0, WB1, horizon=1), kind="budget")
    assert (
        text == "VRAM budget of 8GB: LP broke it in 1 of 3 jobs at horizon 1, never at horizon 3; MILP never broke it."
    )


def test_where_a_mode_has_no_plan_the_others_are_not_called_all() -> None:
    planned = [job(mode, 1.0, WB1) for mode in ("lp", "milp", "staged", "greedy")]
    failed = replace(planned[0], case=replace(planned[0].case, key=key("mine")), steps=(), status=JobStatus.ERROR)
    assert said(*planned, kind="budget") == ["VRAM budget of 8GB: all 4 modes kept it in every plan."]
    assert said(*planned, failed, kind="budget") == [
        "VRAM budget of 8GB: all 4 modes with a plan kept it in every plan."
    ]


def test_a_mode_that_was_measured_over_the_budget_is_named_beside_its_plans() -> None:
    held = [ResidentModel(tag=QWEN.tag, size_bytes=size, size_vram_bytes=size) for size in (8_500_000_000, 8 * 10**9)]
    over, full = ((VramSample(step=0, at_s=0.0, phase=SamplePhase.READY, resident=(each,)),) for each in held)
    jobs = [job("lp", 1.0, WB1, samples=over), job("lp", 1.0, WB2, samples=full), job("milp", 1.0, WB1)]
    assert said(*jobs, kind="budget") == [
        "Measured VRAM was over the budget of 8GB: LP in 1 of 2 jobs (up to 8.5GB).",
        "VRAM budget of 8GB: LP and MILP kept it in every plan.",
    ]


def test_budgets_that_all_modes_kept_are_one_sentence() -> None:
    modes = ("lp", "milp")
    kept = [record(case=key(mode, budget_gb=budget)) for mode in modes for budget in (8.0, 24.0)]
    assert said(*kept, kind="budget") == ["VRAM budgets of 8GB and 24GB: LP and MILP kept them in every plan."]
    leak = replace(record(case=key("lp", budget_gb=12.0)), steps=(step(0, {"s0": PHI.tag}, budget_gb=12.0),))
    assert said(*kept, leak, kind="budget") == [
        "VRAM budget of 12GB: LP broke it in the only job at horizon 3.",
        "VRAM budgets of 8GB and 24GB: LP and MILP kept them in every plan.",
    ]


def test_filled_in_assignments_are_laid_open() -> None:
    filled = (Assignment(task="s0", model=GEMMA.tag, origin=Origin.FILL_IN),)
    asked = (Assignment(task="s1", model=GEMMA.tag, origin=Origin.PLANNER),)
    steps = (
        step(0, {"s0": GEMMA.tag}, executed=filled, planner_failures={"invalid_json": 1}),
        step(1, {"s1": GEMMA.tag}, executed=asked),
    )
    (text,) = said(replace(job("llm", 1.0, WB1), steps=steps), kind="planner")
    assert text == ("LLM: 1 of 2 assignments was not the planner's but filled in by greedy (failures: invalid_json 1).")


def test_jobs_without_a_score_and_an_unfinished_run_are_said() -> None:
    stopped = job("lp", 1.0, WB1, status=JobStatus.ERROR)
    report = build_report(Run(info=info(), jobs=(stopped, job("lp", 1.0, WB2)), complete=False))
    texts = [each.text for each in answers(report) if each.kind == "missing"]
    assert texts[0].startswith("LP: 1 of 2 jobs ended without a score (1 by an error)")
    assert "did not come to its end" in texts[-1]


def test_jobs_that_ran_again_are_said() -> None:
    done = job("lp", 1.0, WB1)
    failed = replace(done, status=JobStatus.ERROR)
    tail = "ran again; only the last attempt of a job counts."
    assert said(failed, done, kind="missing") == [f"1 attempt ended early, and its job {tail}"]
    assert said(failed, failed, failed, kind="missing")[-1] == f"2 attempts ended early, and their jobs {tail}"


def test_many_claims_come_with_a_caution() -> None:
    scores = {"lp": 0.9, "milp": 0.5, "llm": 0.4, "greedy": 0.3, "random": 0.2}
    jobs = [
        job(mode, s + 0.02 * (n % 2) * len(mode), g) for mode, s in scores.items() for n, g in enumerate(workflows(20))
    ]
    (text,) = said(*jobs, kind="caution")
    assert text.startswith("Each of the 4 intervals is 95 % on its own")


def test_simulated_and_replayed_figures_are_marked_and_a_seed_is_said_where_it_is_known() -> None:
    simulated = provenance(small_report())
    assert simulated is not None
    assert simulated.word == "SIMULATED"
    assert "profile a40, seed 7" in simulated.text
    replayed = provenance(build_report(Run(info=info(simulated=False, backend="replay"), jobs=(), complete=True)))
    assert replayed is not None
    assert (replayed.word, "seed" in replayed.text) == ("REPLAYED", False)
    both = provenance(build_report(Run(info=info(backend="replay"), jobs=(), complete=True)))
    assert both is not None
    assert (both.word, "recording of the simulator (profile a40)" in both.text) == ("SIMULATED", True)
    real = Run(info=info(simulated=False, backend="ollama", profile=None), jobs=(), complete=True)
    assert provenance(build_report(real)) is None


def changed(record_: JobRecord, **more: object) -> JobRecord:
    """The job with every outcome changed."""
    return replace(record_, outcomes=tuple(replace(each, **more) for each in record_.outcomes))


def test_prompts_and_answers_that_were_cut_off_and_answers_without_a_word_are_counted() -> None:
    whole = changed(job("lp", 1.0, WB1), done_reason="stop", answer="42")
    assert said(whole, kind="missing") == []
    cut = changed(job("lp", 1.0, WB1), done_reason="length", answer="<think>42", truncated=True)
    (text,) = said(cut, kind="missing")
    assert text == (
        "LP: 3 prompts that the server cut, whose answers do not count, 3 answers cut off at the model's own limit of "
        "tokens (num_predict) and 3 answers without a word outside of thinking."
    )


def test_what_confined_answered_code_is_said_once() -> None:
    assert said(job("lp", 1.0, WB1), kind="code") == []
    held = changed(job("lp", 1.0, WB1), sandbox_layers=("rlimits", "landlock", "seccomp", "audit"))
    assert said(held, held, kind="code") == ["Answered code was run, confined by rlimits, landlock, seccomp and audit."]
    loose = changed(job("lp", 1.0, WB1), sandbox_layers=("rlimits", "audit"))
    (text,) = said(loose, kind="code")
    assert text.endswith("; landlock and seccomp did not hold, so it could read files.")


def test_every_kind_of_sentence_has_a_word_on_the_page() -> None:
    held = changed(job("lp", 1.0, WB1), sandbox_layers=("rlimits", "landlock", "seccomp"))
    page = render_html(build_report(run(held, replace(job("greedy", 1.0, WB1), host="gpu1:11434"))))
    assert "gpu1:11434 ran 1 job" in page
    assert "Answered code was run, confined by" in page


def test_a_run_in_which_every_task_failed_says_so_in_place_of_comparisons() -> None:
    *began, last = WB1.order
    outcomes = (*(failed(each, error="the server went away") for each in began), skipped(last))
    dead = [replace(job(mode, 0.0, WB1), outcomes=outcomes) for mode in ("lp", "llm")]
    report = build_report(run(*dead))
    first, *others = answers(report)
    assert (first.kind, first.tone) == ("missing", "bad")
    assert first.text == (
        "Every task failed (4 of 4; skipped behind them: 2), so nothing was measured; look at the backend."
        f" The first was {WB1.order[0]!r} on gemma2:2b: the server went away"
    )
    assert "comparison" not in {each.kind for each in others}
    page = render_html(report)
    assert page.count("so nothing was measured") == 1
    assert re.search(r'<h2>Answer</h2>\s*<div[^>]*><p><span class="chip bad">Error</span> Every task failed', page)
    assert 'id="decision"' not in page
    assert "no difference" not in page
    assert next(line for line in render_markdown(report).splitlines() if line.startswith("- ")).startswith(
        "- ❌ Every task"
    )
    assert any(line.startswith("Every task failed") for line in terminal_summary(report, width=100, verbose=0))


def test_a_run_in_which_one_task_succeeded_is_compared() -> None:
    dead = replace(job("lp", 0.0, WB1), outcomes=tuple(map(failed, WB1.order)))
    assert answers(build_report(run(dead, job("llm", 0.0, WB1))))[0].kind == "comparison"


def test_sentences_on_one_job_and_one_task_are_in_the_singular() -> None:
    (text,) = said(job("lp", 1.0, WB1, status=JobStatus.ERROR, error="x"), kind="missing")[:1]
    assert text == "LP: the only job ended without a score (1 by an error) and counts in no mean."


def test_tasks_of_a_job_that_ended_by_an_error_are_not_said_to_count() -> None:
    lost = failed("s0")
    dead = record({}, graph=WB2, status=JobStatus.ERROR, error="the server refused", outcomes=(lost,))
    done = record(graph=WB1, outcomes=(lost,))
    why = "LP: the only job ended without a score (1 by an error) and counts in no mean."
    assert said(dead, kind="missing")[1:] == [why]
    assert any(each.startswith("1 task failed or was skipped; each that") for each in said(dead, done, kind="missing"))


def test_benchmarks_that_failed_before_they_were_a_job_are_missing() -> None:
    tests = tuple(f"test_a.py::test_a[lp-h0-8GB-{n}]" for n in range(3))
    ended = replace(run(record()), collected=tests, failed=tests)
    (text,) = [each.text for each in answers(build_report(ended)) if each.kind == "missing"]
    assert text.startswith("3 benchmarks failed before a job had ended, and are not in this report: test_a.py::test_a[")
    assert text.endswith("-0] and 2 more.")
