from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from pytest_swarm.decision.choice import GainEstimate, PolicyChoice, Ruling, Shortfall
from pytest_swarm.decision.criteria import CRITERIA
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.decision_ruling import decision_sentence, honesty_sentence
from pytest_swarm.report.decision_text import basis_sentence
from pytest_swarm.report.findings import answers, compared
from pytest_swarm.report.mode_forest import mode_forest
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.savings import savings_parts
from pytest_swarm.statistics.intervals import Interval
from tests.decision.runs import many
from tests.report.factories import GEMMA, QWEN, WB1, key, record, run, workflows

NOTE = "3 workflows; an interval needs 6"


def interval(mean: float, low: float | None, high: float | None) -> Interval:
    return Interval(mean=mean, low=low, high=high, samples=20, clusters=20, note=NOTE if low is None else None)


def comparison(difference: Interval | None, **more: object) -> Comparison:
    """MILP against fixed: 20 pairs of three tasks, of which 5 won and 3 lost, all tasks on the same model."""
    figures: dict[str, object] = {
        "mode": "milp",
        "reference": "fixed",
        "horizon_depth": None,
        "vram_budget_gb": None,
        "lambda_token": None,
        "pairs": 20,
        "incomplete": 0,
        "score_mode": 0.6,
        "score_reference": 0.5,
        "difference": difference,
        "jobs_won": 5,
        "jobs_lost": 3,
        "jobs_tied": 12,
        "tasks_compared": 60,
        "tasks_diverged": 0,
        "routing_divergence_pct": 0.0,
        "when_differed_better": 0,
        "when_differed_worse": 0,
        "when_differed_tie": 0,
        "when_differed_unscored": 0,
    }
    return Comparison(**(figures | more))


ALIKE = {"jobs_won": 0, "jobs_lost": 0, "jobs_tied": 20}
ALL_SAME = " They chose the same model for each of 60 tasks."


@pytest.mark.parametrize(
    ("found", "tone", "claim"),
    [
        (
            comparison(interval(0.1, 0.02, 0.18)),
            "good",
            "MILP is better by 10.0 points, 95 % interval +2.0 to +18.0 points.",
        ),
        (
            comparison(interval(-0.1, -0.18, -0.02)),
            "good",
            "fixed is better by 10.0 points, 95 % interval +2.0 to +18.0 points.",
        ),
        (
            comparison(interval(0.1, -0.02, 0.22)),
            "open",
            "the difference of +10.0 points is within noise, 95 % interval -2.0 to +22.0 points.",
        ),
        (
            comparison(interval(-0.1, -0.22, 0.02)),
            "open",
            "the difference of -10.0 points is within noise, 95 % interval -22.0 to +2.0 points.",
        ),
        (
            comparison(interval(0.0, -0.2, 0.2)),
            "open",
            "a difference below 0.1 points is within noise, 95 % interval -20.0 to +20.0 points.",
        ),
        (
            comparison(interval(0.001, -0.004, 0.006)),
            "plain",
            "the same within 0.6 points, 95 % interval -0.4 to +0.6 points.",
        ),
        (
            comparison(interval(0.0, -0.2, 0.2), **ALIKE),
            "plain",
            "the same score in every pair; for other workflows the 95 % interval -20.0 to +20.0 points.",
        ),
        (comparison(interval(0.0, None, None), **ALIKE), "plain", f"the same score in every pair ({NOTE})."),
        (
            comparison(interval(0.1, None, None)),
            "open",
            f"whether the difference of +10.0 points is real cannot be said ({NOTE}).",
        ),
        (
            comparison(interval(0.0, None, None)),
            "open",
            f"whether a difference below 0.1 points is real cannot be said ({NOTE}).",
        ),
    ],
    ids=["better", "worse", "noise", "noise-behind", "noise-zero", "same", "alike", "alike-few", "few", "few-zero"],
)
def test_a_comparison(found: Comparison, tone: str, claim: str) -> None:
    said = compared(found)
    assert said.tone == tone
    assert said.text == f"MILP scored 60.0 %, fixed 50.0 %, over 20 pairs from 20 workflows: {claim}{ALL_SAME}"


