"""Tests from scipy.stats that the gate uses: the exact sign test, and false-discovery control over many tests."""

from __future__ import annotations

from collections.abc import Sequence


def sign_test(up: int, down: int) -> float:
    """Return the one-sided p-value of the exact sign test: P(at least `up` of up + down | both equally likely).

    Args:
        up: Number of differences in the direction that is tested for.
        down: Number of differences in the other direction. Ties are in neither number.

    Returns:
        The p-value; 1 where nothing moved.
    """
    if up + down == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(up, up + down, 0.5, alternative="greater").pvalue)


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
