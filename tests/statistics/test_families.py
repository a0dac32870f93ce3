"""The one reduction of jobs to families: what it keeps, and what it makes of correlated jobs."""

from __future__ import annotations

import math
from itertools import product
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway

from pytest_swarm.statistics.best_of_many import (
    GainTable,
    cross_fitted_gain,
    gain_bounds,
    shared_critical_value,
    units_to_prove,
)
from pytest_swarm.statistics.families import Families, equal_means_p_value, linearized
from pytest_swarm.statistics.intervals import t_quantile

GAINS = st.floats(-1, 1).map(lambda value: round(value, 6))
JOBS = st.lists(st.tuples(st.integers(0, 9), GAINS), min_size=3, max_size=40)


def values_of(jobs: list[tuple[int, float]]) -> tuple[float, ...]:
    families = Families.of([key for key, _ in jobs])
    return linearized(families.parts([value for _, value in jobs]), families.weights)


@given(JOBS)
def test_the_mean_over_families_is_the_mean_over_jobs(jobs: list[tuple[int, float]]) -> None:
    families, gains = Families.of([key for key, _ in jobs]), [value for _, value in jobs]
    assert fmean(families.parts(gains)) == pytest.approx(fmean(gains), abs=1e-12)
    assert fmean(values_of(jobs)) == pytest.approx(fmean(gains), abs=1e-12)


@given(JOBS, st.randoms(use_true_random=False))
def test_the_order_of_the_jobs_does_not_matter(jobs: list[tuple[int, float]], random: Random) -> None:
    shuffled = random.sample(jobs, len(jobs))
    assert sorted(values_of(shuffled)) == pytest.approx(sorted(values_of(jobs)), abs=1e-12)


@given(st.lists(GAINS, min_size=2, max_size=40))
def test_with_one_job_a_family_nothing_changes(gains: list[float]) -> None:
    families = Families.of(range(len(gains)))
    assert families.weights == ()
    assert families.parts(gains) == tuple(gains)


@given(st.lists(GAINS, min_size=3, max_size=12), st.integers(2, 5))
def test_copies_of_a_job_in_its_family_tell_no_more_than_the_job(gains: list[float], copies: int) -> None:
    assert values_of([(n, gain) for n, gain in enumerate(gains) for _ in range(copies)]) == pytest.approx(gains)


def test_a_larger_family_weighs_by_its_jobs() -> None:
    """Three jobs of two families: m = 0.3, and w is 4/3 and 2/3."""
    families = Families.of(["a", "b", "a"])
    assert families.weights == pytest.approx((4 / 3, 2 / 3))
    assert values_of([(0, 0.4), (1, 0.0), (0, 0.5)]) == pytest.approx((0.3 + 4 / 3 * 0.15, 0.3 - 2 / 3 * 0.3))


def table(sizes: list[int], *, rows: int = 2, seed: int = 1, gain: float = 0.0, **parts: float) -> GainTable:
    """Gains that jobs of a family share but for a little."""
    rng = Random(seed)
    keys = [family for family, size in enumerate(sizes) for _ in range(size)]
    found = []
    for _ in range(rows):
        shared = [rng.gauss(gain, 0.2) for _ in sizes]
        found.append([shared[key] + rng.gauss(0, 0.02) for key in keys])
    return GainTable.of_jobs(found, Families.of(keys), **parts)


def test_the_critical_value_of_uneven_families_is_that_of_all_their_sign_vectors() -> None:
    """A family changes sign with all its jobs, and the error of the mean is that of the linearized values."""
    found = table([6, 5, 1, 2, 9, 3, 1, 4], rows=3)

    def t_of(row: tuple[float, ...], signs: tuple[int, ...]) -> float:
        flipped = tuple(sign * part for sign, part in zip(signs, row, strict=True))
        return fmean(flipped) / (stdev(linearized(flipped, found.weights)) / math.sqrt(8))

    largest = sorted(max(t_of(row, signs) for row in found.rows) for signs in product((1, -1), repeat=8))
    assert shared_critical_value(found) == pytest.approx(largest[math.ceil(0.975 * 257) - 1], rel=1e-6)


