"""Wilson's interval of a rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.calibration.accuracy import wilson_interval


@pytest.mark.parametrize(
    ("right", "scored", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 5, 0.5655, 1.0), (8, 10, 0.4902, 0.9433), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_interval(right: int, scored: int, low: float, high: float) -> None:
    assert wilson_interval(right, scored) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_interval_contains_the_rate_and_stays_in_range(scored: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, scored))
    low, high = wilson_interval(right, scored)
    rounding = 1e-12
    assert 0 <= low <= right / scored + rounding
    assert right / scored - rounding <= high <= 1
    assert low < high
