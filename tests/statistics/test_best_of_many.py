"""Bounds of the gain of a chosen candidate, against exact distributions and tables."""

from __future__ import annotations

import math
from itertools import product
from random import Random
from statistics import NormalDist, fmean, stdev

import pytest
from scipy.special import stdtr

from pytest_swarm.statistics.best_of_many import (
    GainTable,
    cross_fitted_gain,
    gain_bounds,
    shared_critical_value,
    units_to_prove,
)
from pytest_swarm.statistics.sample_size import planned_spread


def noise(rows: int, units: int, *, seed: int = 1, gain: float = 0.0) -> GainTable:
    rng = Random(seed)
    return GainTable(rows=tuple(tuple(rng.gauss(gain, 0.2) for _ in range(units)) for _ in range(rows)))


def t_of(values: tuple[float, ...]) -> float:
    return fmean(values) / (stdev(values) / math.sqrt(len(values)))


def test_the_critical_value_is_exceeded_by_the_level_of_all_sign_vectors() -> None:
    table = noise(3, 8)
    critical = shared_critical_value(table)
    largest = [
        max(t_of(tuple(s * x for s, x in zip(signs, row, strict=True))) for row in table.rows)
        for signs in product((1, -1), repeat=8)
    ]
    share = sum(each > critical for each in largest) / len(largest)
    assert 0.025 - 2 / 256 <= share <= 0.025


def test_equal_rows_cost_nothing_and_different_rows_cost_more() -> None:
    one = noise(1, 40)
    same = GainTable(rows=one.rows * 7)
    many = noise(7, 40)
    assert shared_critical_value(same) == pytest.approx(shared_critical_value(one))
    assert shared_critical_value(many) > shared_critical_value(one) + 0.3


def test_many_units_of_one_row_have_the_critical_value_of_the_normal_distribution() -> None:
    assert shared_critical_value(noise(1, 200)) == pytest.approx(NormalDist().inv_cdf(0.975), abs=0.12)


def test_a_gain_that_ties_with_its_own_flips_proves_nothing() -> None:
    """Three of eight units gain, none loses: every eighth sign vector gives as much."""
    table = GainTable(rows=((1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),), step=1.0)
    low, high = gain_bounds(table, 0, shared_critical_value(table))
    assert low <= 0 < high


def test_units_that_all_agree_leave_room_for_one_step() -> None:
    """Of eight ties nothing follows but a rule of three: 1 - 0.025^(1/8) = 0.369 of a step."""
    table = GainTable(rows=((0.0,) * 8,), step=0.5)
    low, high = gain_bounds(table, 0, shared_critical_value(table))
    assert high == pytest.approx(0.5 * (1 - 0.025 ** (1 / 8)), abs=0.002)
    assert low == pytest.approx(-high)


def test_the_interval_holds_the_mean_and_narrows_with_the_units() -> None:
    few, many = (noise(4, units, gain=0.1) for units in (10, 100))
    ends = [gain_bounds(each, 2, shared_critical_value(each)) for each in (few, many)]
    for table, (low, high) in zip((few, many), ends, strict=True):
        assert low < table.means[2] < high
    assert ends[1][1] - ends[1][0] < 0.5 * (ends[0][1] - ends[0][0])


def test_the_lower_bound_pays_for_the_choice_and_the_upper_one_does_not() -> None:
    alone = noise(1, 40, gain=0.1)
    among = GainTable(rows=alone.rows + noise(7, 40, seed=2).rows)
    low, high = gain_bounds(alone, 0, shared_critical_value(alone))
    low_among, high_among = gain_bounds(among, 0, shared_critical_value(among))
    assert low_among < low - 0.01
    assert high_among == pytest.approx(high)


