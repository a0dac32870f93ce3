"""The JSON objects of `/api/chat`, `/api/generate` and `/api/ps`, key for key as the server writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.server.loaded_model import LoadedModel
from pytest_swarm.simulator.server.model_library import details, digest_of
from pytest_swarm.simulator.server.request_parsing import ParsedRequest
from pytest_swarm.simulator.server.token_stream import TokenStream

_NS_PER_S: Final = 1_000_000_000
_LEAST_DECODE_NS: Final = 1_000  # of a reply of one token, which takes no step
_OTHER_TOKENS: Final = (" the", " a", " and", " of", " to", " in", " is", " it", " for", " on")
_UNLIKELY: Final = -1e9  # logprob of a token that is not generated


def chunk(parsed: ParsedRequest, text: str, wall_s: float, *, thinking: str | None = None) -> dict[str, Json]:
    """Return one object of a stream, or a whole reply, without `done`.

    Args:
        parsed: The request.
        text: The text of the object.
        wall_s: Time of the reply, in seconds since 1970.
        thinking: What the model wrote before the text.
    """
    thought: dict[str, Json] = {} if thinking is None else {"thinking": thinking}
    content: dict[str, Json] = (
        {"message": {"role": "assistant", "content": text, **thought}} if parsed.chat else {"response": text, **thought}
    )
    return {"model": parsed.requested_name, "created_at": rfc3339(wall_s), **content}


def load_reply(parsed: ParsedRequest, reason: str, wall_s: float) -> dict[str, Json]:
    """Return the reply to a request that only loads or unloads; `reason` is load or unload.

    Args:
        parsed: The request.
        reason: `done_reason`, load or unload.
        wall_s: Time of the reply, in seconds since 1970.
    """
    return {**chunk(parsed, "", wall_s), "done": True, "done_reason": reason}


def end_of_reply(parsed: ParsedRequest, stream: TokenStream, *, total_s: float, load_s: float) -> dict[str, Json]:
    """Return what the final object of a reply says besides `chunk`; what is zero or empty is left out, as Go does.

    Args:
        parsed: The request.
        stream: The reply, with a reason for its end.
        total_s: Seconds of the whole call.
        load_s: Seconds of its load.
    """
    end: dict[str, Json] = {"done": True, "done_reason": stream.reason}
    if not parsed.chat and not parsed.raw:
        end["context"] = list(range(stream.prompt_tokens + stream.tokens))
    numbers = (
        ("total_duration", round(total_s * _NS_PER_S)),
        ("load_duration", round(load_s * _NS_PER_S)),
        ("prompt_eval_count", stream.prompt_tokens),
        ("prompt_eval_duration", round(stream.prefill_s * _NS_PER_S)),
        ("eval_count", stream.tokens),
        ("eval_duration", max(_LEAST_DECODE_NS, round(stream.decode_s * _NS_PER_S))),
    )
    told = [] if parsed.stream or parsed.logprobs is None else logprobs(tuple(stream.pieces), parsed.logprobs)
    listed: dict[str, Json] = {"logprobs": told} if told else {}
    return {**end, **(listed if parsed.chat else {}), **{name: value for name, value in numbers if value}, **listed}


def logprobs(tokens: Sequence[str], alternatives: int) -> list[Json]:
    """Return one entry per token that is not empty. Every token has probability 1, so its logprob is 0.

    Args:
        tokens: The tokens of the reply.
        alternatives: Number of alternatives per token.
    """
    return [_logprob(token, alternatives) for token in tokens if token]


def process_row(loaded: LoadedModel, *, now_s: float, wall_s: float) -> dict[str, Json]:
    """Return a row of `/api/ps`.

    Args:
        loaded: The resident model.
        now_s: Loop time in seconds.
        wall_s: The same time in seconds since 1970.
    """
    return {
        "name": loaded.name,
        "model": loaded.name,
        "size": loaded.placement.total_bytes,
        "digest": digest_of(loaded.model),
        "details": details(loaded.model),
        "expires_at": rfc3339(wall_s + (loaded.expiry_s(now_s) - now_s)),
        "size_vram": loaded.placement.vram_bytes,
        "context_length": loaded.options.num_ctx,
    }


def _logprob(token: str, alternatives: int) -> dict[str, Json]:
    entry = _token(token)
    if alternatives:
        others = (_OTHER_TOKENS[rank % len(_OTHER_TOKENS)] for rank in range(alternatives - 1))
        entry["top_logprobs"] = [dict(entry), *({**_token(other), "logprob": _UNLIKELY} for other in others)]
    return entry


def _token(token: str) -> dict[str, Json]:
    return {"token": token, "logprob": 0.0, "bytes": list(token.encode())}
