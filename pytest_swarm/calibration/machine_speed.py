"""How fast the recorded machine was in each case: a machine that does other things drifts, which no profile predicts.

speed = sum of expected seconds / sum of recorded seconds      decoding, of calls beside no other model
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.text_tokens import decode_steps
from pytest_swarm.simulator.models.profile_types import Profile

_LEAST_CASES: Final = 5  # with fewer, tenths of them say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDrift:
    """The machine's speed by case, and the times that are far off, as predicted and at that speed."""

    speeds: tuple[float, ...]
    far: int
    far_at_speed: int

    @property
    def sentence(self) -> str | None:
        """How steady the machine was; None for too few cases."""
        if len(self.speeds) < _LEAST_CASES:
            return None
        tenths = quantiles(self.speeds, n=10, method="inclusive")
        text = f"In 80 % of the cases the recorded machine decoded at {tenths[0]:.2f} to {tenths[-1]:.2f} times"
        text = f"{text} its mean speed."
        if not self.far:
            return text
        return (
            f"{text} Of {self.far} makespans, latencies and loads far off, {self.far_at_speed} still "
            f"{'is' if self.far_at_speed == 1 else 'are'} at the speed of their case."
        )


def joined_drifts(drifts: Sequence[MachineDrift]) -> MachineDrift:
    """Return the drift over the cases of several."""
    return MachineDrift(
        speeds=tuple(speed for each in drifts for speed in each.speeds),
        far=sum(each.far for each in drifts),
        far_at_speed=sum(each.far_at_speed for each in drifts),
    )


def machine_speed(chats: Sequence[RecordedChat], profile: Profile) -> float | None:
    """Return how many times as fast as the profile's mean the machine decoded in a case; None if no call tells.

    Args:
        chats: The answered chats of the recorded case.
        profile: The profile that was measured from the recording.
    """
    expected = recorded = 0.0
    for chat in chats:
        model, tokens, seconds = profile.model(chat.model), chat.reply.completion_tokens, chat.reply.decode_s
        beside = any(each.model != chat.model and each.exchange.overlaps(chat.exchange) for each in chats)
        if model is None or not tokens or not decode_steps(tokens) or not seconds or beside:
            continue
        expected += decode_steps(tokens) / model.spec.decode_tokens_per_s
        recorded += seconds
    return expected / recorded if recorded else None
