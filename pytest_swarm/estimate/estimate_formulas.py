"""The estimates as formulas, of plain numbers or of matrices, and the rules by which they learn (docs/routing.md)."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np

from pytest_swarm.estimate.estimate_table import Matrix

Figures = TypeVar("Figures", float, Matrix)

DIFFICULTY_PENALTY: Final = 0.06  # as published: quality lost per step of difficulty above 1
LEARNING_RATE: Final = 0.2  # as published: weight of a new observation
MIN_TOKEN_FACTOR: Final = 0.1  # one freak answer must not make a model look free ...
MAX_TOKEN_FACTOR: Final = 10.0  # ... or unaffordable
LOAD_TIME_UNIT_MS: Final = 1500.0  # as published: a load of 1.5 s costs 1


def quality(capability: Figures, difficulty: Figures) -> Figures:
    """Return P = clip(q - 0.06 (difficulty - 1), 0, 1).

    Args:
        capability: q in [0, 1], the quality at difficulty 1.
        difficulty: From 1 to 5.
    """
    found: Figures = np.minimum(1.0, np.maximum(0.0, capability - DIFFICULTY_PENALTY * (difficulty - 1.0)))
    return found


def learned_capability(capability: float, score: float) -> float:
    """Return q after an observation: 0.8 q + 0.2 score.

    Args:
        capability: q before it, in [0, 1].
        score: The observed score, in [0, 1].
    """
    return (1.0 - LEARNING_RATE) * capability + LEARNING_RATE * score


def token_cost(cost_per_token: Figures, estimated_tokens: Figures, token_factor: Figures) -> Figures:
    """Return C = cost_per_token * estimated_tokens * k / 1000.

    Args:
        cost_per_token: Cost of a thousand tokens, as in the published agents file.
        estimated_tokens: Tokens of prompt and completion.
        token_factor: The learned k, tokens used per estimated token.
    """
    return cost_per_token * estimated_tokens * token_factor / 1000.0


def learned_token_factor(token_factor: float, used_tokens: int, estimated_tokens: int) -> float:
    """Return k after an observation: 0.8 k + 0.2 clip(used / estimated, 0.1, 10).

    Args:
        token_factor: k before it.
        used_tokens: Tokens used, of prompt and completion together.
        estimated_tokens: Tokens estimated, of prompt and completion together.
    """
    ratio = min(MAX_TOKEN_FACTOR, max(MIN_TOKEN_FACTOR, used_tokens / estimated_tokens))
    return (1.0 - LEARNING_RATE) * token_factor + LEARNING_RATE * ratio


def load_cost(load_time_ms: float) -> float:
    """Return S = load_time_ms / 1500, for a model that is not resident."""
    return load_time_ms / LOAD_TIME_UNIT_MS


def call_latency_s(
    prompt_tokens: Figures, total_tokens: Figures, prefill_tokens_per_s: Figures, decode_tokens_per_s: Figures
) -> Figures:
    """Return the seconds of a warm call: prompt tokens / prefill speed + the other tokens / decode speed.

    Args:
        prompt_tokens: Estimated tokens of the task's prompt; more than all of the call count as all.
        total_tokens: Tokens of prompt and completion.
        prefill_tokens_per_s: Infinite = not known; then prefill adds nothing, rather than an invented time.
        decode_tokens_per_s: Infinite = not known; then decoding adds nothing.
    """
    prompt_tokens = np.minimum(total_tokens, prompt_tokens)
    return prompt_tokens / prefill_tokens_per_s + (total_tokens - prompt_tokens) / decode_tokens_per_s
