"""Sign flips, the bootstrap, and bets."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_swarm.statistics.bootstrap import (
    bca_over_clusters,
    cluster_weights,
    interval_of_median_ratio,
    interval_over_rows,
)
from pytest_swarm.statistics.sequential import log_wealth, sequential_effect, sequential_p_values, stopping_reason
from pytest_swarm.statistics.sign_flips import (
    Pair,
    paired_effect,
    units_of,
)

DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.5, -1 / 3, 0.0, 1 / 3, 0.5, 1.0]), min_size=1, max_size=8)


def p_values(differences: list[float]) -> tuple[float, float]:
    """The p-values of the sign-flip test for one repeat of each of as many jobs."""
    effect = paired_effect(units_of(Pair(n, n, 1, d) for n, d in enumerate(differences)), level=0.05)
    return effect.p_down, effect.p_up


def pairs(differences: list[float], *, clusters: int = 1) -> list[Pair]:
    return [Pair(n % clusters, n % clusters, n // clusters, d) for n, d in enumerate(differences)]


@given(DIFFERENCES)
def test_p_values_are_those_of_all_sign_vectors(differences: list[float]) -> None:
    total = sum(differences)
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    down = sum(each <= total + 1e-9 for each in sums) / len(sums)
    up = sum(each >= total - 1e-9 for each in sums) / len(sums)
    assert p_values(differences) == pytest.approx((down, up))


@given(DIFFERENCES)
def test_the_interval_holds_what_the_test_does_not_reject(differences: list[float]) -> None:
    effect = paired_effect(units_of(pairs(differences)), level=0.05)
    if effect.low is None or effect.high is None:
        assert 0.5 ** len(differences) > 0.05
        return
    assert effect.low <= effect.mean <= effect.high
    for shift, inside in ((effect.low - 0.01, False), (effect.high + 0.01, False), (effect.mean, True)):
        p = min(p_values([d - shift for d in differences]))
        assert (p > 0.05) is inside


def test_pairs_of_one_repeat_are_one_unit() -> None:
    same_seed = [Pair("a", setting, repeat, -0.5) for repeat in range(2) for setting in range(10)]
    effect = paired_effect(units_of(same_seed), level=0.025)
    assert (effect.units, effect.mean) == (2, pytest.approx(-0.5))
    assert effect.p_down == 0.25
    assert effect.low is None


def test_every_stratum_counts_alike_however_often_it_was_repeated() -> None:
    rows = [Pair("a", "a", n, -1.0) for n in range(9)] + [Pair("b", "b", 0, 1.0)]
    assert units_of(rows).mean == pytest.approx(0.0)


def test_drawn_and_limiting_p_values_agree_with_the_exact_ones() -> None:
    rng = Random(1)
    for n in (40, 1_500):
        differences = [rng.choice([-1, -1, 0, 1]) / 3 for _ in range(n)]
        down, up = sum(d < 0 for d in differences), sum(d > 0 for d in differences)
        exact = binomtest(down, down + up, alternative="greater").pvalue
        assert p_values(differences)[0] == pytest.approx(exact, abs=0.01)


def test_the_same_data_give_the_same_figures() -> None:
    rows = pairs([Random(3).choice([-1.0, 0.0, 0.5]) for _ in range(200)], clusters=20)
    assert paired_effect(units_of(rows), level=0.025) == paired_effect(units_of(rows), level=0.025)
    assert bca_over_clusters(units_of(rows), level=0.025) == bca_over_clusters(units_of(rows), level=0.025)


def test_a_bootstrap_over_few_jobs_is_refused() -> None:
    assert bca_over_clusters(units_of(pairs([0.1, -0.2, 0.3, 0.1], clusters=4)), level=0.025) is None
    assert len(cluster_weights(4)) == 1
    for few in ([0.1, -0.2, 0.3, 0.1, 0.2], [0.1, -0.2, 0.3, 0.1, 0.2, 0.0]):
        bounds = bca_over_clusters(units_of(pairs(few, clusters=len(few))), level=0.025)
        assert bounds is not None
        assert bounds[0] < sum(few) / len(few) < bounds[1]
    for count, refused in ((6, True), (7, False)):
        before, now = [float(n) for n in range(1, count + 1)], [float(n * n) for n in range(1, count + 1)]
        assert (interval_of_median_ratio(before, now, range(count), level=0.025) is None) is refused
    means = [float(row @ [0.1, -0.2, 0.3, 0.1, 0.2]) for row in cluster_weights(5)]
    assert interval_over_rows(means, clusters=5) is not None


def test_the_ratio_of_medians_is_covered_by_its_interval() -> None:
    rng = Random(5)
    before = [rng.lognormvariate(0, 0.4) for _ in range(80)]
    now = [1.5 * each * rng.lognormvariate(0, 0.1) for each in before]
    bounds = interval_of_median_ratio(before, now, list(range(80)), level=0.025)
    assert bounds is not None
    assert 1 < bounds[0] < 1.5 < bounds[1] < 2


@pytest.mark.parametrize(("jobs", "low", "high"), [(9, 2, 8), (17, 5, 13)])
def test_over_a_constant_the_interval_is_that_of_the_sign_test(jobs: int, low: int, high: int) -> None:
    """The order statistics between which a median lies with at least 95 %, whatever the distribution."""
    now = [float(n**3) for n in range(1, jobs + 1)]
    assert interval_of_median_ratio([1.0] * jobs, now, range(jobs), level=0.025) == (low**3, high**3)


@given(DIFFERENCES)
def test_wealth_is_a_fair_game_where_nothing_changed(sizes: list[float]) -> None:
    worlds = [
        math.exp(log_wealth([s * d for s, d in zip(signs, sizes, strict=True)]))
        for signs in product((1, -1), repeat=len(sizes))
    ]
    assert sum(worlds) / len(worlds) == pytest.approx(1.0)


@given(DIFFERENCES)
def test_wealth_is_the_mean_over_eight_bets_that_double(differences: list[float]) -> None:
    def bet(size: float) -> float:
        return math.prod(2 / (1 + math.exp(-2 * size * each)) for each in differences)

    mean = sum(bet(2.0**power) for power in range(-1, 7)) / 8
    assert log_wealth(differences) == pytest.approx(math.log(mean), abs=1e-9)
    assert log_wealth([3 * each for each in differences], scale=3.0) == pytest.approx(math.log(mean), abs=1e-9)


def test_sequential_p_values_are_one_over_the_wealth_of_both_signs() -> None:
    losses = [0.5, 0.25, 0.5, 0.75]
    down, up = sequential_p_values(losses)
    assert up == pytest.approx(math.exp(-log_wealth(losses)))
    assert down == 1.0 > up
    assert sequential_p_values([2 * each for each in losses], scale=2.0) == pytest.approx((down, up))


@settings(max_examples=20)
@given(st.floats(0.05, 1.0))
def test_a_clear_loss_is_seen_after_few_repeats(loss: float) -> None:
    needed = next(n for n in range(1, 40) if stopping_reason([loss] * n, level=0.025) == "clearly worse")
    assert 6 <= needed <= 12


def test_stopping_early_does_not_raise_false_alarms() -> None:
    rng = Random(7)
    alarms = 0
    for _ in range(300):
        losses: list[float] = []
        while len(losses) < 25 and stopping_reason(losses, level=0.025) is None:
            losses.append(rng.choice([-1, 0, 1]) / 3)
        alarms += stopping_reason(losses, level=0.025) == "clearly worse"
    assert alarms <= 0.025 * 300 * 1.5  # at most 2.5 % are expected; the seed fixes the figure


def test_quiet_cases_stop() -> None:
    assert stopping_reason([0.0] * 5, level=0.025) is None
    assert stopping_reason([0.0] * 6, level=0.025) == "no difference in 6 repeats"


def test_the_confidence_sequence_is_wider_than_the_interval() -> None:
    units = units_of(pairs([0.3, 0.1, 0.2, 0.4, -0.1, 0.3, 0.2, 0.3, 0.1, 0.2, 0.3, 0.2]))
    fixed, anytime = paired_effect(units, level=0.025), sequential_effect(units, level=0.025)
    assert fixed.low is not None
    assert anytime.low is not None
    assert 0 < anytime.low < fixed.low < fixed.mean
    assert anytime.p_up > fixed.p_up


def test_wealth_of_many_repeats_does_not_overflow() -> None:
    assert log_wealth([1.0] * 5_000) > 700
    assert log_wealth([-1.0] * 5_000) < -700
