"""Times a loaded model with several equal calls at once: how many run together, and how much slower each is then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from pytest_swarm.domain.text_tokens import decode_steps
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.answers.stored_values import SpeedSample
from pytest_swarm.ollama.messages import Chat, ChatReply, ChatRequest
from pytest_swarm.units import now_ms

_PROMPT: Final = "Write the numbers from {first} to 1000 in words, one a line."
_TOKENS: Final = 48  # long enough that a call lasts much longer than what the server adds to it
_BESIDE_SHARE: Final = 0.5  # of the shorter call: two that overlap for less ran one after the other, as in one slot


async def calibrate_speed(
    chat: Chat, model: ModelIdentity, *, num_ctx: int, at_once: Sequence[int], site: str
) -> tuple[SpeedSample, ...]:
    """Return the speeds with several calls at once, up to the number that does not run together any more.

    The speed is that of the call that ends first: only it has run beside all others from its beginning to its end.

    Args:
        chat: Asks the server.
        model: A loaded model.
        num_ctx: The context that it was loaded with, in tokens.
        at_once: How many calls to send at the same time, ascending.
        site: The server, as entries of the store name it.

    Raises:
        BackendError: The server does not answer.
    """
    alone = _speed((await _timed(chat, model, num_ctx, number=0))[0])
    samples: list[SpeedSample] = []
    first = 1
    for count in at_once:
        calls = [_timed(chat, model, num_ctx, number=number) for number in range(first, first + count)]
        first += count
        replies = await asyncio.gather(*calls)
        together = _together(replies)
        speed = _speed(min(together, key=_working_s)) if together else None
        if alone is None or speed is None:
            break
        samples.append(
            SpeedSample(
                digest=model.digest,
                server=model.server,
                site=site,
                measured_ts_ms=now_ms(),
                at_once=count,
                running=len(together),
                decode_tokens_per_s=speed,
                alone_tokens_per_s=alone,
            )
        )
        if len(together) < count:
            break
    return tuple(samples)


def calibration_tokens(at_once: Sequence[int]) -> int:
    """Return the tokens whose time a calibration takes: of one call alone, and of each round of several at once."""
    return _TOKENS * (1 + sum(at_once))  # as if they waited for each other, as they do on a server with one slot


async def _timed(chat: Chat, model: ModelIdentity, num_ctx: int, *, number: int) -> tuple[ChatReply, float]:
    """Return a reply, and when it came, in seconds of the client's clock."""
    request = ChatRequest(
        model=model.tag,
        messages=({"role": "user", "content": _PROMPT.format(first=number + 1)},),
        num_ctx=num_ctx,
        seed=number,
        temperature=0.0,
        num_predict=_TOKENS,
    )
    return await chat(request), asyncio.get_running_loop().time()


def _together(replies: Sequence[tuple[ChatReply, float]]) -> list[ChatReply]:
    """Return the replies of the calls that ran beside the one that ended first, itself among them.

    When a call began to work is known by its end and the server's own times: not when it was sent.
    """
    first, first_end_s = min(replies, key=lambda each: each[1])
    return [
        reply
        for reply, end_s in replies
        if first_end_s - (end_s - _working_s(reply)) >= _BESIDE_SHARE * min(_working_s(first), _working_s(reply))
    ]


def _working_s(reply: ChatReply) -> float:
    """Return the seconds in which a call loaded, read and wrote."""
    return (reply.load_s or 0.0) + (reply.prefill_s or 0.0) + (reply.decode_s or 0.0)


def _speed(reply: ChatReply) -> float | None:
    steps = decode_steps(reply.completion_tokens or 0)
    return steps / reply.decode_s if steps and reply.decode_s else None
