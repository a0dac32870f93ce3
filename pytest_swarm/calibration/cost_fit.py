"""What calls cost a model besides its own tokens: prompt tokens as the server counts them, speeds, and fixed times.

    tokens = base + s * estimate of system messages + t * estimate of others

Least squares of the relative error over the calls of one kind; base, s and t are at least 0. The base is what the chat
template and the model's own system message add. Characters in place of estimates put what words, digits and symbols
differ by into the base. Calls with a JSON schema are a kind of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.text_tokens import decode_steps, text_tokens
from pytest_swarm.metrics.facts import median_of_known
from pytest_swarm.simulator.models.call_cost import CallCost, TokenRates, estimated_tokens

_LEAST_FIRST: Final = 3  # calls of either kind; fewer tell nothing
_LEAST_PREPARATION_S: Final = 0.05  # less is how much equal calls differ
_LEAST_TIMED_TOKENS: Final = 2  # the server reports no time for a reply of one token
_LEAST_RATE: Final = 0.5  # tokens per estimated token: 0.85 to 1.08 in two recordings of two models
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
    points = [(estimated_tokens(chat.messages), chat.reply.prompt_tokens or 0) for chat in own]
    known = [(estimate, tokens) for estimate, tokens in points if tokens]
    if not known:
        return None
    base, rates = _fit(known)
    cost = CallCost(base_tokens=base, rates=rates, overhead_s=median_of_known(chat.usual_overhead_s for chat in own))
    return MeasuredCost(cost=cost, calls=len(known))


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


def decode_tokens_per_s(replies: Iterable[tuple[int | None, float | None]]) -> float | None:
    """Return the tokens per second after the first token of all replies of more than one; None if none tells.

    Args:
        replies: Completion tokens and the server's seconds of decoding, as far as they are known.
    """
    known = [(tokens, seconds) for tokens, seconds in replies if (tokens or 0) >= _LEAST_TIMED_TOKENS and seconds]
    if not known:
        return None
    return sum(decode_steps(tokens or 0) for tokens, _ in known) / sum(seconds or 0.0 for _, seconds in known)


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


def estimate_per_token(chats: Iterable[RecordedChat]) -> float | None:
    """Return the estimated tokens of the answers per token of theirs, over all; None if no call reports its tokens."""
    known = [(chat.reply.text, chat.reply.completion_tokens) for chat in chats if chat.reply.completion_tokens]
    estimated, tokens = sum(text_tokens(text) for text, _ in known), sum(count or 0 for _, count in known)
    return estimated / tokens if estimated and tokens else None


def _fit(points: Sequence[tuple[tuple[float, float], int]]) -> tuple[float, TokenRates]:
    """Return the base and the rates that fit the tokens of prompts best; one rate is both where two tell nothing."""
    base, system, other = _least_squares([((1.0, *estimate), tokens) for estimate, tokens in points])
    if other >= _LEAST_RATE and any(estimate[0] for estimate, _ in points):
        return base, TokenRates(system=system, other=other)
    wholes = [(sum(estimate), tokens) for estimate, tokens in points]
    base, rate = _least_squares([((1.0, whole), tokens) for whole, tokens in wholes])
    if rate < _LEAST_RATE:  # long prompts have hardly more tokens than short ones: too few to tell a base
        estimated = sum(whole for whole, _ in wholes)
        base, rate = 0.0, sum(tokens for _, tokens in wholes) / estimated if estimated else 1.0
    return base, TokenRates(system=rate, other=rate)


def _least_squares(rows: Sequence[tuple[tuple[float, ...], int]]) -> tuple[float, ...]:
    """Return the factors, at least 0, of the columns for the least sum of (predicted / tokens - 1)^2."""
    from scipy.optimize import nnls

    found, _ = nnls([[each / tokens for each in columns] for columns, tokens in rows], [1.0] * len(rows))
    return tuple(float(each) for each in found)
