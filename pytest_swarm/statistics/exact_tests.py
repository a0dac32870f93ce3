"""Tests from scipy.stats that the gate uses: false-discovery control over many tests, and Fisher's exact test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def reject_false_discoveries(p_values: Sequence[float], *, rate: float) -> list[bool]:
    """Return which hypotheses to reject so that at most `rate` of the rejections are false.

    Args:
        p_values: One p-value for each hypothesis, in [0, 1].
        rate: False discovery rate, in [0, 1].

    Returns:
        One flag for each hypothesis, by Benjamini and Hochberg (JRSS B 57 (1995) 289).
    """
    if not p_values:
        return []
    if min(p_values) > rate:  # nothing can be rejected: spare the import
        return [False] * len(p_values)
    from scipy.stats import false_discovery_control

    return [bool(adjusted <= rate) for adjusted in false_discovery_control(p_values)]


def fisher_in_strata(tables: Iterable[tuple[int, int, int, int]]) -> float:
    """Return the one-sided p-value of Fisher's exact test over strata: of so many events now, or more.

    Given how many events each stratum had on both sides together, the events now follow a hypergeometric distribution
    in each stratum where nothing changed; their sum is the convolution (Gart, Biometrika 57 (1970) 471). One stratum
    makes it the test of Fisher.

    Args:
        tables: (events before, units before, events now, units now) of each stratum.

    Returns:
        The p-value; 1 where there were no events.
    """
    import numpy as np
    from scipy.stats import hypergeom

    chance = np.ones(1)
    seen = 0
    for events_before, units_before, events_now, units_now in tables:
        seen += events_now
        events = events_before + events_now
        if events and units_before and units_now:
            counts = np.arange(min(events, units_now) + 1)
            chance = np.convolve(chance, hypergeom.pmf(counts, units_before + units_now, events, units_now))
        elif units_now:
            seen -= events_now  # one side only: nothing to compare
    return min(1.0, float(chance[max(0, seen) :].sum()))
