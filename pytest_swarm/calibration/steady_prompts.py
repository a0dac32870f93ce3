"""The prompts of a recording that stalled: how many, how long, and the chats without those times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.prompt_speed import prompt_speed


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
