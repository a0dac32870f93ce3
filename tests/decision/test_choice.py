"""The ruling on figures that are written by hand or drawn from worlds in which the truth is known."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from pytest_swarm.decision.choice import PolicyChoice, Ruling, choose_policy, gain_of
from pytest_swarm.decision.policy_figures import PolicyFigures
from pytest_swarm.statistics.sample_size import planned_spread

JOBS = 24


def row(mean: float, *, seed: int, spread: float = 0.05, jobs: int = JOBS) -> tuple[float, ...]:
    rng = Random(seed)
    drawn = [rng.gauss(0, spread) for _ in range(jobs)]
    middle = sum(drawn) / jobs
    return tuple(mean + each - middle for each in drawn)


def figures(*means: float, **parts: object) -> PolicyFigures:
    rows = tuple(row(mean, seed=n) for n, mean in enumerate(means))
    return PolicyFigures(values=rows, step=1 / 3, **({"allowed_loss": 0.02} | parts))


def test_a_clear_gain_is_used_and_told_honestly() -> None:
    choice = choose_policy(figures(0.5, 0.52, 0.7))
    assert (choice.ruling, choice.best, choice.jobs) == (Ruling.USE, 2, JOBS)
    estimate = choice.estimate(2)
    assert estimate is not None
    assert estimate.gain.mean == pytest.approx(0.2)
    assert 0 < estimate.gain.low < choice.honest < estimate.gain.high
    assert choice.naive == pytest.approx(0.2)


@pytest.mark.parametrize("relative", [False, True], ids=["score", "cost"])
@pytest.mark.parametrize("off", [2e-16, 1e-13], ids=str)
def test_a_policy_that_differs_by_rounding_only_takes_no_interval_away(relative: bool, off: float) -> None:
    was = row(0.8, seed=1)
    better = tuple(each / 2 if relative else each + 0.15 for each in was)
    scores = (was,) * 3 if relative else None

    def told(same: tuple[float, ...]) -> PolicyChoice:
        return choose_policy(PolicyFigures(values=(was, same, better), relative=relative, scores=scores, step=1 / 3))

    rounded = told((was[0] * (1 + off), *was[1:]))
    assert rounded == told(was)
    assert rounded.ruling is Ruling.USE


def test_a_choice_that_fell_on_nobody_gains_nothing_although_the_interval_begins_higher() -> None:
    present, cheaper = row(10.0, seed=1), row(7.0, seed=2)
    scores = row(0.8, seed=3, spread=0.3), row(0.7, seed=4, spread=0.3)  # loses more than is allowed, perhaps by chance
    found = PolicyFigures(values=(present, cheaper), relative=True, scores=scores, allowed_score_loss=0.02, step=1 / 3)
    choice = choose_policy(found)
    assert (choice.ruling, choice.best) == (Ruling.UNKNOWN, 1)
    assert choice.shares[1] < 0.2
    estimate = choice.estimate(1)
    assert estimate is not None
    assert choice.cross_fitted is not None
    assert choice.cross_fitted < estimate.gain.low == choice.honest


def test_equal_policies_are_not_told_apart() -> None:
    choice = choose_policy(figures(0.5, 0.5, 0.5))
    assert choice.ruling is Ruling.UNKNOWN
    assert choice.to_keep is not None
    assert choice.to_keep.families > JOBS


def test_a_present_policy_that_nothing_beats_by_more_than_is_allowed_is_kept() -> None:
    choice = choose_policy(figures(0.7, 0.5, 0.4))
    assert choice.ruling is Ruling.KEEP
    assert all(each.gain.high < 0.02 for each in choice.estimates)


def test_a_policy_that_cannot_gain_more_than_is_allowed_is_not_enough_to_be_used() -> None:
    close = figures(0.7, 0.5, allowed_loss=0.0)
    assert choose_policy(close).ruling is Ruling.KEEP
    assert choose_policy(figures(0.7, 0.695, allowed_loss=0.0)).ruling is Ruling.UNKNOWN


@pytest.mark.parametrize("jobs", [0, 1, 7])
def test_fewer_than_eight_jobs_decide_nothing(jobs: int) -> None:
    values = (row(0.1, seed=1, jobs=8)[:jobs], row(0.9, seed=2, jobs=8)[:jobs])
    assert choose_policy(PolicyFigures(values=values)).ruling is Ruling.TOO_FEW


def test_seconds_gain_as_the_share_that_is_saved() -> None:
    present = tuple(10.0 * (n + 1) for n in range(JOBS))
    factors = [math.exp(each) for each in row(math.log(0.8), seed=3, spread=0.02)]
    faster = tuple(each * factor for each, factor in zip(present, factors, strict=True))
    choice = choose_policy(PolicyFigures(values=(present, faster), relative=True))
    assert choice.ruling is Ruling.USE
    assert choice.naive == pytest.approx(0.2)


def test_time_is_not_bought_with_score() -> None:
    present, faster = (10.0,) * JOBS, row(6.0, seed=4)
    worse = (row(0.7, seed=5), row(0.6, seed=6))
    same = (row(0.7, seed=5, spread=0.01), row(0.71, seed=6, spread=0.01))
    bought = PolicyFigures(values=(present, faster), relative=True, scores=worse, allowed_score_loss=0.02)
    kept = PolicyFigures(values=(present, faster), relative=True, scores=same, allowed_score_loss=0.02)
    assert choose_policy(bought).ruling is Ruling.KEEP
    assert choose_policy(kept).ruling is Ruling.USE


def test_a_score_that_may_be_lost_leaves_the_choice_open() -> None:
    present, faster = (10.0,) * JOBS, row(6.0, seed=4)
    open_score = (row(0.7, seed=5, spread=0.2), row(0.7, seed=6, spread=0.2))
    choice = choose_policy(
        PolicyFigures(values=(present, faster), relative=True, scores=open_score, allowed_score_loss=0.02)
    )
    assert choice.ruling is Ruling.UNKNOWN
    assert choice.to_find.families > JOBS


def test_repeats_are_offered_only_where_they_could_settle_it() -> None:
    noisy = figures(0.5, 0.53, noise=(0.0, 0.0045), repeats=2)
    assert choose_policy(noisy).to_find.repeats >= 1
    uneven = figures(0.5, 0.53, noise=(0.0, 0.0001), repeats=2)
    assert choose_policy(uneven).to_find.repeats is None


def test_several_decisions_at_once_share_the_error() -> None:
    one, three = (choose_policy(figures(0.5, 0.55, level=0.025 / n)) for n in (1, 3))
    assert three.estimates[0].gain.low < one.estimates[0].gain.low


def test_one_policy_alone_is_kept() -> None:
    assert choose_policy(figures(0.5)).ruling is Ruling.KEEP


def test_the_estimates_of_all_policies_can_be_left_out() -> None:
    drawn = figures(0.5, 0.52, 0.7)
    short, whole = choose_policy(drawn, every=False), choose_policy(drawn)
    assert [each.policy for each in short.estimates] == [2]
    assert short.estimate(2) == whole.estimate(2)
    assert short.ruling is whole.ruling


def variants(count: int, copies: int) -> tuple[tuple[float, ...], ...]:
    """Two policies of which the second gains in most templates; the variants of a template gain alike."""
    gains = row(0.06, seed=7, spread=0.2, jobs=count)
    return ((0.5,) * (count * copies), tuple(0.5 + gain for gain in gains for _ in range(copies)))


def test_variants_of_ten_templates_are_ten_jobs_where_their_family_is_known() -> None:
    values = variants(10, 10)
    apart = choose_policy(PolicyFigures(values=values))
    known = choose_policy(PolicyFigures(values=values, families=tuple(n // 10 for n in range(100))))
    single = choose_policy(PolicyFigures(values=variants(10, 1)))
    assert apart.ruling is Ruling.USE
    assert known.ruling is single.ruling is Ruling.UNKNOWN
    assert (known.jobs, known.families) == (100, 10)
    assert known.naive == pytest.approx(apart.naive)
    assert known.estimates[0].gain.bounds == pytest.approx(single.estimates[0].gain.bounds)
    assert known.to_find == single.to_find


def test_a_gain_in_score_is_bounded_by_what_scores_can_be() -> None:
    """One family holds nearly all jobs: they are little more than one unit, so t is far beyond 1."""
    families = tuple(max(0, n - 90) for n in range(98))
    values = (row(0.1, seed=1, jobs=98), row(0.5, seed=2, jobs=98))
    scores = PolicyFigures(values=values, families=families, largest_gain=1.0)
    free = PolicyFigures(values=values, families=families, scores=values)
    assert choose_policy(scores).estimates[0].gain.high == 1.0
    other = choose_policy(free).estimates[0]
    assert other.gain.high > 1.0
    assert other.score.high == 1.0


def test_a_loss_beyond_floats_is_infinite() -> None:
    assert gain_of(-1e4, relative=True) == -math.inf
    assert gain_of(-1e4, relative=False) == -1e4


def test_one_job_a_family_is_as_without_families() -> None:
    drawn = figures(0.5, 0.52, 0.7)
    assert choose_policy(replace(drawn, families=tuple(range(JOBS)))) == choose_policy(drawn)


def test_fewer_than_eight_families_decide_nothing_whatever_their_jobs() -> None:
    values = (row(0.1, seed=1, jobs=70), row(0.9, seed=2, jobs=70))
    choice = choose_policy(PolicyFigures(values=values, families=tuple(n // 10 for n in range(70))))
    assert (choice.ruling, choice.jobs, choice.families) == (Ruling.TOO_FEW, 70, 7)


def test_scores_that_must_be_kept_are_those_of_families_too() -> None:
    """Ten templates lose 2 points of score or gain some: enough for a hundred jobs, and not for ten families."""
    seconds = ((10.0,) * 100, tuple(6.0 + n % 7 / 10 for n in range(100)))
    losses = row(0.0, seed=5, spread=0.06, jobs=10)
    scores = ((0.5,) * 100, tuple(0.5 + losses[n // 10] for n in range(100)))
    apart = PolicyFigures(values=seconds, relative=True, scores=scores, allowed_score_loss=0.03)
    assert choose_policy(apart).ruling is Ruling.USE
    known = choose_policy(replace(apart, families=tuple(n // 10 for n in range(100))))
    assert known.ruling is Ruling.UNKNOWN


def test_the_noise_of_a_family_is_a_share_of_that_of_a_job() -> None:
    """The mean of five jobs has a fifth of their noise, so it asks for as many repeats as one job of that noise."""
    values, alone = variants(12, 5), variants(12, 1)
    noise = 0.9 * planned_spread([now - was for was, now in zip(*alone, strict=True)]) ** 2
    single = choose_policy(PolicyFigures(values=alone, noise=(0.0, noise), repeats=2))
    keys = tuple(n // 5 for n in range(60))
    family = choose_policy(PolicyFigures(values=values, noise=(0.0, 5 * noise), repeats=2, families=keys))
    assert single.to_find is not None
    assert single.to_find.repeats is not None
    assert family.to_find == single.to_find
