"""CVXPY is imported without scipy.stats, and whoever needs scipy.stats gets the real one."""

from __future__ import annotations

import math
import sys

import pytest

from pytest_swarm.routing.cvxpy_import import late_stats


@pytest.fixture(autouse=True)
def without_stats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not imported scipy.stats."""
    monkeypatch.delitem(sys.modules, "scipy.stats", raising=False)


def test_the_function_that_cvxpy_takes_imports_scipy_stats_when_it_is_called() -> None:
    with late_stats():
        from scipy.stats import entropy
    assert "scipy.stats" not in sys.modules
    assert entropy([0.5, 0.5]) == pytest.approx(math.log(2))
    assert sys.modules["scipy.stats"].norm.cdf(0.0) == 0.5


def test_anything_else_that_is_taken_of_it_is_the_real_thing_at_once() -> None:
    with late_stats():
        from scipy.stats import norm
    assert norm.cdf(0.0) == 0.5
    assert sys.modules["scipy.stats"].norm is norm


def test_scipy_stats_that_was_imported_before_stays() -> None:
    import scipy.stats

    with late_stats():
        assert sys.modules["scipy.stats"] is scipy.stats
    assert sys.modules["scipy.stats"] is scipy.stats