def test_ten_families_of_ten_jobs_have_the_interval_of_ten_jobs() -> None:
    rng = Random(4)
    gains = [rng.gauss(0.1, 0.2) for _ in range(10)]
    tenfold = GainTable.of_jobs(
        [[gain for gain in gains for _ in range(10)]], Families.of([n // 10 for n in range(100)])
    )
    single, many = GainTable(rows=(tuple(gains),)), GainTable(rows=(tuple(gains) * 10,))
    low, high = gain_bounds(tenfold, 0, shared_critical_value(tenfold))
    assert (low, high) == pytest.approx(gain_bounds(single, 0, shared_critical_value(single)))
    narrow_low, narrow_high = gain_bounds(many, 0, shared_critical_value(many))
    assert high - low > 3 * (narrow_high - narrow_low)


def test_a_family_of_nearly_all_jobs_leaves_the_upper_end_open() -> None:
    """90 of 97 jobs: as much as G / mean(w^2) = 97^2 / 8107 = 1.16 equal families."""
    found = table([90, *[1] * 7], rows=1)
    assert found.student == pytest.approx(t_quantile(97**2 / 8107 - 1, 0.95), rel=1e-6)
    even = table([10] * 8, rows=1)
    assert even.student == pytest.approx(t_quantile(7, 0.95))


def test_the_honest_gain_is_judged_by_whole_families() -> None:
    """No row gains, and the jobs of a family tell of each other which row is good for them."""
    keys = [n // 5 for n in range(60)]
    told: dict[str, list[float]] = {"family": [], "job": []}
    for seed in range(30):
        rng = Random(seed)
        rows = [[shared for _ in range(12) for shared in [rng.gauss(0, 0.2)] * 5] for _ in range(7)]
        for name, families in (("family", keys), ("job", list(range(60)))):
            told[name].append(cross_fitted_gain(GainTable.of_jobs(rows, Families.of(families))).gain)
    assert abs(fmean(told["family"])) < 0.02
    assert fmean(told["job"]) > 0.04


def test_the_honest_gain_weighs_jobs_alike() -> None:
    """One row only, which every part chooses: its gain is the mean over jobs, however uneven the families are."""
    keys = [0] * 9 + [1, 2, 3, 4, 5, 6, 7]
    gains = [0.2] * 9 + [0.9] * 7
    fit = cross_fitted_gain(GainTable.of_jobs([gains], Families.of(keys)))
    assert fit.gain == pytest.approx(fmean(gains))
    assert fit.shares == pytest.approx((1.0,))


def test_the_guard_of_the_honest_gain_counts_the_loss_of_a_job() -> None:
    keys = [0] * 9 + [1, 2, 3, 4, 5, 6, 7]
    gains, losses = (GainTable.of_jobs([[value] * 16], Families.of(keys)) for value in (0.1, -0.05))
    assert cross_fitted_gain(gains, losses, allowed=0.051).shares == pytest.approx((1.0,))
    assert cross_fitted_gain(gains, losses, allowed=0.049).shares == pytest.approx((0.0,))


def test_more_families_are_needed_than_the_same_jobs_apart_would_tell() -> None:
    sizes = [10] * 12
    together = table(sizes, rows=1, gain=0.1)
    needed = units_to_prove(together, 0, distance=0.1, critical=2.2)
    assert needed is not None
    assert needed > 30


def test_the_p_value_of_equal_means_is_that_of_the_analysis_of_variance() -> None:
    rng = Random(2)
    groups = [[rng.gauss(shift, 0.3) for _ in range(size)] for shift, size in ((0.0, 4), (0.2, 7), (0.3, 5), (0.1, 1))]
    values = [value for group in groups for value in group]
    families = Families.of([n for n, group in enumerate(groups) for _ in group])
    assert equal_means_p_value(values, families) == pytest.approx(f_oneway(*groups).pvalue)


@pytest.mark.parametrize(
    ("values", "keys", "p_value"),
    [
        ((0.1, 0.2, 0.3), "aaa", 1.0),
        ((0.1, 0.2, 0.3), "abc", 1.0),
        ((0.1,) * 6, "aabbcc", 1.0),
        ((0.1, 0.1, 0.1 + 1e-16, 0.1), "aabb", 1.0),
        ((0.1, 0.1, 0.3, 0.3), "aabb", 0.0),
    ],
)
def test_without_any_spread_the_means_are_equal_or_they_are_not(
    values: tuple[float, ...], keys: str, p_value: float
) -> None:
    assert equal_means_p_value(values, Families.of(keys)) == p_value
