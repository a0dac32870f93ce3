"""The estimates of DESIGN 3 as formulas of plain numbers, and how each follows what is observed."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.limits import CHARS_PER_TOKEN

DIFFICULTY_PENALTY: Final = 0.06  # DESIGN 3, as published: quality lost per step of difficulty above 1
LEARNING_RATE: Final = 0.2  # DESIGN 3, as published: weight of a new observation
MIN_TOKEN_FACTOR: Final = 0.1  # DESIGN 3: one freak answer must not make a model look free ...
MAX_TOKEN_FACTOR: Final = 10.0  # ... or unaffordable
LOAD_TIME_UNIT_MS: Final = 1500.0  # DESIGN 3, as published: a load of 1.5 s costs 1


def quality(capability: float, difficulty: float) -> float:
    """P = clip(q - 0.06 (difficulty - 1), 0, 1), q and P in [0, 1], difficulty in 1..5."""
    return min(1.0, max(0.0, capability - DIFFICULTY_PENALTY * (difficulty - 1.0)))


def learned_capability(capability: float, score: float) -> float:
    """q <- 0.8 q + 0.2 score, both in [0, 1]."""
    return (1.0 - LEARNING_RATE) * capability + LEARNING_RATE * score


def token_cost(cost_per_token: float, estimated_tokens: float, token_factor: float) -> float:
    """C = cost_per_token * estimated_tokens * k / 1000: cost per thousand tokens, scaled by the learned k."""
    return cost_per_token * estimated_tokens * token_factor / 1000.0


def learned_token_factor(token_factor: float, used_tokens: int, estimated_tokens: int) -> float:
    """k <- 0.8 k + 0.2 clip(used / estimated, 0.1, 10), tokens of prompt and completion together."""
    ratio = min(MAX_TOKEN_FACTOR, max(MIN_TOKEN_FACTOR, used_tokens / estimated_tokens))
    return (1.0 - LEARNING_RATE) * token_factor + LEARNING_RATE * ratio


def load_cost(load_time_ms: float) -> float:
    """S = load_time_ms / 1500 for a model that is not resident."""
    return load_time_ms / LOAD_TIME_UNIT_MS


def call_latency_s(
    prompt: str, total_tokens: float, prefill_tokens_per_s: float | None, decode_tokens_per_s: float | None
) -> float:
    """Seconds of a warm call: prompt tokens / prefill speed + the other tokens / decode speed.

    The prompt's tokens are its characters / 4. A speed that the fleet file does not name (None) counts as no time, so
    the optional latency term is silent rather than invented.
    """
    prompt_tokens = min(total_tokens, len(prompt) / CHARS_PER_TOKEN)
    prefill_s = prompt_tokens / prefill_tokens_per_s if prefill_tokens_per_s else 0.0
    decode_s = (total_tokens - prompt_tokens) / decode_tokens_per_s if decode_tokens_per_s else 0.0
    return prefill_s + decode_s
