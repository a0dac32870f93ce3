"""Fieller's interval: exact where nothing varies, right in 95 % of samples, none where the denominator may be 0."""

from __future__ import annotations

from random import Random

import pytest

from pytest_swarm.statistics.intervals import ratio_interval


def test_the_interval_of_units_that_agree_is_their_ratio() -> None:
    assert ratio_interval([2.0] * 5, [4.0] * 5) == (0.5, 0.5)
    found = ratio_interval([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert found == pytest.approx((0.5, 0.5), abs=1e-6)


def test_a_denominator_that_may_be_nothing_has_no_interval() -> None:
    assert ratio_interval([1.0, 1.1, 0.9], [1.0, -1.0, 0.5]) is None
    assert ratio_interval([1.0], [1.0]) is None


def test_the_interval_is_where_the_difference_is_within_t_standard_errors() -> None:
    """Against the t test of above - r below at both ends, by scipy."""
    from scipy.stats import ttest_1samp

    draw = Random(4)
    above, below = [draw.gauss(3, 1) for _ in range(12)], [draw.gauss(2, 0.5) for _ in range(12)]
    found = ratio_interval(above, below)
    assert found is not None
    for ratio in found:
        test = ttest_1samp([a - ratio * b for a, b in zip(above, below, strict=True)], 0.0)
        assert test.pvalue == pytest.approx(0.05, abs=1e-9)


def test_it_covers_the_true_ratio_in_about_95_of_100_samples() -> None:
    draw, inside, samples = Random(1), 0, 1000
    for _ in range(samples):
        below = [draw.gauss(2, 1) for _ in range(20)]
        above = [0.5 * each + draw.gauss(0, 0.5) for each in below]
        found = ratio_interval(above, below)
        inside += found is None or found[0] <= 0.5 <= found[1]
    assert 0.93 <= inside / samples <= 0.97
