"""The interval of a ratio of two means of the same units, by Fieller's theorem. Numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_swarm.statistics.intervals import CONFIDENCE, t_quantile


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of mean(above) / mean(below); None where the data allow any ratio from some size on.

    A ratio r is in it where the mean of above - r below is within t standard errors of 0 (Fieller, *JRSS B* 16 (1954)
    175). That is a r^2 - 2 b r + c <= 0 with a = m_b^2 - t^2 s_bb / n, b = m_a m_b - t^2 s_ab / n and
    c = m_a^2 - t^2 s_aa / n; the set is an interval where a > 0, which is where mean(below) differs from 0.

    Args:
        above: One value per unit.
        below: One value per unit, in the same order.
    """
    units = len(above)
    if units < 2:
        return None
    t = t_quantile(units - 1, CONFIDENCE)
    mean_above, mean_below = math.fsum(above) / units, math.fsum(below) / units
    pairs = [(a - mean_above, b - mean_below) for a, b in zip(above, below, strict=True)]
    share = t**2 / (units * (units - 1))
    a = mean_below**2 - share * math.fsum(y * y for _, y in pairs)
    b = mean_above * mean_below - share * math.fsum(x * y for x, y in pairs)
    c = mean_above**2 - share * math.fsum(x * x for x, _ in pairs)
    if a <= 0:
        return None
    root = math.sqrt(max(0.0, b * b - a * c))
    return (b - root) / a, (b + root) / a
