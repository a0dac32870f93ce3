"""Means with intervals clustered by job."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.statistics.bootstrap import cluster_weights, interval_over_rows
from pytest_swarm.statistics.intervals import Interval, clustered_mean, t_quantile


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


def scored(rows: Iterable[tuple[object, float]]) -> Interval | None:
    return clustered_mean(rows, low=0.0, high=1.0)


def test_clusters_that_agree_have_the_exact_interval_of_a_share() -> None:
    """Ten workflows that are all right: a rule of three, 0.025^(1/10)."""
    found = scored((n, 1.0) for n in range(10))
    assert found is not None
    assert found.low == pytest.approx(0.025**0.1, abs=0.005)
    assert found.high == pytest.approx(1.0)


def test_many_clusters_have_nearly_the_normal_interval() -> None:
    values = [0.1, 0.3, 0.2, 0.6, 0.4] * 200
    found = scored(enumerate(values))
    assert found is not None
    half = 1.96 * statistics.stdev(values) / 1_000**0.5
    assert (found.low, found.high) == (pytest.approx(0.32 - half, abs=2e-3), pytest.approx(0.32 + half, abs=2e-3))


def test_copies_of_a_cluster_do_not_narrow_the_interval() -> None:
    rows = [(n, n / 10) for n in range(8)]
    once, many = scored(rows), scored(rows * 50)
    assert once is not None
    assert many is not None
    assert (many.low, many.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert (many.samples, many.clusters) == (400, 8)


@pytest.mark.parametrize(("clusters", "name"), [(1, "1 workflow"), (3, "3 workflows"), (5, "5 workflows")])
def test_few_clusters_have_a_mean_and_say_why_they_have_no_interval(clusters: int, name: str) -> None:
    found = scored((n % clusters, n / 10) for n in range(10))
    assert found is not None
    assert (found.low, found.high) == (None, None)
    assert found.note == f"{name}; an interval needs 6"
    assert found.excludes_zero is False


def test_no_values_is_none() -> None:
    assert scored([]) is None


@pytest.mark.parametrize("chance", [0.5, 0.97])
def test_the_interval_covers_the_truth_at_least_95_times_in_100(chance: float) -> None:
    """Nine workflows of three tasks, each workflow with a chance of its own around `chance`, over 400 draws."""
    rng = Random(1)
    covered = 0
    for _ in range(400):
        rows = []
        for job in range(9):
            own = rng.betavariate(20 * chance, 20 * (1 - chance))
            rows += [(job, sum(rng.random() < own for _ in range(3)) / 3) for _ in range(2)]
        found = scored(rows)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= chance <= found.high
    assert covered / 400 >= 0.95


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), min_size=1, max_size=40))
def test_the_mean_lies_within_its_interval(rows: list[tuple[int, float]]) -> None:
    found = scored(rows)
    assert found is not None
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.mean + 1e-9
        assert found.mean - 1e-9 <= found.high <= 1


def test_a_statistic_without_a_value_in_many_draws_has_no_interval() -> None:
    rows = [float(row @ np.arange(10)) for row in cluster_weights(10)]
    assert interval_over_rows(rows, clusters=10) is not None
    missing = [None if n % 10 == 3 else value for n, value in enumerate(rows)]
    assert interval_over_rows(missing, clusters=10) is None
    assert interval_over_rows([1.0], clusters=4) is None


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "may_exceed"),
    [
        (0.1, 0.3, True, False, True),
        (-0.1, 0.3, False, False, True),
        (-0.3, -0.1, False, True, False),
        (0.0, 0.0, False, False, False),
        (None, -0.1, False, True, False),
        (None, 0.3, False, False, True),
        (0.1, None, True, False, True),
        (None, None, False, False, True),
    ],
)
def test_an_interval_says_which_way_it_is_decided(
    low: float | None, high: float | None, above: bool, below: bool, may_exceed: bool
) -> None:
    found = Interval(mean=0.0, low=low, high=high, samples=8, clusters=8)
    assert (found.is_above_zero, found.is_below_zero, found.may_exceed(0.0)) == (above, below, may_exceed)
    assert found.excludes_zero is (above or below)
    assert found.bounds == (None if None in (low, high) else (low, high))
