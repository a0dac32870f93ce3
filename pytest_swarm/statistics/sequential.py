"""Tests that hold while repeats are still coming in: bets on signs, valid however the decision to stop was made.

Where nothing changed, a paired difference d is as likely as -d, whatever its size and whatever came before. So
2 / (1 + exp(-2 b d)) = exp(b d) / cosh(b d) has mean 1, and the product over pairs, averaged over several b, is the
wealth of somebody who bets on "more is worse": a martingale that starts at 1. By Ville's inequality it ever reaches 1/a
with a chance of at most a, so it may be looked at after every repeat, and a series may be stopped once it is clear.

Sources: de la Pena, Ann. Probab. 27 (1999) 537 (symmetric differences); Ramdas, Grunwald, Vovk and Shafer, Stat. Sci.
38 (2023) 576 (e-processes, Ville); Wang and Ramdas, JRSS B 84 (2022) 822 (e-BH); Waudby-Smith and Ramdas, JRSS B 86
(2024) 1 (mixing bets, confidence sequences by inversion).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

from pytest_swarm.statistics.sign_flips import POWER, Effect, Units, paired_effect

BETS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Per scale of a difference: the best bet on differences of size d is somewhat above 1/d, and scores, whose scale is 1,
move by 1/64 to 1. Other metrics are scaled by their spread."""
QUIET: Final = 6
"""Pairs without any difference after which a series counts as quiet: a chance of 40 % to differ is excluded at 95 %."""
_BISECTIONS: Final = 50
_FEW: Final = 64  # up to here numpy costs more than it saves


def log_wealth(differences: Sequence[float], *, scale: float = 1.0) -> float:
    """Return ln of the evidence that the differences are above 0; 0 where there are none.

    The evidence is the mean over BETS of prod 2 / (1 + exp(-2 b d / scale)). It is kept as a logarithm, because it can
    be too large or too small for a float.

    Args:
        differences: Paired differences.
        scale: The size of a large difference, above 0.
    """
    logs = _log_wealth([difference / scale for difference in differences])
    top = max(logs)
    return top + math.log(math.fsum(math.exp(each - top) for each in logs) / len(BETS))


def stopping_reason(losses: Sequence[float], *, level: float, scale: float = 1.0) -> str | None:
    """Return why no further repeat is needed; None while it is undecided.

    Args:
        losses: Paired differences in the order of the repeats, above 0 for a loss.
        level: One-sided level, in (0, 1).
        scale: The size of a large difference, above 0.
    """
    if log_wealth(losses, scale=scale) >= -math.log(level):
        return "clearly worse"
    if log_wealth([-loss for loss in losses], scale=scale) >= -math.log(level):
        return "clearly better"
    if len(losses) >= QUIET and not any(losses):
        return f"no difference in {len(losses)} repeats"
    return None


def sequential_p_values(losses: Sequence[float], *, scale: float = 1.0) -> tuple[float, float]:
    """Return (p_down, p_up) = 1 / wealth: valid p-values at any time; Benjamini-Hochberg over them is e-BH.

    Args:
        losses: Paired differences in the order of the repeats, above 0 for a loss.
        scale: The size of a large difference, above 0.
    """
    down, up = (log_wealth([sign * loss for loss in losses], scale=scale) for sign in (-1, 1))
    return math.exp(min(0.0, -down)), math.exp(min(0.0, -up))


def sequential_effect(units: Units, *, level: float, scale: float = 1.0) -> Effect:
    """Return `paired_effect` for repeats that came one after the other: p = 1 / wealth, and a confidence sequence.

    The interval holds every shift against which the wealth has stayed below 1 / level.

    Args:
        units: Contributions of the units to the mean difference, in the order in which they were measured.
        level: One-sided level, in (0, 1).
        scale: The size of a large difference, above 0.
    """
    fixed = paired_effect(units, level=level)
    plain = [each / scale for each in units.plain]
    p_down, p_up = sequential_p_values(plain)
    enough = -math.log(level)
    low = _bound(lambda shift: log_wealth([d - shift for d in plain]) >= enough, plain)
    high = _bound(lambda shift: log_wealth([-d - shift for d in plain]) >= enough, [-d for d in plain])
    return replace(
        fixed,
        p_down=p_down,
        p_up=p_up,
        low=None if low is None else scale * low,
        high=None if high is None else -scale * high,
    )


def price_of_looking(level: float) -> float:
    """Return by which factor the detectable effect is larger than that of a fixed number of repeats."""
    z = NormalDist().inv_cdf
    return (math.sqrt(2 * math.log(2 / level)) + z(POWER)) / (z(1 - level) + z(POWER))


def _log_wealth(differences: Sequence[float]) -> list[float]:
    """ln of the product, for each bet."""
    if len(differences) <= _FEW:
        return [math.fsum(_log_growth(bet * d) for d in differences) for bet in BETS]
    import numpy as np

    stakes = np.outer(BETS, np.asarray(differences, dtype=np.float64))
    logs: list[float] = (math.log(2) - np.logaddexp(0.0, -2 * stakes)).sum(axis=1).tolist()
    return logs


def _log_growth(stake: float) -> float:
    """ln(2 / (1 + exp(-2 stake))), without overflow."""
    if stake >= 0:
        return math.log(2) - math.log1p(math.exp(-2 * stake))
    return math.log(2) + 2 * stake - math.log1p(math.exp(2 * stake))


def _bound(rejected: Callable[[float], bool], values: Sequence[float]) -> float | None:
    """The largest shift that is rejected from below, by bisection; None where even the smallest value is not."""
    low, high = min(values) - 1.0, max(values)
    if not rejected(low):
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low