def test_among_many_rows_one_without_its_rare_losses_is_no_winner() -> None:
    """Each row gains 0.03 and loses a step in one unit of ten: of ten rows one shows none in forty units."""
    losses = noise(9, 40, seed=3).rows
    alone = GainTable(rows=((0.025,) * 40,), step=0.25)
    among = GainTable(rows=(*alone.rows, *losses), step=0.25)
    critical = shared_critical_value(among)
    level = float(stdtr(39, -critical))
    assert 0.002 < level < 0.01
    assert gain_bounds(alone, 0, shared_critical_value(alone))[0] > 0
    low, high = gain_bounds(among, 0, critical)
    assert low == pytest.approx(0.025 - 0.275 * (1 - level ** (1 / 40)), abs=1e-3)
    assert low < 0
    assert high == pytest.approx(gain_bounds(alone, 0, 2.0)[1])


def test_a_longer_tail_of_losses_lowers_the_lower_bound() -> None:
    """The same mean and spread, mirrored: six units in forty lose (gain) much more than the others gain (lose)."""
    losses = tuple([0.1] * 34 + [-0.4] * 6)
    middle = fmean(losses)
    tables = [GainTable(rows=(tuple(sign * (each - middle) + 0.1 for each in losses),)) for sign in (1, -1)]
    low, low_mirrored = (gain_bounds(each, 0, 3.0)[0] for each in tables)
    skewness = -1.96
    error = stdev(losses) / math.sqrt(40)
    assert low == pytest.approx(0.1 - (3.0 + -skewness * 19 / (6 * math.sqrt(40))) * error, abs=0.002)
    assert low_mirrored == pytest.approx(0.1 - 3.0 * error, abs=0.002)


def test_the_best_of_noise_gains_nothing_on_units_that_did_not_choose_it() -> None:
    tables = [noise(7, 24, seed=seed) for seed in range(40)]
    naive = fmean(max(table.means) for table in tables)
    honest = fmean(cross_fitted_gain(table).gain for table in tables)
    assert naive > 0.03
    assert abs(honest) < 0.015


def test_a_clear_gain_is_found_by_every_part() -> None:
    rows = (*noise(3, 24).rows, tuple(each + 0.5 for each in noise(1, 24, seed=9).rows[0]))
    fit = cross_fitted_gain(GainTable(rows=rows))
    assert fit.shares == (0.0, 0.0, 0.0, 1.0)
    assert fit.gain == pytest.approx(fmean(rows[3]))


def test_where_nothing_gains_the_reference_is_chosen() -> None:
    fit = cross_fitted_gain(GainTable(rows=((-0.1, -0.2, -0.3, -0.1, -0.2, 0.0, -0.1, -0.2),)))
    assert (fit.gain, fit.shares) == (0.0, (0.0,))


@pytest.mark.parametrize(("allowed", "share"), [(0.04, 0.0), (0.06, 1.0)])
def test_a_row_that_loses_more_per_unit_than_the_guard_allows_is_not_chosen(allowed: float, share: float) -> None:
    gains, losses = GainTable(rows=((0.1,) * 20,)), GainTable(rows=((-0.05,) * 20,))
    assert cross_fitted_gain(gains, guard=losses, allowed=allowed).shares == (share,)


def test_the_units_that_prove_a_distance_are_those_of_the_normal_formula() -> None:
    table = noise(1, 30)
    needed = units_to_prove(table, 0, distance=0.1, critical=1.96)
    assert needed == math.ceil(((1.96 + 0.8416) * planned_spread(table.rows[0]) / 0.1) ** 2)
    assert units_to_prove(table, 0, distance=0.0, critical=1.96) is None


def test_units_that_agree_need_a_rule_of_three() -> None:
    """-ln(0.025) = 3.69 steps of 0.5, each of which may be one unit in n."""
    table = GainTable(rows=((0.0,) * 12,), step=0.5)
    assert units_to_prove(table, 0, distance=0.02, critical=1.96) == math.ceil(3.689 * 0.5 / 0.02)


def test_the_planned_spread_is_the_upper_limit_of_the_table() -> None:
    """Chi squared with 9 degrees of freedom is above 5.380 with a chance of 80 %."""
    values = noise(1, 10).rows[0]
    assert planned_spread(values) == pytest.approx(stdev(values) * math.sqrt(9 / 5.380), rel=1e-3)
