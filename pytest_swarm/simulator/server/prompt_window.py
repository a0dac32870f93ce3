"""The part of a prompt that a model reads: what does not fit into the context is dropped or cut, or refused.

    chat:   the oldest messages go until at most num_ctx tokens are left; system messages and the last message stay
    cut:    num_ctx tokens or more become num_ctx - max((num_ctx - keep) // 2, 1), the first `keep` and the last ones

Measured on the real server. Knows no texts beyond their length, and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.simulator.server.request_error import RequestError, runner_error
from pytest_swarm.simulator.server.token_stream import GenerationRequest

NUM_KEEP: Final = 4  # first tokens that stay when a prompt is cut
CONTEXT_STEP: Final = 256  # the model's process rounds its context up to a multiple of this
_TOO_LONG: Final = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the "
    "context length in settings, or use a model with a longer context length"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptWindow:
    """The context of one request in tokens, and what happens to a prompt that does not fit."""

    num_ctx: int
    num_keep: int = NUM_KEEP
    truncate: bool = True
    shift: bool = True
    chat: bool = True
    in_stream: bool = False

    @property
    def allocated(self) -> int:
        """Tokens of context that the model's process allocates."""
        return -(-self.num_ctx // CONTEXT_STEP) * CONTEXT_STEP

    @property
    def tokens_after_cut(self) -> int:
        """Tokens that are left of a prompt that is cut."""
        return self.num_ctx - max((self.num_ctx - self.kept) // 2, 1)

    @property
    def kept(self) -> int:
        """Tokens at the beginning of a prompt that a cut leaves."""
        most = self.num_ctx - 1
        return most if self.num_keep < 0 else min(self.num_keep, most)


def fit_prompt(
    request: GenerationRequest, window: PromptWindow, *, count: Callable[[GenerationRequest], int]
) -> tuple[GenerationRequest, int]:
    """Return the request with the messages that the model reads, and the tokens of its prompt.

    Args:
        request: The request with all messages.
        window: The context.
        count: Returns the tokens of a request's prompt.

    Raises:
        RequestError: The prompt does not fit, and its context may not shift.
    """
    tokens = count(request)
    if not window.truncate:
        return request, tokens
    if window.chat and tokens > window.num_ctx:
        request = _drop_oldest(request, window, count)
        tokens = count(request)
    if tokens < window.num_ctx:
        return request, tokens
    if not window.shift:
        raise RequestError(400, _TOO_LONG, in_stream=window.in_stream)
    kept_share, left_share = window.kept / tokens, window.tokens_after_cut / tokens
    return replace(request, messages=_cut(request.messages, kept_share, left_share)), window.tokens_after_cut


def check_uncut(window: PromptWindow, tokens: int) -> None:
    """Raise RequestError, as the model's process does, for a prompt that may not be cut and does not fit.

    Args:
        window: The context.
        tokens: The tokens of the prompt.
    """
    if not window.truncate and tokens >= window.allocated:
        raise runner_error(
            f"request ({tokens} tokens) exceeds the available context size ({window.allocated} tokens), "
            "try increasing it",
            in_stream=window.in_stream,
            type="exceed_context_size_error",
            n_prompt_tokens=tokens,
            n_ctx=window.allocated,
        )


def _drop_oldest(
    request: GenerationRequest, window: PromptWindow, count: Callable[[GenerationRequest], int]
) -> GenerationRequest:
    for first in range(len(request.messages)):
        systems = tuple(each for each in request.messages[:first] if each["role"] == "system")
        shorter = replace(request, messages=(*systems, *request.messages[first:]))
        if count(shorter) <= window.num_ctx or first == len(request.messages) - 1:
            return shorter
    return request


def _cut(messages: tuple[Message, ...], kept_share: float, left_share: float) -> tuple[Message, ...]:
    """Return the messages without the middle of all their text; shares are of its length."""
    length = sum(len(each["content"]) for each in messages)
    gap_start, gap_end = round(length * kept_share), length - round(length * (left_share - kept_share))
    cut, start = list[Message](), 0
    for each in messages:
        text = each["content"]
        head, tail = text[: max(0, gap_start - start)], text[max(0, gap_end - start) :]
        start += len(text)
        if head + tail:
            cut.append(Message(role=each["role"], content=head + tail))
    return tuple(cut) or messages[-1:]
