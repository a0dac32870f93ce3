"""The JSON objects of `/api/chat`, `/api/generate` and `/api/ps`, key for key as the server writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.durations import rfc3339
from pytest_swarm.simulator.server.loaded_model import LoadedModel
from pytest_swarm.simulator.server.model_library import details, digest_of
from pytest_swarm.simulator.server.request_parsing import ParsedRequest

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyMetrics:
    """What the final object reports of one generation: seconds and tokens."""

    total_s: float
    load_s: float
    prompt_tokens: int
    prefill_s: float
    completion_tokens: int
    decode_s: float


def part(call: ParsedRequest, text: str, wall_s: float) -> dict[str, Json]:
    """One object of a stream, or the head of a whole answer: everything but `done`."""
    said: dict[str, Json] = {"message": {"role": "assistant", "content": text}} if call.chat else {"response": text}
    return {"model": call.asked, "created_at": rfc3339(wall_s), **said}


def bare(call: ParsedRequest, reason: str, wall_s: float) -> dict[str, Json]:
    """The answer to a call that only loads or unloads."""
    return {**part(call, "", wall_s), "done": True, "done_reason": reason}


def final(call: ParsedRequest, text: str, wall_s: float, *, reason: str, metrics: ReplyMetrics) -> dict[str, Json]:
    """The final object, with the metrics; zeros are left out, as Go does."""
    reply = {**part(call, text, wall_s), "done": True, "done_reason": reason}
    if not call.chat and not call.raw:
        reply["context"] = list(range(metrics.prompt_tokens + metrics.completion_tokens))
    numbers: dict[str, int] = {
        "total_duration": round(metrics.total_s * _NS_PER_S),
        "load_duration": round(metrics.load_s * _NS_PER_S),
        "prompt_eval_count": metrics.prompt_tokens,
        "prompt_eval_duration": round(metrics.prefill_s * _NS_PER_S),
        "eval_count": metrics.completion_tokens,
        "eval_duration": round(metrics.decode_s * _NS_PER_S),
    }
    reply.update((name, number) for name, number in numbers.items() if number)
    return reply


def logprobs(tokens: Sequence[str], alternatives: int) -> list[Json]:
    """An entry per token. The simulated model is sure of what it says: probability 1, so logprob 0."""
    return [_logprob(token, alternatives) for token in tokens if token]


def process_row(loaded: LoadedModel, *, now_s: float, wall_s: float) -> dict[str, Json]:
    """A row of `/api/ps`; a model that was never idle shows the expiry that it would have now."""
    expires_s = now_s + loaded.keep_alive_s if loaded.expires_at_s is None else loaded.expires_at_s
    return {
        "name": loaded.name,
        "model": loaded.name,
        "size": loaded.placement.total_bytes,
        "digest": digest_of(loaded.model),
        "details": details(loaded.model),
        "expires_at": rfc3339(wall_s + (expires_s - now_s)),
        "size_vram": loaded.placement.vram_bytes,
        "context_length": loaded.options.num_ctx,
    }


def _logprob(token: str, alternatives: int) -> dict[str, Json]:
    entry: dict[str, Json] = {"token": token, "logprob": 0.0, "bytes": list(token.encode())}
    if alternatives:
        entry["top_logprobs"] = [dict(entry)]
    return entry
