"""Factors and constants of the statistics, against tables and textbook formulas."""

from __future__ import annotations

import math
from random import Random
from statistics import NormalDist, fmean, stdev

import pytest

from pytest_swarm.statistics.bootstrap import RESAMPLES, bca_over_clusters
from pytest_swarm.statistics.sign_flips import (
    DRAWS,
    Pair,
    Units,
    minimum_detectable,
    paired_effect,
    standard_error,
    units_of,
)


def units(differences: list[float]) -> Units:
    """One repeat of each of as many jobs."""
    return units_of(Pair(n, n, 1, difference) for n, difference in enumerate(differences))


def p_values(differences: list[float]) -> tuple[float, float]:
    effect = paired_effect(units(differences), level=0.05)
    return effect.p_down, effect.p_up


def test_the_standard_error_of_single_repeats_is_the_sample_deviation_over_root_n() -> None:
    differences = [0.1, 0.4, -0.2, 0.3, 0.0]
    assert standard_error(units(differences)) == pytest.approx(stdev(differences) / math.sqrt(5))
    assert standard_error(units([0.3])) is None


@pytest.mark.parametrize(
    ("count", "level", "quantiles"),
    [(10, 0.025, 2.262 + 0.883), (21, 0.05, 1.725 + 0.860), (31, 0.005, 2.750 + 0.854)],
)
def test_the_detectable_effect_has_a_power_of_80_percent(count: int, level: float, quantiles: float) -> None:
    """The quantiles of Student's t at 1 - level and at 0.8, from the table, for count - 1 degrees of freedom."""
    assert minimum_detectable(1.0, count, level=level) == pytest.approx(quantiles, abs=2e-3)


def test_drawn_sign_flips_count_the_data_themselves_so_that_no_p_value_is_zero() -> None:
    assert p_values([1.0] * 40)[1] == pytest.approx(1 / (DRAWS + 1))
    assert p_values([-1.0] * 40)[0] == pytest.approx(1 / (DRAWS + 1))


def test_listed_sign_flips_are_shares_of_all_sign_vectors() -> None:
    assert p_values([1.0] * 10) == (1.0, 2**-10)
    assert p_values([1.0, -1.0]) == (0.75, 0.75)


def test_a_twentieth_is_left_out_on_each_side_of_the_interval() -> None:
    """Six different units: 63 subset means, of which the third smallest and third largest bound the interval."""
    differences = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32]
    means = sorted(
        fmean(d for n, d in enumerate(differences) if subset >> n & 1) for subset in range(1, 2 ** len(differences))
    )
    effect = paired_effect(units(differences), level=0.05)
    assert (effect.low, effect.high) == (pytest.approx(means[2]), pytest.approx(means[-3]))


def test_the_interval_over_very_many_jobs_is_the_normal_one() -> None:
    rng = Random(4)
    differences = [rng.choice([-1.0, 0.0, 0.5]) for _ in range(2_200)]
    assert len(differences) * RESAMPLES > 4_000_000
    bounds = bca_over_clusters(units(differences), level=0.025)
    half = NormalDist().inv_cdf(0.975) * stdev(differences) / math.sqrt(len(differences))
    assert bounds == pytest.approx((fmean(differences) - half, fmean(differences) + half), rel=1e-9)


def test_the_interval_over_jobs_is_corrected_for_bias_and_skewness() -> None:
    """Bounds of scipy.stats.bootstrap(method="BCa", n_resamples=50_000); the uncorrected high bound is 0.386."""
    skewed = [0.0] * 7 + [0.02, 0.05, 0.1, 0.4, 1.0]
    assert bca_over_clusters(units(skewed), level=0.025) == (
        pytest.approx(0.024, abs=0.003),
        pytest.approx(0.430, abs=0.015),
    )
