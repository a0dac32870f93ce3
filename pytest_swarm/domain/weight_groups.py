"""The fleet of a server that runs several models on one copy of their weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag


def sharing_weights(fleet: Fleet, groups: Iterable[tuple[str, ...]]) -> Fleet:
    """Return the fleet in which models with weights in common are one model in VRAM.

    The server runs them on one copy as long as they ask for the same context, so those of a group are one whose
    `num_ctx` is fixed and equal; the others stay models of their own. All of them then have the largest footprint and
    load time of any, and are pinned if any is.

    Args:
        fleet: The models on offer.
        groups: Tags of the same weights each, in any form; those that the fleet lacks are its `outside`.
    """
    groups = tuple(groups)
    changed: dict[str, Model] = {}
    for group in groups:
        own = {fleet[tag].tag for tag in group if tag in fleet}
        by_context: dict[int, list[Model]] = {}
        for model in fleet.models:
            if model.tag in own and not model.auto_ctx:
                by_context.setdefault(model.context_tokens, []).append(model)
        for models in by_context.values():
            changed.update(_as_one(models) if len(models) > 1 else {})
    if changed:
        fleet = replace(fleet, models=tuple(changed.get(each.tag, each) for each in fleet.models))
    return replace(fleet, outside=outside) if (outside := _outside(fleet, groups)) else fleet


def _outside(fleet: Fleet, groups: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return the full tags that the fleet lacks of models that run on a copy of its weights -> that of the copy."""
    outside: dict[str, str] = {}
    for group in groups:
        own = {fleet[tag].tag for tag in group if tag in fleet}
        first = next((tag for tag in fleet.tags if tag in own), None)
        if first is not None:
            outside.update({full_tag(tag): fleet.holder(first) for tag in group if tag not in fleet})
    return outside


def _as_one(models: list[Model]) -> dict[str, Model]:
    """Return models of the same weights by tag, as one in VRAM: the first of them stands for all."""
    vram_gb, load_time_ms = max(each.vram_gb for each in models), max(each.load_time_ms for each in models)
    keep, first = any(each.keep for each in models), models[0].tag
    return {
        each.tag: replace(
            each,
            vram_gb=vram_gb,
            load_time_ms=load_time_ms,
            keep=keep,
            shares_with=None if each.tag == first else first,
        )
        for each in models
    }
