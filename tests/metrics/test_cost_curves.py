"""AIQ, APGR and CPT of curves whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.metrics.cost_curves import Point, Range, aiq, apgr, cpt, upper_hull

WEAK, STRONG = Point(1.0, 0.4), Point(5.0, 0.8)
SPAN = Range.of({"weak": WEAK, "strong": STRONG})
COSTS = st.integers(0, 10**7).map(
    lambda millionths: millionths / 10**6
)  # closer ones are alike to the references below
POINTS = st.lists(st.builds(Point, COSTS, st.floats(0, 1)), min_size=1, max_size=8)


def span() -> Range:
    assert SPAN is not None
    return SPAN


def test_a_random_mixture_of_weak_and_strong_recovers_half_of_the_gap() -> None:
    mixture = [Point(1 + 4 * share, 0.4 + 0.4 * share) for share in (0.0, 0.2, 0.5, 0.9, 1.0)]
    assert apgr(mixture, span()) == pytest.approx(0.5)
    assert cpt(mixture, span(), share=0.5) == pytest.approx(0.5)
    assert aiq(mixture, span()) == pytest.approx(0.6)


def test_a_router_that_is_never_run_is_the_line_between_both() -> None:
    assert apgr([], span()) == pytest.approx(0.5)
    assert cpt([], span(), share=0.5) == pytest.approx(0.5)


def test_a_router_by_hand() -> None:
    curve = [Point(2.0, 0.6), Point(3.0, 0.8)]  # (0.25, 0.5) and (0.5, 1)
    assert apgr(curve, span()) == pytest.approx(0.25 * 0.25 + 0.25 * 0.75 + 0.5 * 1.0)
    assert cpt(curve, span(), share=0.5) == pytest.approx(0.25)
    assert cpt(curve, span(), share=0.75) == pytest.approx(0.375)
    assert aiq(curve, span()) == pytest.approx((1 * 0.5 + 1 * 0.7 + 2 * 0.8) / 4)


def test_a_router_below_the_mixture_is_judged_as_it_is_by_apgr_and_by_its_hull_in_aiq() -> None:
    curve = [Point(3.0, 0.4)]  # (0.5, 0)
    assert apgr(curve, span()) == pytest.approx(0.25)
    assert cpt(curve, span(), share=0.5) == pytest.approx(0.75)
    assert aiq(curve, span()) == pytest.approx(0.4)


def test_two_points_of_one_cost_count_with_their_mean() -> None:
    assert apgr([Point(3.0, 0.4), Point(3.0, 0.8)], span()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "singles",
    [{}, {"a": Point(1, 0.5)}, {"a": Point(1, 0.5), "b": Point(1, 0.7)}, {"a": Point(0, 0.1), "b": Point(0, 0.2)}],
)
def test_without_two_models_of_different_cost_there_is_no_range(singles: dict[str, Point]) -> None:
    assert Range.of(singles) is None


def test_where_the_cheapest_model_is_the_best_there_is_no_gap() -> None:
    found = Range.of({"a": Point(1, 0.9), "b": Point(2, 0.5)})
    assert found is not None
    assert (found.weak, found.strong) == ("a", "a")
    assert apgr([], found) is None
    assert cpt([], found, share=0.5) is None
    assert aiq([], found) == pytest.approx(0.9)


@given(POINTS)
def test_the_hull_is_the_best_mixture_of_at_most_a_cost(points: list[Point]) -> None:
    hull = upper_hull(points)
    costs, scores = [each.cost for each in hull], [each.score for each in hull]
    assert costs == sorted(costs)
    assert scores == sorted(scores)
    for cost in (each.cost for each in points):
        best = 0.0
        for a in points:
            for b in points:
                if a.cost <= cost <= b.cost:
                    share = 0.0 if b.cost - a.cost < 1e-9 else (cost - a.cost) / (b.cost - a.cost)
                    best = max(best, a.score, a.score + share * (b.score - a.score))
        assert float(np.interp(cost, costs, scores)) == pytest.approx(best, abs=1e-6)


@given(POINTS)
def test_aiq_is_the_mean_of_the_hull_over_the_costs_of_the_single_models(points: list[Point]) -> None:
    hull = upper_hull([*points, WEAK])
    grid = np.linspace(1.0, 5.0, 40_001)
    heights = np.interp(grid, [each.cost for each in hull], [each.score for each in hull])
    assert aiq(points, span()) == pytest.approx(float(heights.mean()), abs=1e-3)
