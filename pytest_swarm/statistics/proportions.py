"""Intervals of shares: Wilson's, and the exact one of Clopper and Pearson (without an event, a rule of three)."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(events: float, trials: float, *, level: float) -> tuple[float, float]:
    """Return the score interval of a share (Wilson, JASA 22 (1927) 209), inside [0, 1].

    Args:
        events: How often it happened.
        trials: In how many trials, above 0.
        level: Probability that is left out on each side.
    """
    z = NormalDist().inv_cdf(1 - level)
    share = events / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def exact_interval(events: int, trials: int, *, level: float) -> tuple[float, float]:
    """Return the interval of a share of Clopper and Pearson (Biometrika 26 (1934) 404).

    Each end is wrong with a chance of at most `level`. Without an event the upper end is 1 - level^(1/trials), about
    3 / trials at 5 %: the rule of three.
    """
    from scipy.special import betaincinv

    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, level))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - level))
    return low, high
