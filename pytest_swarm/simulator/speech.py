"""How a text becomes tokens in time: cut to the limit, split into pieces, ended early where a model repeats itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pytest_swarm.simulator.generation import GeneratedText
from pytest_swarm.simulator.hardware import ModelSpec

_MOST_REPEATS: Final = 30  # the server breaks off after more equal tokens in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A text as one piece per token. `reason` None: the server broke it off, and the answer ends without `done`."""

    pieces: tuple[str, ...]
    prompt_tokens: int
    prefill_s: float
    token_s: float
    reason: str | None

    @property
    def text(self) -> str:
        """All pieces."""
        return "".join(self.pieces)

    @property
    def decode_s(self) -> float:
        """Seconds for all tokens."""
        return len(self.pieces) * self.token_s


def speech(said: GeneratedText, model: ModelSpec, *, slowdown: float, limit: int | None, num_ctx: int) -> Speech:
    """The text in pieces, at the model's speeds times `slowdown`; `limit` and `num_ctx` are in tokens."""
    tokens = max(1, said.completion_tokens)
    pieces = split(said.text, tokens)
    reason: str | None = "stop"
    if limit is not None and tokens >= limit:
        pieces, reason = pieces[:limit], "length"
    kept = _until_repetition(pieces)
    if kept < len(pieces):
        pieces, reason = pieces[:kept], None
    prompt_tokens = max(1, min(said.prompt_tokens, num_ctx))
    return Speech(
        pieces=pieces,
        prompt_tokens=prompt_tokens,
        prefill_s=model.overhead_s + prompt_tokens * slowdown / model.prefill_tokens_per_s,
        token_s=slowdown / model.decode_tokens_per_s,
        reason=reason,
    )


def split(text: str, count: int) -> tuple[str, ...]:
    """The text in `count` pieces of nearly equal length (some empty where it has fewer characters)."""
    cuts = [len(text) * n // count for n in range(count + 1)]
    return tuple(text[start:end] for start, end in pairwise(cuts))


def _until_repetition(pieces: tuple[str, ...]) -> int:
    """How many pieces come before the server breaks off: all, unless one that is not blank repeats too often."""
    repeats, last = 0, ""
    for position, piece in enumerate(pieces):
        word = piece.strip()
        repeats = repeats + 1 if word and word == last else 0
        last = word
        if repeats > _MOST_REPEATS:
            return position
    return len(pieces)
