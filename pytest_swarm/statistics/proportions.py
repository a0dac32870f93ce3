"""The exact interval of a share; without an event it is a rule of three."""

from __future__ import annotations


def exact_interval(events: int, trials: int, *, level: float) -> tuple[float, float]:
    """Return the interval of a share of Clopper and Pearson (Biometrika 26 (1934) 404).

    Each end is wrong with a chance of at most `level`. Without an event the upper end is 1 - level^(1/trials), about
    3 / trials at 5 %: the rule of three.
    """
    from scipy.special import betaincinv

    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, level))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - level))
    return low, high