@pytest.mark.parametrize(
    ("counts", "tail"),
    [
        (
            (1, 0, 0, 0),
            " They chose different models for 1 of 60 tasks; there MILP did better on 1, fixed on 0 and 0 tied.",
        ),
        (
            (2, 1, 3, 4),
            " They chose different models for 10 of 60 tasks; there MILP did better on 2, fixed on 1, 3 tied and 4"
            " without a score.",
        ),
        ((0, 0, 0, 2), " They chose different models for 2 of 60 tasks, none of them scored."),
        ((0, 0, 0, 1), " They chose different models for 1 of 60 tasks, which has no score."),
        (
            (0, 0, 60, 0),
            " They chose different models for each of 60 tasks; there MILP did better on 0, fixed on 0 and 60 tied.",
        ),
    ],
)
def test_how_often_they_chose_differently(counts: tuple[int, int, int, int], tail: str) -> None:
    names = ("when_differed_better", "when_differed_worse", "when_differed_tie", "when_differed_unscored")
    found = comparison(
        interval(0.1, -0.02, 0.22),
        tasks_diverged=sum(counts),
        routing_divergence_pct=100 * sum(counts) / 60,
        **dict(zip(names, counts, strict=True)),
    )
    assert compared(found).text.endswith(f"points.{tail}")


@pytest.mark.parametrize(
    ("found", "score"),
    [
        (comparison(interval(0.1, 0.02, 0.18)), ", at a score 10.0 points higher"),
        (comparison(interval(-0.1, -0.18, -0.02)), ", at a score 10.0 points lower"),
        (comparison(interval(0.1, -0.02, 0.22)), ", at a score 10.0 points higher, which may be chance"),
        (
            comparison(interval(0.0, -0.2, 0.2)),
            ", at a score that differs by less than 0.1 points, which may be chance",
        ),
        (comparison(interval(0.0, -0.2, 0.2), **ALIKE), ", at the same score"),
        (comparison(interval(0.001, -0.004, 0.006)), ", at the same score"),
    ],
)
def test_the_score_beside_a_saving(found: Comparison, score: str) -> None:
    jobs = [record(graph=WB1, case=key(mode), makespan_s=seconds) for mode, seconds in (("fixed", 9.0), ("milp", 6.0))]
    parts = savings_parts(replace(build_report(run(*jobs)), comparisons=(found,)))
    assert parts == [f"MILP saves 3.0 s a job against fixed{score}"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((9.0, 9.0), "MILP saves neither loads nor time against fixed"),
        ((None, 9.0), "MILP saves no loads against fixed"),
    ],
)
def test_only_what_was_measured_is_said_not_to_be_saved(seconds: tuple[float | None, float], text: str) -> None:
    jobs = [
        record(graph=WB1, case=key(mode), makespan_s=each)
        for mode, each in zip(("fixed", "milp"), seconds, strict=True)
    ]
    alike = comparison(interval(0.0, -0.2, 0.2), **ALIKE)
    parts = savings_parts(replace(build_report(run(*jobs)), comparisons=(alike,)))
    assert parts == [f"{text}, at the same score"]


def gain(mean: float, low: float, high: float) -> GainEstimate:
    return GainEstimate(policy=1, gain=interval(mean, low, high))


