"""Bounds of the mean of bounded values, permutations in strata, exact tests of rates, and planned sizes."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random
from statistics import NormalDist, variance

import pytest
from scipy.stats import beta, fisher_exact

from pytest_swarm.statistics.exact_tests import fisher_in_strata
from pytest_swarm.statistics.intervals import exact_interval
from pytest_swarm.statistics.mean_bounds import WeightedValues, mean_bounds, p_mean_at_most
from pytest_swarm.statistics.permutations import Stratum, permutation_p_values
from pytest_swarm.statistics.sample_size import Spread, units_to_exceed


def values(found: list[float], *, low: float = 0.0, high: float = 1.0) -> WeightedValues:
    return WeightedValues(values=found, weights=[1.0] * len(found), low=low, high=high)


@pytest.mark.parametrize(("events", "trials"), [(0, 6), (1, 6), (0, 100), (3, 100), (10, 20)])
def test_of_two_kinds_of_values_they_are_those_of_clopper_and_pearson(events: int, trials: int) -> None:
    low, high = mean_bounds(values([1.0] * events + [0.0] * (trials - events)), level=0.0125)
    assert low == pytest.approx(beta.ppf(0.0125, events, trials - events + 1) if events else 0.0, abs=3e-3)
    assert high == pytest.approx(beta.ppf(1 - 0.0125, events + 1, trials - events), abs=3e-3)


@pytest.mark.parametrize("loss", [0.02, 0.1, 0.3])
def test_a_false_alarm_is_rare_for_every_true_mean(loss: float) -> None:
    """Rare large losses: sign flips would call 20 zeros proof of no loss."""
    rng, wrong_low, wrong_high = Random(3), 0, 0
    for _ in range(1_000):
        low, high = mean_bounds(values([float(rng.random() < loss) for _ in range(25)], low=-1.0), level=0.05)
        wrong_low, wrong_high = wrong_low + (low > loss), wrong_high + (high < loss)
    assert wrong_low <= 60
    assert wrong_high <= 60


def test_p_falls_with_the_mean_that_is_denied() -> None:
    data = values([0.2, 0.5, 0.9, 0.4], low=-1.0)
    found = [p_mean_at_most(data, mean) for mean in (-1.0, -0.5, 0.0, 0.2, 0.5, 0.89, 0.95)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.0, 1.0)


def test_no_values_say_nothing() -> None:
    assert p_mean_at_most(values([]), 0.5) == 1.0
    assert mean_bounds(values([]), level=0.05) == (0.0, 1.0)


def test_permutations_are_all_ways_of_dealing_within_strata() -> None:
    stratum = Stratum(before=(0.1, 0.4), now=(0.5, 0.9), weight=1.0)
    pooled = stratum.before + stratum.now
    sums = [sum(each) for each in combinations(pooled, 2)]
    found = permutation_p_values([stratum])
    assert found.up == pytest.approx(sum(each >= 1.4 - 1e-9 for each in sums) / len(sums))
    assert found.down == pytest.approx(sum(each <= 1.4 + 1e-9 for each in sums) / len(sums))
    both = permutation_p_values([stratum, Stratum(before=(0.0,), now=(1.0,), weight=1.0)])
    assert both.up == pytest.approx(1 / 12)


def test_drawn_permutations_agree_with_their_limit() -> None:
    """Past six million cells the normal limit serves."""
    rng = Random(2)
    strata = [
        Stratum(
            before=tuple(rng.random() for _ in range(20)), now=tuple(rng.random() + 0.05 for _ in range(5)), weight=1
        )
        for _ in range(40)
    ]
    drawn = permutation_p_values(strata)
    spread = sum(variance(each.before + each.now) * (1 / 20 + 1 / 5) for each in strata)
    z = sum(each.difference for each in strata) / spread**0.5
    assert drawn.up == pytest.approx(NormalDist().cdf(-z), abs=0.02)
    many = permutation_p_values(strata * 60)
    assert many.up == pytest.approx(NormalDist().cdf(-z * 60**0.5), abs=1e-6)


def test_equal_values_are_no_evidence() -> None:
    assert permutation_p_values([Stratum(before=(1.0, 1.0), now=(1.0,), weight=1.0)]).up == 1.0


@pytest.mark.parametrize("table", [(0, 85, 8, 85), (3, 20, 9, 25), (5, 10, 5, 10)])
def test_one_stratum_is_the_test_of_fisher(table: tuple[int, int, int, int]) -> None:
    before, units, now, units_now = table
    p = fisher_exact([[now, units_now - now], [before, units - before]], alternative="greater").pvalue
    assert fisher_in_strata([table]) == pytest.approx(p)


@pytest.mark.parametrize(
    "tables", [[(1, 3, 2, 2), (0, 2, 1, 3)], [(0, 4, 3, 4), (2, 2, 1, 2), (1, 1, 0, 3)], [(0, 3, 0, 2), (1, 0, 2, 3)]]
)
def test_strata_give_the_share_of_all_ways_to_deal_their_events(tables: list[tuple[int, int, int, int]]) -> None:
    """Every way to deal the draws of each stratum to the two sides is as likely; a stratum of one side says nothing."""
    sums, seen = [0], 0
    for before, units, now, units_now in tables:
        if units and units_now:
            draws = [1] * (before + now) + [0] * (units + units_now - before - now)
            sums = [have + sum(dealt) for have in sums for dealt in combinations(draws, units_now)]
            seen += now
    assert fisher_in_strata(tables) == pytest.approx(sum(each >= seen for each in sums) / len(sums))


def test_strata_are_never_pooled() -> None:
    """One job always breaks the budget and runs more often now: nothing changed in either job."""
    assert fisher_in_strata([(5, 5, 20, 20), (0, 20, 0, 5)]) == 1.0
    assert fisher_in_strata([]) == 1.0


def test_intervals_of_shares() -> None:
    assert exact_interval(0, 100, level=0.025)[1] == pytest.approx(1 - 0.025**0.01)
    assert exact_interval(100, 100, level=0.025)[1] == 1.0


@pytest.mark.parametrize(("events", "trials"), [(1, 8), (3, 10), (17, 40), (39, 40)])
def test_an_end_of_a_share_is_where_its_count_has_a_chance_of_the_level(events: int, trials: int) -> None:
    low, high = exact_interval(events, trials, level=0.025)

    def chance(share: float, counts: range) -> float:
        return math.fsum(math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in counts)

    assert chance(low, range(events, trials + 1)) == pytest.approx(0.025)
    assert chance(high, range(events + 1)) == pytest.approx(0.025)


def test_the_planned_size_keeps_its_promise() -> None:
    """Units of mean 0.2 and deviation 0.4 against a limit of 0.05."""
    rng = Random(5)

    def sample(n: int) -> list[float]:
        return [0.2 + rng.choice([-0.4, 0.4]) for _ in range(n)]

    units = units_to_exceed(
        Spread(values=tuple(sample(40)), step=0.4, low=-1.0, high=1.0), true_mean=0.2, limit=0.05, level=0.025
    )
    assert units is not None
    assert units < 200
    found = [mean_bounds(values(sample(units), low=-1.0), level=0.025)[0] > 0.05 for _ in range(200)]
    assert sum(found) / 200 >= 0.8


def test_no_size_shows_a_mean_that_is_not_above_the_limit() -> None:
    spread = Spread(values=(0.1, 0.2), step=0.1, low=-1.0, high=1.0)
    assert units_to_exceed(spread, true_mean=0.05, limit=0.05, level=0.025) is None


def test_values_that_differ_by_rounding_only_are_bounded_at_once() -> None:
    values = [math.log(10.1 * n / (7.07 * n)) for n in range(1, 31)]
    data = WeightedValues(values=values, weights=[1.0] * 30, low=min(values), high=max(values))
    assert min(values) != max(values)
    assert mean_bounds(data, level=0.025) == pytest.approx((math.log(1 / 0.7),) * 2)
