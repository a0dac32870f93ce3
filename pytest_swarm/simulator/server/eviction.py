"""Who has to go when room is needed."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_swarm.simulator.server.loaded_model import LoadedModel


def choose_model_to_evict(loaded_models: Iterable[LoadedModel]) -> LoadedModel:
    """The loaded to unload: an idle one before a busy one, then the shortest keep_alive, then the first by blob.

    Not the least recently used and not the largest: measured on the real server. A pinned model (for ever) is the
    last choice, but can go. Raises ValueError without loaded_models.
    """
    return min(loaded_models, key=lambda loaded: (not loaded.idle, loaded.keep_alive_s, loaded.model.blob))
