"""How a recorded server read its prompts: what it had in its prompt cache, and which prompts stalled.

A rule of the cache is found from the time that it took to read the prompts:

    error = sum over calls of | log speed - median log speed of the take |      speed = evaluated tokens / prefill_s

Evaluated tokens are those that a rule of the cache leaves. The rule with the least error counts; none where no rule is
clearly better than reading every prompt whole. Machines drift from case to case, so calls of one take are compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.prompt_speed import prompt_speed
from pytest_swarm.simulator.server.prefix_cache import PrefixCache, PrefixReuse

_CLEARLY_BETTER: Final = 0.95  # of the error without a cache: what a rule must come below


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptReading:
    """How a model reads prompts, and its chats with the tokens that it evaluated. `reuse` None: it reads them whole."""

    reuse: PrefixReuse | None
    chats: tuple[RecordedChat, ...]


def prompt_reading(chats: Sequence[RecordedChat]) -> PromptReading:
    """Return which rule of the prompt cache explains the prefill times of a model best.

    Args:
        chats: All chats of one model, in the order of their takes.
    """
    whole = PromptReading(reuse=None, chats=tuple(chats))
    best, least = whole, _CLEARLY_BETTER * _error(whole.chats)
    for reuse in PrefixReuse:
        found = tuple(_evaluated(chats, reuse))
        error = _error(found)
        if error < least:
            best, least = PromptReading(reuse=reuse, chats=found), error
    return best


def _evaluated(chats: Sequence[RecordedChat], reuse: PrefixReuse) -> list[RecordedChat]:
    """Return the chats with their evaluated tokens; those of one residency share a cache, in order of their ends."""
    caches: dict[tuple[int, int], PrefixCache] = {}
    evaluated: dict[int, int] = {}
    for place, chat in sorted(enumerate(chats), key=lambda each: each[1].exchange.ended_s):
        cache = caches.setdefault((id(chat.take), chat.residency), PrefixCache(1, reuse))
        prompt = cache.read(chat.messages, chat.reply.prompt_tokens or 1)
        evaluated[place] = prompt.evaluated
        prompt.end(chat.reply.text)
    return [replace(chat, evaluated_tokens=evaluated[place]) for place, chat in enumerate(chats)]


def _error(chats: Sequence[RecordedChat]) -> float:
    """Return how much the speeds of prefill differ within the takes."""
    takes: dict[int, list[float]] = defaultdict(list)
    for chat in chats:
        if chat.tokens_read and chat.reply.prefill_s:
            takes[id(chat.take)].append(math.log(chat.tokens_read / chat.reply.prefill_s))
    return sum(abs(speed - median(speeds)) for speeds in takes.values() for speed in speeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyPrompts:
    """The chats of one model, where those whose prompt stalled do not tell how long it took to read it.

    `tokens_per_s` is the usual speed of reading; None if no call tells. `stalled` prompts took `lost_s` seconds more
    than at that speed, all together. `mixed` prompts are as slow beside the others, and too many to have stalled: some
    were in a cache that no rule explains, or the server was slow most of the time. They count in the speed.
    """

    chats: tuple[RecordedChat, ...]
    tokens_per_s: float | None
    stalled: int = 0
    mixed: int = 0
    lost_s: float = 0.0


def steady_prompts(chats: Iterable[RecordedChat]) -> SteadyPrompts:
    """Return the chats of one model without the times of prompts that stalled.

    Args:
        chats: Its chats, with the tokens that were evaluated of each prompt.
    """
    found = tuple(chats)
    read = [(chat.tokens_read or 0, chat.reply.prefill_s or 0.0) for chat in found]
    known = [(tokens, seconds) for tokens, seconds in read if tokens and seconds]
    speed, whole = prompt_speed(known), prompt_speed(known, whole=True)
    if speed is None or whole is None:
        return SteadyPrompts(chats=found, tokens_per_s=None)
    stalled = [speed.stalls(tokens, seconds) for tokens, seconds in read]
    return SteadyPrompts(
        chats=tuple(_without_prefill(chat) if stalls else chat for chat, stalls in zip(found, stalled, strict=True)),
        tokens_per_s=speed.usual,
        stalled=sum(stalled),
        mixed=0 if speed.slowest else sum(whole.stalls(tokens, seconds) for tokens, seconds in read),
        lost_s=sum(
            seconds - tokens / speed.usual for (tokens, seconds), stalls in zip(read, stalled, strict=True) if stalls
        ),
    )


def _without_prefill(chat: RecordedChat) -> RecordedChat:
    return replace(chat, reply=replace(chat.reply, prefill_s=None))
