"""Means with intervals clustered by job."""

from __future__ import annotations

import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.statistics.intervals import clustered_mean, t_quantile


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062047), (2, 4.30265273), (3, 3.18244631), (10, 2.22813885), (99, 1.98421695), (1000, 1.96233908)],
)
def test_t_quantile_agrees_with_printed_tables(freedom: int, expected: float) -> None:
    assert t_quantile(freedom, 0.95) == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("freedom", [1, 2, 7, 200, 10**6])
def test_t_quantile_is_that_of_scipy_stats(freedom: int, confidence: float) -> None:
    from scipy.stats import t

    low, high = t.interval(confidence, freedom)
    assert (-low, high) == pytest.approx((t_quantile(freedom, confidence),) * 2, rel=1e-9)


def test_t_quantile_falls_with_the_degrees_of_freedom() -> None:
    values = [t_quantile(freedom, 0.95) for freedom in range(1, 260)]
    assert values == sorted(values, reverse=True)


def test_one_value_per_cluster_is_the_textbook_t_interval() -> None:
    values = [0.1, 0.3, 0.2, 0.6, 0.4]
    found = clustered_mean(enumerate(values))
    assert found is not None
    half = t_quantile(4, 0.95) * statistics.stdev(values) / 5**0.5
    assert (found.low, found.high) == (pytest.approx(0.32 - half), pytest.approx(0.32 + half))


def test_copies_of_a_cluster_do_not_narrow_the_interval() -> None:
    rows = [("a", 0.1), ("b", 0.3), ("c", 0.8)]
    once, many = clustered_mean(rows), clustered_mean(rows * 50)
    assert once is not None
    assert many is not None
    assert (many.low, many.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert (many.samples, many.clusters) == (150, 3)


def test_one_cluster_has_a_mean_and_says_why_it_has_no_interval() -> None:
    found = clustered_mean([("a", 0.0), ("a", 1.0)])
    assert found is not None
    assert (found.mean, found.low, found.high) == (0.5, None, None)
    assert found.note == "one workflow only: no interval over workflows can be given"


def test_equal_figures_give_no_interval_rather_than_one_of_no_width() -> None:
    found = clustered_mean([("a", 0.1 + 0.2), ("b", 0.3)])
    assert found is not None
    assert found.low is None
    assert found.excludes_zero is False


def test_no_values_is_none() -> None:
    assert clustered_mean([]) is None


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    """Five clusters of three values, a cluster effect and noise: coverage of the true mean 0 over 2,000 draws."""
    rng = Random(1)
    covered = 0
    for _ in range(2000):
        rows = [(job, effect + rng.gauss(0, 1)) for job in range(5) for effect in [rng.gauss(0, 1)] for _ in range(3)]
        found = clustered_mean(rows)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
    assert 0.935 <= covered / 2000 <= 0.965


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-1, 1)), min_size=1, max_size=40))
def test_the_mean_lies_within_its_interval(rows: list[tuple[int, float]]) -> None:
    found = clustered_mean(rows)
    assert found is not None
    if found.low is not None and found.high is not None:
        assert found.low <= found.mean <= found.high
