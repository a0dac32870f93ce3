"""Every sentence of a ruling against tables that are written by hand: none may contradict its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from pytest_swarm.decision.choice import Ruling, choose_policy
from pytest_swarm.decision.criteria import CRITERIA, parse_loss
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.decision.policy_figures import PolicyFigures
from pytest_swarm.report.charts.gain_plot import gain_plot
from pytest_swarm.report.decision_ruling import decision_lines, decision_sentence, honesty_sentence
from tests.decision.runs import many
from tests.decision.test_choice import row

MODES = ("fixed", "milp", "greedy")
RUN = many(dict.fromkeys(MODES, 0.5), jobs=8)


def told(
    *rows: Sequence[float],
    scores: Sequence[Sequence[float]] | None = None,
    loss: float = 0.02,
    fault: str | None = None,
) -> PolicyDecision:
    """The decision on a table: by score, or by makespan where the scores are given beside the seconds."""
    by = CRITERIA["score" if scores is None else "makespan"]
    question = DecisionQuestion(by=by, max_loss=parse_loss(str(loss), what="--max-loss"))
    (decision,) = decide_runs([RUN], question)
    choice = choose_policy(
        PolicyFigures(
            values=tuple(map(tuple, rows)),
            relative=scores is not None,
            scores=None if scores is None else tuple(map(tuple, scores)),
            allowed_loss=loss,
            allowed_score_loss=loss,
            step=0.0 if scores is not None else 1 / 3,
            score_step=0.0,
        )
    )
    if fault is not None and choice.ruling is Ruling.KEEP:
        choice = replace(choice, ruling=Ruling.UNUSABLE)
    means = dict(decision.means)
    means["makespan_s" if scores is not None else "score"] = tuple(map(fmean, rows))
    if scores is not None:
        means["score"] = tuple(map(fmean, scores))
    return replace(
        decision,
        choice=choice,
        means=means,
        policies=decision.policies[: len(rows)],
        measured=replace(decision.measured, present_fault=fault, excluded={}),
    )


def flat(value: float, *, spread: float = 0.0, seed: int = 1, jobs: int = 24) -> tuple[float, ...]:
    return row(value, seed=seed, spread=spread, jobs=jobs)


SEEDS = (1, 2, 5, 6, 8)
"""One of each kind of sentence at least; the first sixty were tried."""


def _worlds(seed: int) -> list[tuple[float, float, float]]:
    rng = Random(seed)
    return [(0.5, 0.5 + rng.choice((-0.5, 0.0, 0.6)), 0.5 + rng.choice((-0.5, 0.0, 0.58))) for _ in range(24)]


def _check(decision: PolicyDecision) -> str:
    """Check a sentence against its table, and return its kind."""
    choice, sentence = decision.choice, decision_sentence(decision)
    assert sentence.count("Measure more jobs") + sentence.count("would show that fixed is as good") <= 1
    means = {each.policy: each.gain.mean for each in choice.estimates}
    open_ = [each for each in choice.estimates if each.policy not in choice.losing]
    if sentence.startswith("Use "):
        assert choice.estimate(choice.best).gain.low > 0
        return "use"
    if "looks best" in sentence:
        assert choice.estimate(choice.best).gain.low <= 0
        assert means[choice.best] > choice.margin
        keeping = [each.gain.mean for each in open_ if (each.score is None or each.score.low >= -choice.margin)]
        assert means[choice.best] >= max(keeping, default=0.0)
        assert ("keep the score, " in sentence) == (means[choice.best] < max(means.values()))
        return "looks best, not confirmed" if "had no part" in sentence else "looks best"
    if "looks better" in sentence:
        if "seems to keep" not in sentence:
            assert max(means.values()) <= choice.margin
        assert max(each.gain.high for each in open_) > choice.margin
        return "nothing looks better"
    if "may lose more score" in sentence:
        assert "gains" in sentence
        return "score open"
    if "without losing" in sentence:
        assert all(each.gain.high <= choice.margin for each in open_)
        assert any(each.gain.high > choice.margin for each in choice.estimates)
        return "bought with score"
    assert all(each.gain.high <= choice.margin for each in open_)
    if "Each other one loses" in sentence:
        assert max(each.gain.high for each in choice.estimates) < 0
        return "all worse"
    return "unusable" if choice.ruling is Ruling.UNUSABLE else "keep"


def _tables(seed: int) -> list[PolicyDecision]:
    rng = Random(seed)
    spread = rng.choice((0.02, 0.1, 0.4))
    shift = [rng.uniform(-0.3, 0.3) * rng.choice((0.05, 0.3, 1)) for _ in range(2)]
    rows = [flat(0.5), *(flat(0.5 + each, spread=spread, seed=seed + n) for n, each in enumerate(shift))]
    seconds = [tuple(10 * 2 ** (0.5 - each) for each in values) for values in rows]
    lost = [rng.choice((0.0, 0.05, 0.2)) for _ in range(2)]
    scores = [flat(0.6), *(flat(0.6 - each, spread=0.15, seed=seed + 9 + n) for n, each in enumerate(lost))]
    return [told(*rows), told(*seconds, scores=scores), told(*zip(*_worlds(seed), strict=True))]


def test_no_sentence_contradicts_its_table() -> None:
    kinds = Counter(_check(each) for seed in SEEDS for each in _tables(seed))
    assert set(kinds) >= {
        *("use", "looks best", "looks best, not confirmed", "nothing looks better"),
        *("score open", "bought with score", "keep", "all worse"),
    }, kinds


def test_a_count_of_jobs_pretends_to_no_precision() -> None:
    decision = told(flat(0.5), flat(0.5, spread=0.4, seed=3), loss=0.005)
    assert decision.choice.to_keep.families > 2000
    assert decision_sentence(decision).endswith(" Over 1,000 more jobs would show that fixed is as good, if it is.")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((0.9, 0.5, 0.4), "No usable policy is better than fixed, but fixed breaks the budget in 24 of 24 jobs, so it"),
        ((0.9,), "No policy that was run can be used at 24GB. fixed breaks the budget in 24 of 24 jobs, so it cannot"),
        ((0.3, 0.6, 0.4), "Use MILP: compared with fixed it gains "),
    ],
    ids=["none-better", "alone", "use"],
)
def test_what_breaks_the_budget_is_never_kept(rows: tuple[float, ...], said: str) -> None:
    fault = "breaks the budget in 24 of 24 jobs"
    decision = told(*(flat(each, spread=0.02, seed=n) for n, each in enumerate(rows)), fault=fault)
    sentence = decision_sentence(decision)
    assert sentence.startswith(said)
    assert f"fixed {fault}, so it cannot be used at 24GB." in sentence
    assert "keep" not in sentence
    assert honesty_sentence(decision) is None or decision.choice.ruling is Ruling.USE
    assert "fixed (now; cannot be used)" in "\n".join(decision_lines(decision))


def test_a_mean_that_rises_is_explained_where_the_usual_job_is_faster() -> None:
    was = (*(10.0,) * 23, 1000.0)
    now = tuple(each * factor for each, factor in zip(was, (*row(0.5, seed=1, spread=0.01, jobs=23), 1.2), strict=True))
    decision = told(was, now, scores=(flat(0.5), flat(0.5)), loss=0.1)
    assert decision.choice.ruling is Ruling.USE
    assert "The gain is that of most jobs; some long ones take longer." in decision_sentence(decision)


def test_a_bound_against_next_to_nothing_is_told_in_words() -> None:
    times = [[1.0] * 8, [1e-9, 1e6] * 4]
    decision = told(*times, scores=[[1.0] * 8] * 2)
    assert decision.choice.estimates[0].gain.low < -1e5
    assert "below -1,000 %" in "\n".join(decision_lines(decision))
    plot = gain_plot(decision)
    assert plot is not None
    assert all(len(each.label) < 8 for each in plot.ticks)


def test_one_policy_alone_was_not_left_out_by_anything() -> None:
    assert decision_sentence(told(flat(0.5))) == "No other policy was run at 24GB: keep fixed."


def test_a_policy_that_plans_alike_gains_nothing_and_loses_nothing() -> None:
    decision = told(flat(10.0), flat(10.0), flat(12.0), scores=(flat(0.5), flat(0.5), flat(0.5)))
    assert decision_sentence(decision) == "No policy is better than fixed: keep it. No other one gains anything."
    slower = told(flat(10.0), flat(12.0), scores=(flat(0.5), flat(0.5)))
    assert decision_sentence(slower) == "No policy is better than fixed: keep it. Each other one loses."


def test_the_best_of_those_that_keep_the_score_is_not_called_the_best() -> None:
    faster, slightly = flat(6.0, spread=0.1, seed=2), flat(9.5, spread=1.5, seed=3)
    scores = (flat(0.6), flat(0.55, spread=0.2, seed=4), flat(0.6))
    sentence = decision_sentence(told(flat(10.0), faster, slightly, scores=scores))
    assert sentence.startswith("Cannot tell: greedy looks best of those that seem to keep the score, ")


def test_what_lost_score_as_far_as_was_seen_does_not_seem_to_keep_it() -> None:
    faster, slightly = flat(6.0, spread=0.1, seed=2), flat(9.5, spread=1.5, seed=3)
    scores = (flat(0.6), flat(0.2, spread=0.1, seed=4), flat(0.5, spread=0.7, seed=6))
    decision = told(flat(10.0), faster, slightly, scores=scores)
    assert (decision.choice.losing, decision.mean("score", decision.policies[2]) < 0.58) == ((1,), True)
    sentence = decision_sentence(decision)
    assert sentence.startswith("Cannot tell: greedy looks best of those that may keep the score, ")
    assert ", and it may lose more score than 0.02." in sentence