def decision(
    ruling: Ruling, *, by: str = "score", means: Mapping[str, tuple[float, float]] | None = None, **more: object
) -> PolicyDecision:
    """A decision between fixed and MILP with these figures."""
    (found,) = decide_runs([many({"fixed": 0.4, "milp": 0.8}, jobs=12)], DecisionQuestion())
    figures: dict[str, object] = {
        "jobs": 12,
        "families": 12,
        "best": 1,
        "honest": 0.03,
        "cross_fitted": 0.03,
        "naive": 0.05,
        "shares": (0.25, 0.75),
    }
    choice = PolicyChoice(ruling=ruling, **(figures | {"most_open": 1} | more))
    equal = {"switches": (1.0, 1.0), "makespan_s": (9.0, 9.0)}
    question = DecisionQuestion(by=CRITERIA[by])
    return replace(found, choice=choice, question=question, means={**found.means, **equal, **(means or {})})


SETTLED = {"to_find": Shortfall(families=72, repeats=3), "to_keep": Shortfall(families=112, repeats=None)}
USE = "Use MILP: compared with fixed it gains "
NAIVE = "+5.0 on the jobs that chose it; "


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            lambda: decision(Ruling.USE, estimates=(gain(0.05, 0.01, 0.09),)),
            f"{USE}3.0 points of score per job ({NAIVE}95 % interval +1.0 to +9.0).",
        ),
        (
            lambda: decision(Ruling.USE, estimates=(gain(0.05, 0.01, 0.09),), honest=0.0501),
            f"{USE}5.0 points of score per job (95 % interval +1.0 to +9.0).",
        ),
        (
            lambda: decision(
                Ruling.USE,
                estimates=(gain(0.05, 0.01, 0.09),),
                honest=0.01,
                means={"switches": (3.0, 1.0), "makespan_s": (9.0, 12.0)},
            ),
            f"{USE}1.0 point of score per job ({NAIVE}95 % interval +1.0 to +9.0). It also saves 2.0 loads and"
            " takes 3.0 s more"
            " per job.",
        ),
        (
            lambda: decision(
                Ruling.USE, by="makespan", estimates=(gain(0.05, 0.01, 0.09),), means={"makespan_s": (9.0, 12.0)}
            ),
            f"{USE}3.0 % of the time per job (5.0 % on the jobs that chose it; 95 % interval 1.0 % to 9.0 %)."
            " It takes 3.0 s more per job."
            " The gain is that"
            " of most jobs; some long ones take longer.",
        ),
        (
            lambda: decision(Ruling.KEEP, estimates=(gain(-0.01, -0.05, 0.01),)),
            "No policy is better than fixed: keep it. The most that another one could gain is 1.0 point of"
            " score per job"
            " (MILP).",
        ),
        (
            lambda: decision(Ruling.KEEP, estimates=(gain(-0.1, -0.2, -0.05),)),
            "No policy is better than fixed: keep it. Each other one loses.",
        ),
        (
            lambda: decision(Ruling.UNKNOWN, estimates=(gain(0.03, -0.02, 0.08),), **SETTLED),
            "Cannot tell: MILP looks best and gains 3.0 points of score per job over fixed, but that may be"
            f" chance ({NAIVE}95 %"
            " interval -2.0 to +8.0). About 60 more jobs, or 3 more repeats of each job, would show a gain"
            " of that size;"
            " about 100 more jobs would show that fixed is as good, if it is.",
        ),
        (
            lambda: decision(
                Ruling.UNKNOWN,
                estimates=(gain(-0.03, -0.1, 0.04),),
                to_keep=Shortfall(families=13, repeats=None),
                honest=-0.03,
                naive=-0.03,
            ),
            "Cannot tell: no policy looks better than fixed, but MILP could still gain up to 4.0"
            " points of score per job (95 % interval -10.0 to +4.0). About 1 more job would show that fixed is as good,"
            " if it is.",
        ),
        (
            lambda: decision(Ruling.TOO_FEW, jobs=30, families=7, best=None),
            "30 jobs in 7 families decide nothing: measure at least 8 families, each under every policy.",
        ),
        (
            lambda: decision(Ruling.UNKNOWN, estimates=(gain(0.03, -0.02, 0.08),), jobs=120, **SETTLED),
            "Cannot tell: MILP looks best and gains 3.0 points of score per job over fixed, but that may be"
            f" chance ({NAIVE}95 % interval -2.0 to +8.0). About 60 more families of jobs, or 3 more repeats of each"
            " job, would show a gain of that size; about 100 more families of jobs would show that fixed is as good, if"
            " it is.",
        ),
        (
            lambda: decision(Ruling.UNKNOWN, estimates=(gain(0.03, -0.02, 0.08),), jobs=120),
            "Cannot tell: MILP looks best and gains 3.0 points of score per job over fixed, but that may be"
            f" chance ({NAIVE}95 % interval -2.0 to +8.0). Measure more families of jobs, or allow a larger loss with"
            " --max-loss.",
        ),
        (
            lambda: decision(Ruling.TOO_FEW, jobs=7, families=7, best=None),
            "7 jobs decide nothing: measure at least 8, each under every policy.",
        ),
        (
            lambda: decision(Ruling.TOO_FEW, jobs=1, families=1, best=None),
            "1 job decides nothing: measure at least 8, each under every policy.",
        ),
    ],
    ids=[
        *(
            "use",
            "use-the-same-gain",
            "use-and-savings",
            "use-by-time",
            "keep",
            "keep-all-lose",
            "open-best",
            "open-none",
            "few-families",
        ),
        *("open-families", "open-families-for-ever", "few", "one"),
    ],
)
def test_a_decision(found: Callable[[], PolicyDecision], sentence: str) -> None:
    assert decision_sentence(found()) == sentence


