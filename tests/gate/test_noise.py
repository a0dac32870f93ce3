"""The noise between runs of the same state."""

from __future__ import annotations

import pytest

from pytest_swarm.gate.noise import noise_of
from pytest_swarm.gate.pairing import RunCases
from tests.gate.runs import case


def test_the_floor_is_what_two_runs_tell_apart() -> None:
    """Means 0.5, 0.6 and 0.7: a standard deviation of 0.1, and (1.96 + 0.84) * sqrt(2) of it."""
    runs = [RunCases(cases=(case("a", [mean]),)) for mean in (0.5, 0.6, 0.7)]
    (row,) = noise_of(runs, metrics=("score",))
    assert (row.mean, row.deviation) == (pytest.approx(0.6), pytest.approx(0.1))
    assert row.floor == pytest.approx(2.8016 * 2**0.5 * 0.1, rel=1e-3)


def test_a_difference_of_rounding_is_no_noise() -> None:
    runs = [RunCases(cases=(case("a", [mean]),)) for mean in (0.3, 0.3 * (1 + 1e-11))]
    (row,) = noise_of(runs, metrics=("score",))
    assert (row.deviation, row.floor) == (0.0, 0.0)


def test_only_cases_of_all_runs_are_compared() -> None:
    runs = [RunCases(cases=(case("a", [0.5]), case("b", [0.9]))), RunCases(cases=(case("a", [0.5]),))]
    (row,) = noise_of(runs, metrics=("score",))
    assert (row.mean, row.floor) == (0.5, 0.0)
    assert noise_of(runs, metrics=("energy_j",)) == []
