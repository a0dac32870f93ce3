"""Contexts of models with `num_ctx = "auto"`: raised to the prompts of a step, as far as the VRAM budget allows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.estimate.prompt_tokens import ACTUAL_OVER_ESTIMATE, PromptSize


def fitted_fleet(fleet: Fleet, prompts: Iterable[PromptSize], *, vram_budget_gb: float) -> Fleet:
    """Return the fleet with each "auto" context raised to the longest prompt that it can take within the budget.

    Args:
        fleet: The models at their least contexts.
        prompts: The prompts.
        vram_budget_gb: The budget, in which a raised model must fit beside the pinned ones.
    """
    if not any(model.auto_ctx for model in fleet):
        return fleet
    longest_first = sorted(set(prompts), key=lambda each: (each.most, each), reverse=True)
    models = {model.tag: model for model in fleet}
    # pinned ones first: the others must fit beside them as raised
    for model in sorted(fleet, key=lambda each: not each.keep):
        pinned = (each for each in models.values() if each.keep and each.shares_with is None)
        others_gb = sum(each.vram_gb for each in pinned if each.tag != model.tag)
        raised = (fitted_model(model, each, room_gb=vram_budget_gb - others_gb) for each in longest_first)
        models[model.tag] = next((each for each in raised if each is not None), model)
    return replace(fleet, models=tuple(models.values()))


def fitted_model(model: Model, prompt: PromptSize, *, room_gb: float) -> Model | None:
    """Return an "auto" model with the context that a prompt needs; None where it has no room or is too short for it.

    The context is doubled until the most that the prompt may have fits, or where there is no room for that, 1.5 times
    the estimate. Only a tokenizer that hardly knows a script needs the former.

    Args:
        model: The model at its least context.
        prompt: The prompt.
        room_gb: The most memory that the model may take, in GB.
    """
    if not model.auto_ctx:
        return None
    for tokens in (prompt.most, math.ceil(prompt.estimated * ACTUAL_OVER_ESTIMATE)):
        raised = _raised_model(model, tokens)
        if raised.vram_gb <= room_gb + BUDGET_TOLERANCE_GB and prompt.estimated < raised.context_tokens:
            return raised
    return None


def _raised_model(model: Model, prompt_tokens: int) -> Model:
    """Return a model with the context that so many tokens need, at most its longest one.

    The footprint grows in proportion, which is an upper bound: the weights stay, only the context's part grows.
    """
    base = model.context_tokens
    doublings = max(0, math.ceil(math.log2((prompt_tokens + 1) / base)))
    tokens = min(model.max_ctx, base << doublings)
    return replace(model, num_ctx=tokens, vram_gb=model.vram_gb * tokens / base)