def test_the_gain_on_other_jobs_is_told_where_something_was_chosen() -> None:
    used = decision(Ruling.USE, estimates=(gain(0.05, 0.01, 0.09),))
    assert honesty_sentence(used) == (
        "On jobs that had no part in choosing, choosing gains 3.0 points of score. Of the choices by four fifths of the"
        " jobs 75 % fell on MILP."
    )
    assert honesty_sentence(decision(Ruling.KEEP, estimates=(gain(-0.1, -0.2, -0.05),))) is None
    never = decision(Ruling.UNKNOWN, estimates=(gain(0.05, 0.01, 0.09),), cross_fitted=0.0, shares=(1.0, 0.0))
    assert str(honesty_sentence(never)).endswith(
        "On jobs that had no part in choosing, choosing gains 0.0 points of score. "
        "Of the choices by four fifths of the jobs 0 % fell on MILP."
    )
    unlikely = decision(Ruling.UNKNOWN, estimates=(gain(-0.03, -0.1, 0.04),), honest=-0.03, naive=-0.03)
    assert honesty_sentence(unlikely) is None
    assert basis_sentence(used) == "12 jobs, 2 policies, decided by score. All figures are SIMULATED."


def test_no_sentence_of_a_run_says_the_contrary_of_another() -> None:
    """Whoever is better in the headline has the higher score, and a difference with its sign, everywhere."""
    scores = {"fixed": 0.5, "milp": 0.9, "greedy": 0.2}
    jobs: list[JobRecord] = [
        record(dict.fromkeys(g.order, s), graph=g, case=key(mode), model=(QWEN if mode == "milp" else GEMMA).tag)
        for mode, s in scores.items()
        for g in workflows(30)
    ]
    report = build_report(run(*jobs))
    forest = mode_forest(report)
    assert forest is not None
    assert forest.headline == "By score MILP is better than fixed and greedy is worse than fixed."
    rows = {row.mode: row for group in forest.groups for row in group.rows}
    assert (rows["milp"].difference, rows["greedy"].difference) == ("+40.0", "-30.0")
    spoken = [each.text for each in answers(report) if each.kind in ("comparison", "saving")]
    assert "MILP is better by 40.0 points" in spoken[0]
    assert "fixed is better by 30.0 points" in spoken[1]
    assert "MILP saves neither loads nor time against fixed, at a score 40.0 points higher" in spoken[2]
    assert "greedy saves neither loads nor time, at a score 30.0 points lower" in spoken[2]
