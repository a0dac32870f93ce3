"""The models that a policy uses: which of them fit the budget together, for which types, and how long they stay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.errors import PolicyError
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel
from pytest_swarm.units import format_gb

_KEEP_FACTOR: Final = 20
"""A model stays for twenty times its load time after its last use: a load then costs at most a twentieth of it."""
_LEAST_KEEP_S: Final = 60
_MOST_MODELS: Final = 10  # of which 252 sets may fit, if any five do


def models_in_use(policy: PolicyFile) -> tuple[PolicyModel, ...]:
    """Return the models that the policy gave a task to, and the pinned ones; all that fit where it has no table."""
    if not policy.table:
        return tuple(model for model in policy.models if _fits(policy, model))
    used = {cell.model for cell in policy.table} | {model.name for model in policy.models if model.keep}
    return tuple(model for model in policy.models if model.name in used)


def models_to_export(policy: PolicyFile, *, export: str, one_copy: bool) -> tuple[PolicyModel, ...]:
    """Return the models in use, each of which fits the budget together with the pinned ones.

    Args:
        policy: The policy.
        export: The format, for the message.
        one_copy: Whether models of the same weights take VRAM once.

    Raises:
        PolicyError: One does not fit, so that the policy cannot be written without breaking the budget.
    """
    used = models_in_use(policy)
    for model in used:
        if not _fits(policy, model, one_copy=one_copy):
            pinned = " beside the pinned models" if _pinned(policy) and not model.keep else ""
            raise PolicyError(
                f"export {export}: the policy {policy.name} uses model {model.name}, whose "
                f"{format_gb(model.vram_gb)} do not fit the budget of {format_gb(policy.vram_budget_gb)}{pinned}; "
                "decide for a policy that keeps the budget (--against), or for a larger budget (--vram)"
            )
    return used


def _pinned(policy: PolicyFile) -> list[PolicyModel]:
    return [model for model in policy.models if model.keep]


def _fits(policy: PolicyFile, model: PolicyModel, *, one_copy: bool = True) -> bool:
    """Return whether a model fits the budget together with the pinned ones."""
    together_gb = _together_gb([*_pinned(policy), model], one_copy=one_copy)
    return together_gb <= policy.vram_budget_gb + BUDGET_TOLERANCE_GB


def _together_gb(models: Iterable[PolicyModel], *, one_copy: bool) -> float:
    """Return the VRAM of models in GB; with `one_copy`, of those of the same weights only the largest counts."""
    taken_gb: dict[str, float] = {}
    for each in models:
        weights = (one_copy and each.shares_with) or each.name
        taken_gb[weights] = max(each.vram_gb, taken_gb.get(weights, 0.0))
    return sum(taken_gb.values())


def resident_sets(policy: PolicyFile, *, one_copy: bool = True) -> tuple[tuple[PolicyModel, ...], ...]:
    """Return the largest sets of models in use that fit the budget together, with the pinned ones in each.

    Those of many models are beyond number. Then there is one for each model, with the models beside it that still fit,
    the most used first.

    Args:
        policy: The policy.
        one_copy: Whether models of the same weights take VRAM once, as on Ollama's server.
    """
    pinned = [model for model in models_in_use(policy) if model.keep]
    others = [model for model in models_in_use(policy) if not model.keep]

    def fits(models: Iterable[PolicyModel]) -> bool:
        return _together_gb([*pinned, *models], one_copy=one_copy) <= policy.vram_budget_gb + BUDGET_TOLERANCE_GB

    if len(others) > _MOST_MODELS:
        return _one_for_each(pinned, sorted(others, key=lambda model: -tasks_of([model], policy)), fits)
    every = (chosen for size in range(len(others), -1, -1) for chosen in combinations(others, size))
    largest = (
        each for each in every if fits(each) and not any(fits([*each, more]) for more in others if more not in each)
    )
    return tuple((*pinned, *chosen) for chosen in largest if pinned or chosen)


def _one_for_each(
    pinned: Sequence[PolicyModel], others: Sequence[PolicyModel], fits: Callable[[Iterable[PolicyModel]], bool]
) -> tuple[tuple[PolicyModel, ...], ...]:
    """Return a set for each of the others, filled up in their order, and that of the smallest; the largest first."""
    found: dict[frozenset[str], tuple[PolicyModel, ...]] = {}
    by_size = sorted(others, key=lambda model: model.vram_gb)  # the most models that fit
    for order in (*([first, *others] for first in others), by_size):
        chosen: list[PolicyModel] = []
        for model in order:
            if model not in chosen and fits([*chosen, model]):
                chosen.append(model)
        found.setdefault(frozenset(model.name for model in chosen), (*pinned, *chosen))
    there = [each for each in found.values() if each and fits(each)]  # the pinned ones alone may not fit
    return tuple(sorted(there, key=len, reverse=True))


def sets_left_out(policy: PolicyFile) -> list[str]:
    """Return what to say where `resident_sets` does not have every set; nothing where it has."""
    count = sum(not model.keep for model in models_in_use(policy))
    if count <= _MOST_MODELS:
        return []
    return [f"- every set of the {count} models that fits: there is one for each model, with the most used that do."]


def tasks_of(models: Iterable[PolicyModel], policy: PolicyFile) -> float:
    """Return how many tasks of the runs some models did."""
    names = {model.name for model in models}
    return sum(cell.share * cell.tasks for cell in policy.table if cell.model in names)


def types_of_models(policy: PolicyFile) -> dict[str, tuple[str, ...]]:
    """Return model -> the types of tasks that it was given most often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in policy.table:
        counts[cell.type][cell.model] += round(cell.share * cell.tasks)
    best = {kind: min(each.items(), key=lambda item: (-item[1], item[0]))[0] for kind, each in counts.items()}
    return {
        model.name: in_type_order(kind for kind, name in best.items() if name == model.name) for model in policy.models
    }


def load_s(model: PolicyModel) -> float:
    """Return the seconds of a load: as measured, else those of the fleet file."""
    return model.load_time_ms / 1000 if model.measured_load_s is None else model.measured_load_s


def keep_s(model: PolicyModel) -> int:
    """Return for how many seconds a model stays after its last use."""
    return max(_LEAST_KEEP_S, round(_KEEP_FACTOR * load_s(model)))
