"""What calls cost a model besides its own tokens: prompt tokens as the server counts them, speeds, and fixed times.

    tokens = base + per character * characters       least squares over the calls of one kind

The base is what the chat template and the model's own system message add. Calls with a JSON schema are a kind of their
own. A prompt that the server still had in its cache says nothing about the speed of prefill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.simulator.models.profile_types import CallCost

CACHED_SPEED: Final = 2.0
"""A prefill of more than this times the model's median speed used the cache of an earlier prompt."""
_LEAST_FIRST: Final = 3  # calls of either kind; fewer tell nothing
_LEAST_PREPARATION_S: Final = 0.05  # less is how much equal calls differ
_LEAST_TOKENS: Final = 2  # the server reports no time for a reply of one token
_LIMIT_SHARE: Final = 0.5  # a model has a limit of its own if so many of its cut replies have the same length


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCost:
    """The cost of calls of one kind, and the number of calls that it rests on."""

    cost: CallCost
    calls: int


def measured_cost(chats: Iterable[RecordedChat], *, schema: bool) -> MeasuredCost | None:
    """Return the cost of the calls with or without a schema; None if no such call reports its prompt tokens.

    Args:
        chats: The calls of one model.
        schema: Whether the calls with a JSON schema count, or those without.
    """
    own = [chat for chat in chats if chat.has_format == schema]
    points = [(chat.prompt_characters, chat.reply.prompt_tokens) for chat in own if chat.reply.prompt_tokens]
    if not points:
        return None
    base, slope = _line([(float(characters), float(tokens or 0)) for characters, tokens in points])
    overheads = [overhead for chat in own if (overhead := chat.usual_overhead_s) is not None]
    cost = CallCost(base_tokens=base, tokens_per_character=slope, overhead_s=median(overheads) if overheads else None)
    return MeasuredCost(cost=cost, calls=len(points))


def first_format_s(chats: Iterable[RecordedChat]) -> float | None:
    """Return how many seconds more the first call with a format takes after each load; None if nothing tells.

    A server prepares the grammar of a large vocabulary once for each load.
    """
    own = [(chat.first_format, chat.overhead_s) for chat in chats if chat.has_format and chat.overhead_s is not None]
    first, later = ([seconds for is_first, seconds in own if is_first is kind] for kind in (True, False))
    if min(len(first), len(later)) < _LEAST_FIRST:
        return None
    more = median(first) - median(later)
    return more if more > _LEAST_PREPARATION_S else None


def prefill_tokens_per_s(chats: Iterable[RecordedChat]) -> float | None:
    """Return the evaluated prompt tokens per second; None if no call tells.

    Calls that are much faster used a cache that nothing explains, and do not count.
    """
    known = [(chat.tokens_read, chat.reply.prefill_s) for chat in chats if chat.tokens_read and chat.reply.prefill_s]
    if not known:
        return None
    middle = median(tokens / seconds for tokens, seconds in known)
    whole = [(tokens, seconds) for tokens, seconds in known if tokens / seconds <= CACHED_SPEED * middle]
    return sum(tokens for tokens, _ in whole) / sum(seconds for _, seconds in whole)


def decode_tokens_per_s(chats: Iterable[RecordedChat]) -> float | None:
    """Return the completion tokens per second over all calls of more than one token; None if no call tells."""
    known = [
        (chat.reply.completion_tokens, chat.reply.decode_s)
        for chat in chats
        if (chat.reply.completion_tokens or 0) >= _LEAST_TOKENS and chat.reply.decode_s
    ]
    if not known:
        return None
    return sum(tokens or 0 for tokens, _ in known) / sum(seconds or 0.0 for _, seconds in known)


def own_limit(chats: Iterable[RecordedChat]) -> int | None:
    """Return the model's own `num_predict`: the length at which replies are cut whose request sets no limit.

    None if no reply was cut, or if the cut replies do not agree.
    """
    cut = [
        chat.reply.completion_tokens
        for chat in chats
        if chat.reply.done_reason == "length" and chat.option("num_predict") is None and chat.reply.completion_tokens
    ]
    if not cut:
        return None
    limit, count = Counter(cut).most_common(1)[0]
    return limit if count >= _LIMIT_SHARE * len(cut) else None


def characters_per_token(chats: Iterable[RecordedChat]) -> float | None:
    """Return the characters of an answer per token, over all answers; None if no call reports its tokens."""
    known = [(len(chat.reply.text), chat.reply.completion_tokens) for chat in chats if chat.reply.completion_tokens]
    characters, tokens = sum(length for length, _ in known), sum(count or 0 for _, count in known)
    return characters / tokens if characters and tokens else None


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return (base, slope) of the least-squares line with a base of at least 0; without a spread, slope alone."""
    middle_x, middle_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if spread:
        slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
        base = middle_y - slope * middle_x
        if base >= 0 and slope > 0:
            return base, slope
    total = sum(x for x, _ in points)
    return (0.0, sum(y for _, y in points) / total) if total else (middle_y, 0.0)
