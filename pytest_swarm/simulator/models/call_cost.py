"""What calls of one kind cost a model: the tokens of their prompts, and a fixed time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.text_tokens import CHARS_PER_TOKEN, text_tokens, tokens_by_length

_ROUNDING: Final = 1e-6  # a token count above a whole number by less than this is that number


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRates:
    """Tokens of a model per estimated token (`text_tokens`): of system messages, and of all others.

    They differ where a template leaves system messages out, or writes them twice.
    """

    system: float
    other: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """What a call of one kind costs a model: the tokens of its prompt, and a fixed time in seconds.

        prompt tokens = base + rates.system * estimate of system messages + rates.other * estimate of others
        prompt tokens = base + tokens_per_character * characters                             without rates

    In the second, a character of Chinese, Japanese or Korean counts as four.

    The base holds the chat template and the model's own system message. `overhead_s` None is the model's own.
    """

    base_tokens: float = 0.0
    tokens_per_character: float = 1 / CHARS_PER_TOKEN
    rates: TokenRates | None = None
    overhead_s: float | None = None

    def prompt_tokens(self, messages: Sequence[Message], *, raw: bool = False) -> int:
        """Return the tokens of a prompt, at least 1.

        Args:
            messages: The chat.
            raw: Whether no template is put around it.
        """
        base = 0.0 if raw else self.base_tokens
        if self.rates is None:
            characters = CHARS_PER_TOKEN * sum(tokens_by_length(each["content"]) for each in messages)
            content = self.tokens_per_character * characters
        else:
            system, other = estimated_tokens(messages)
            content = self.rates.system * system + self.rates.other * other
        return max(1, math.ceil(base + content - _ROUNDING))


def estimated_tokens(messages: Sequence[Message]) -> tuple[float, float]:
    """Return the estimated tokens of a chat's system messages, and of all others."""
    system = sum(text_tokens(each["content"]) for each in messages if each["role"] == "system")
    return system, sum(text_tokens(each["content"]) for each in messages if each["role"] != "system")
