"""How much slower a model computes while another one does, and the times that its calls would have had alone.

    time beside others = time alone * (1 + (slowdown - 1) * share)     share: of that time in which others computed

A call computes from the beginning of its prefill to its end. Before that it waits or loads, which costs others nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.text_tokens import decode_steps

_BESIDE: Final = 0.8  # of its time: so much of a call beside others tells the slowdown
_ALONE: Final = 0.05  # so little does not count
_LEAST_CALLS: Final = 3  # beside others; fewer tell nothing
_LEAST_SLOWDOWN: Final = 1.1  # less is how much equal calls differ


@dataclass(frozen=True, slots=True, kw_only=True)
class AloneTimes:
    """The chats of one model with the times that they would have had alone, and how much slower it is beside others.

    `slowdown` is None where the recording does not tell, or shows none; the times are then as they were recorded.
    """

    slowdown: float | None
    chats: tuple[RecordedChat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interval:
    start_s: float
    end_s: float
    model: int

    def share(self, others: Iterable[_Interval]) -> float:
        """Return the mean number of calls of other models that computed at the same time."""
        length = self.end_s - self.start_s
        common = (
            min(self.end_s, each.end_s) - max(self.start_s, each.start_s) for each in others if each.model != self.model
        )
        return sum(max(0.0, each) for each in common) / length if length > 0 else 0.0


def alone_times(models: Sequence[Sequence[RecordedChat]]) -> tuple[AloneTimes, ...]:
    """Return, for each model, its slowdown beside others and its chats with their times alone.

    Args:
        models: All chats of each model.
    """
    busy: dict[int, list[_Interval]] = defaultdict(list)
    for number, chats in enumerate(models):
        for chat in chats:
            busy[id(chat.take)] += [_Interval(start_s=a, end_s=b, model=number) for a, b in _phases(chat)]
    found = []
    for number, chats in enumerate(models):
        shares = [
            tuple(_Interval(start_s=a, end_s=b, model=number).share(busy[id(chat.take)]) for a, b in _phases(chat))
            for chat in chats
        ]
        slowdown = _slowdown(chats, shares)
        alone = [_alone(chat, share, slowdown or 1.0) for chat, share in zip(chats, shares, strict=True)]
        found.append(AloneTimes(slowdown=slowdown, chats=tuple(alone)))
    return tuple(found)


def _phases(chat: RecordedChat) -> tuple[tuple[float, float], ...]:
    """Return when the chat's prefill and its decoding began and ended; empty where the reply does not tell."""
    reply = chat.reply
    if not reply.prefill_s or not reply.decode_s:
        return ()
    end_s = chat.exchange.ended_s
    decode_start_s = end_s - reply.decode_s
    return (decode_start_s - reply.prefill_s, decode_start_s), (decode_start_s, end_s)


def _slowdown(chats: Sequence[RecordedChat], shares: Sequence[tuple[float, ...]]) -> float | None:
    """Return the median of how much longer the phases of calls beside others took than by the speeds of those alone."""
    ratios = []
    for phase in (0, 1):
        speeds = [
            (speed, share[phase])
            for chat, share in zip(chats, shares, strict=True)
            if share and (speed := _speed(chat, phase))
        ]
        alone = [speed for speed, share in speeds if share < _ALONE]
        ratios += [median(alone) / speed for speed, share in speeds if share > _BESIDE] if alone else []
    if len(ratios) < 2 * _LEAST_CALLS:
        return None
    slowdown = median(ratios)
    return slowdown if slowdown > _LEAST_SLOWDOWN else None


def _speed(chat: RecordedChat, phase: int) -> float:
    """Return the tokens per second of prefill (0) or decoding (1); 0 for a reply of one token."""
    reply = chat.reply
    steps = decode_steps(reply.completion_tokens or 0)
    tokens, seconds = ((chat.tokens_read, reply.prefill_s), (steps, reply.decode_s))[phase]
    return (tokens or 0) / (seconds or 1.0)


def _alone(chat: RecordedChat, shares: tuple[float, ...], slowdown: float) -> RecordedChat:
    if not shares or slowdown <= 1 or chat.reply.prefill_s is None or chat.reply.decode_s is None:
        return chat
    prefill, decode = (1 + (slowdown - 1) * share for share in shares)
    reply = replace(chat.reply, prefill_s=chat.reply.prefill_s / prefill, decode_s=chat.reply.decode_s / decode)
    return replace(chat, reply=reply)
