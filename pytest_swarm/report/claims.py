"""What the data support of a comparison: one claim, which every text and drawing words in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from pytest_swarm.metrics.comparison import Comparison

Tone: TypeAlias = Literal["good", "bad", "open", "plain"]
"""How a sentence is colored."""
_SAME: Final = 0.01  # an interval within +-1 point of score: the modes are the same for every practical purpose


class Claim(Enum):
    """What may be said of a mode against its reference, by score."""

    UNPAIRED = "no pair of jobs has a score under both"
    SAME = "the whole interval lies within one point of score"
    EQUAL = "the same score in every pair; of other workflows less is known, or nothing"
    OPEN = "a difference that may be chance: its interval includes zero, or there is none"
    BETTER = "the whole interval is above zero"
    WORSE = "the whole interval is below zero"


TONES: Final[Mapping[Claim, Tone]] = MappingProxyType(
    {
        Claim.UNPAIRED: "open",
        Claim.SAME: "plain",
        Claim.EQUAL: "plain",
        Claim.OPEN: "open",
        Claim.BETTER: "good",
        Claim.WORSE: "bad",
    }
)


def claim_of(c: Comparison) -> Claim:
    """Return what the data support of a comparison, seen from its mode."""
    found = c.difference
    if found is None:
        return Claim.UNPAIRED
    if found.reach is not None and found.reach <= _SAME:
        return Claim.SAME
    if c.jobs_won == c.jobs_lost == 0:
        return Claim.EQUAL
    if found.is_above_zero:
        return Claim.BETTER
    return Claim.WORSE if found.is_below_zero else Claim.OPEN
