"""Text generation: what a model is asked, the text that it generates, and that text as tokens over time.

Owns the interface between the server and the room `models/`, which decides the texts. Knows no HTTP and no scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.text_tokens import decode_steps
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.hardware import ModelSpec

_MOST_REPEATS: Final = 30  # the server stops after more equal tokens in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What a model is asked: messages, options, and the JSON schema (or plain JSON mode) that constrains the reply.

    `model` is the name with its tag; of a model that was copied or created, that of the one whose weights it has.
    `num_predict` is None if the request sets no limit. The server truncates the text to that many tokens, so a
    generator need not. `raw` is a prompt without a template, and `context_tokens` the length of the earlier tokens that
    `/api/generate` puts in front of it.
    """

    model: str
    messages: tuple[Message, ...]
    schema: Json = None
    json_mode: bool = False
    seed: int | None = None
    num_predict: int | None = None
    raw: bool = False
    context_tokens: int = 0
    options: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedText:
    """A reply of `completion_tokens` tokens, at least 1.

    Times are in seconds and replace what follows from the model's speeds; None where they are not known. `verbatim`: a
    server has ended the text for `reason` (None: without one), so that nothing ends it earlier. `thinking` is what the
    model wrote before the text.
    """

    text: str
    completion_tokens: int
    prefill_s: float | None = None
    decode_s: float | None = None
    overhead_s: float | None = None
    verbatim: bool = False
    reason: str | None = "stop"
    thinking: str | None = None


class TextGenerator(Protocol):
    """Decides what the models reply. Must be a pure function of the request, so that runs repeat exactly."""

    def prompt_tokens(self, request: GenerationRequest) -> int:
        """Return the tokens of a request's prompt, at least 1."""
        ...

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """Return the text for one request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStream:
    """A text as tokens, with its prefill and decode times.

    `reason` is the `done_reason`; None: the server stopped generating, and the reply ends without `done`. `overhead_s`
    is the fixed time of a call, which none of the server's own durations counts. `decode_s` is the time from the first
    token, which the prompt gives, to the last.
    """

    text: str
    tokens: int
    prompt_tokens: int
    overhead_s: float
    prefill_s: float
    decode_s: float
    reason: str | None
    thinking: str | None = None

    @property
    def pieces(self) -> Iterator[str]:
        """The text in one piece per token."""
        return split(self.text, self.tokens)

    @property
    def token_s(self) -> float:
        """Seconds per token after the first."""
        return self.decode_s / max(1, decode_steps(self.tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What ends a text: a number of tokens (None: nothing), or one of the `stops`, which are not part of it."""

    tokens: int | None = None
    stops: tuple[str, ...] = ()


class LeftWork(NamedTuple):
    """What a model's process has done of a reply whose client has gone: the end of its batch still takes a while."""

    slot_held_s: float
    read_tokens: int
    text: str


def left_work(stream: TokenStream, elapsed_s: float, *, evaluated: int, batch: int) -> LeftWork:
    """Return what is done of a reply, and for how long its slot stays taken.

    The process looks for clients that have gone between two batches: of 512 tokens (or `num_batch`) of a prompt, and
    after each token of the answer. What it has read stays in the slot.

    Args:
        stream: The reply.
        elapsed_s: Seconds since its prompt began to be read.
        evaluated: Tokens of the prompt that are read.
        batch: Tokens in a batch.
    """
    if elapsed_s >= stream.prefill_s:
        steps = int((elapsed_s - stream.prefill_s) / stream.token_s) if stream.token_s else 0
        decoded = min(stream.tokens, 1 + steps)
        return LeftWork(0.0, evaluated, "".join(islice(stream.pieces, decoded)))
    per_token_s = stream.prefill_s / evaluated
    read = min(evaluated, (int(max(0.0, elapsed_s) / per_token_s) // batch + 1) * batch)
    return LeftWork(read * per_token_s - elapsed_s, read, "")


def build_token_stream(
    generated: GeneratedText, model: ModelSpec, *, prompt_tokens: int, slowdown: float, limits: StreamLimits
) -> TokenStream:
    """Return the token stream of a text on a model.

    Args:
        generated: The text with its token count.
        model: The model, with its speeds in tokens per second.
        prompt_tokens: Tokens of the prompt that the model reads.
        slowdown: Factor on the time per token, 1 with all layers on the GPU.
        limits: What ends the text.

    Returns:
        The stream, truncated where the server ends it: at a stop, at its limit, or where it repeats itself.
    """
    whole_tokens = max(1, generated.completion_tokens)
    prefill_s, decode_s, steps = generated.prefill_s, generated.decode_s, decode_steps(whole_tokens)
    if decode_s is None:
        decode_s = steps / model.decode_tokens_per_s
    text, tokens, reason = generated.text, whole_tokens, generated.reason
    if not generated.verbatim:
        text, tokens, reason = _ended(text, tokens, limits)
        decode_s *= decode_steps(tokens) / steps if steps else 1
    return TokenStream(
        text=text,
        tokens=tokens,
        prompt_tokens=prompt_tokens,
        overhead_s=model.overhead_s if generated.overhead_s is None else generated.overhead_s,
        prefill_s=slowdown * (prompt_tokens / model.prefill_tokens_per_s if prefill_s is None else prefill_s),
        decode_s=slowdown * decode_s,
        reason=reason,
        thinking=generated.thinking,
    )


def _ended(text: str, tokens: int, limits: StreamLimits) -> tuple[str, int, str | None]:
    """Return a text with its tokens as far as the server lets it go, and why it ends there."""
    reason: str | None = "stop"
    if limits.tokens is not None and tokens >= limits.tokens:
        text, tokens, reason = text[: len(text) * limits.tokens // tokens], limits.tokens, "length"
    kept = _tokens_before_repetition(text, tokens)
    if kept < tokens:
        text, tokens, reason = text[: len(text) * kept // tokens], kept, None
    stop = _first_stop(text, limits.stops)
    if stop is not None:
        start, end = stop
        text, tokens, reason = text[:start], max(1, -(-end * tokens // max(1, len(text)))), "stop"
    return text, tokens, reason


def _first_stop(text: str, stops: tuple[str, ...]) -> tuple[int, int] | None:
    """Return where the first stop in a text begins and ends; None if it has none."""
    found = [(text.find(stop), len(stop)) for stop in stops if stop in text]
    start, length = min(found, default=(-1, 0))
    return None if start < 0 else (start, start + length)


def split(text: str, count: int) -> Iterator[str]:
    """Yield the text in `count` pieces of nearly equal length; pieces are empty if it has fewer characters.

    Args:
        text: The text.
        count: The number of pieces.
    """
    start = 0
    for number in range(1, count + 1):
        end = len(text) * number // count
        yield text[start:end]
        start = end


def _tokens_before_repetition(text: str, tokens: int) -> int:
    """Return the number of tokens before the server stops: all unless a token repeats too often; blanks are equal."""
    if not _MOST_REPEATS < tokens <= len(text):
        return tokens
    repeats, last = 0, ""
    for position, piece in enumerate(split(text, tokens)):
        word = piece.strip()
        repeats = repeats + 1 if word == last else 0
        last = word
        if repeats > _MOST_REPEATS:
            return position
    return tokens
