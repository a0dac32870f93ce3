"""How a text becomes tokens in time: cut to the limit, split into pieces, ended early where a model repeats itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.simulator.server.generation import GeneratedText
from pytest_swarm.simulator.server.hardware import ModelSpec

_MOST_REPEATS: Final = 30  # the server breaks off after more equal tokens in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStream:
    """A text of so many tokens. `reason` None: the server broke it off, and the answer ends without `done`.

    `overhead_s` is the fixed part of a call: it takes time, and none of the server's own figures counts it.
    """

    text: str
    tokens: int
    prompt_tokens: int
    overhead_s: float
    prefill_s: float
    token_s: float
    reason: str | None

    @property
    def pieces(self) -> Iterator[str]:
        """The text in one piece per token."""
        return split(self.text, self.tokens)

    @property
    def decode_s(self) -> float:
        """Seconds for all tokens."""
        return self.tokens * self.token_s


def build_token_stream(
    said: GeneratedText, model: ModelSpec, *, slowdown: float, limit: int | None, num_ctx: int
) -> TokenStream:
    """The text cut to `limit` tokens, at the model's speeds times `slowdown`; a prompt is cut to `num_ctx` tokens."""
    text, tokens = said.text, max(1, said.completion_tokens)
    reason: str | None = "stop"
    if limit is not None and tokens >= limit:
        text, tokens, reason = text[: len(text) * limit // tokens], limit, "length"
    kept = _until_repetition(text, tokens)
    if kept < tokens:
        text, tokens, reason = text[: len(text) * kept // tokens], kept, None
    prompt_tokens = max(1, min(said.prompt_tokens, num_ctx))
    return TokenStream(
        text=text,
        tokens=tokens,
        prompt_tokens=prompt_tokens,
        overhead_s=model.overhead_s,
        prefill_s=prompt_tokens * slowdown / model.prefill_tokens_per_s,
        token_s=slowdown / model.decode_tokens_per_s,
        reason=reason,
    )


def split(text: str, count: int) -> Iterator[str]:
    """The text in `count` pieces of nearly equal length (some empty where it has fewer characters)."""
    start = 0
    for number in range(1, count + 1):
        end = len(text) * number // count
        yield text[start:end]
        start = end


def _until_repetition(text: str, tokens: int) -> int:
    """How many tokens come before the server breaks off: all, unless one that is not blank repeats too often."""
    if not _MOST_REPEATS < tokens <= len(text):
        return tokens
    repeats, last = 0, ""
    for position, piece in enumerate(split(text, tokens)):
        word = piece.strip()
        repeats = repeats + 1 if word and word == last else 0
        last = word
        if repeats > _MOST_REPEATS:
            return position
    return tokens
