"""The sign test and false-discovery control."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_swarm.statistics.exact_tests import reject_false_discoveries

P_VALUES = st.lists(st.floats(0, 1), max_size=30)


def test_benjamini_hochberg_on_the_authors_own_example() -> None:
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    p_values += [0.6528, 0.7590, 1.0]
    assert sum(reject_false_discoveries(p_values, rate=0.05)) == 4
    assert reject_false_discoveries([], rate=0.05) == []


def test_a_p_value_of_just_the_rate_is_rejected() -> None:
    assert reject_false_discoveries([0.25], rate=0.25) == [True]
    assert reject_false_discoveries([0.25, 0.125], rate=0.25) == [True, True]


@settings(deadline=None)  # the first call imports scipy.stats
@given(P_VALUES, st.floats(0.001, 0.5))
def test_benjamini_hochberg_is_the_step_up_procedure(p_values: list[float], rate: float) -> None:
    """Reject the k smallest, for the largest k with p_(k) <= rate k / n."""
    ordered = sorted(p_values)
    n = len(ordered)
    slack = 1 + 1e-9
    at_most = max((k for k, p in enumerate(ordered, start=1) if p <= rate * k / n * slack), default=0)
    at_least = max((k for k, p in enumerate(ordered, start=1) if p * slack <= rate * k / n), default=0)
    assert at_least <= sum(reject_false_discoveries(p_values, rate=rate)) <= max(at_most, ordered.count(0.0))
