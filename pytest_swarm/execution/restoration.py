"""Leaves a server as it was found: unloads what a run has loaded, and loads again what it has displaced.

Knows the client; must not know budgets, plans or cases. What was found is a value, so that several processes of a run
can share it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import BackendError
from pytest_swarm.ollama.client import FOREVER, OllamaClient
from pytest_swarm.ollama.messages import ResidentEntry


class Restoration:
    """The models that were resident before a run, and those that the run has loaded.

    Attributes:
        found: The models that were resident before; None = not looked yet.
        used: Full tags of the models that the run has loaded or called.
        on_use: Is called before a model is loaded or called for the first time.
    """

    def __init__(self) -> None:
        self.found: tuple[ResidentEntry, ...] | None = None
        self.used: set[str] = set()
        self._replaced: set[str] = set()
        self.on_use: Callable[[], None] = lambda: None

    async def look(self, client: OllamaClient) -> None:
        """Keep what is resident now, unless that was done before."""
        if self.found is None:
            self.found = await client.resident_entries()

    def use(self, tag: str) -> None:
        """Note that the run is about to load or call a model."""
        if full_tag(tag) not in self.used:
            self.used.add(full_tag(tag))
            self.on_use()

    def forget(self, tags: Collection[str]) -> None:
        """Leave models alone that were replaced: their full tags load another file now, only the old one is ours."""
        self._replaced |= self.used & set(tags)
        self.used -= set(tags)

    async def restore(self, client: OllamaClient) -> tuple[str, ...]:
        """Restore the residency that was found; return a sentence for each model that could not be restored."""
        before = {full_tag(entry.tag): entry for entry in self.found or ()}
        now = {full_tag(entry.tag): entry for entry in await client.resident_entries()}
        digests = await _digests(client) if self.used or self._replaced else {}
        troubles = await self._unload(client, before, now, digests)
        used_files = {digests[key] for key in self.used & digests.keys()}
        start_s = asyncio.get_running_loop().time()
        displaced = [entry for key, entry in before.items() if key not in now]
        touched = [
            entry for key, entry in before.items() if key in now and (key in self.used or entry.digest in used_files)
        ]
        for _ in range(2 if displaced else 1):  # once more after the last load, so that all expire as they would have
            for entry in (*displaced, *touched):
                what = f"{entry.tag} was resident before the run and could not be put back"
                troubles += await _attempt(_put_back(client, entry, start_s), what)
        left = {full_tag(entry.tag) for entry in await client.resident_entries()}
        gone = [entry.tag for key, entry in before.items() if key not in left]
        if gone and not troubles:
            troubles = [f"{', '.join(gone)}: resident before the run, and the server has no room for it any more"]
        return tuple(dict.fromkeys(troubles))

    async def _unload(
        self,
        client: OllamaClient,
        before: Mapping[str, ResidentEntry],
        now: dict[str, ResidentEntry],
        digests: Mapping[str, str],
    ) -> list[str]:
        """Unload what the run has loaded and take it out of `now`; return a sentence for each model that stays."""
        troubles: list[str] = []
        for key in sorted((self.used | self._replaced) & now.keys()):
            entry = now[key]
            as_found = key in before and before[key].num_ctx == entry.num_ctx and before[key].digest == entry.digest
            is_replaced = None not in (entry.digest, digests.get(key)) and entry.digest != digests[key]
            if as_found or (key in self._replaced and not is_replaced):
                continue
            del now[key]
            what = f"{entry.tag} was loaded by the run and is still resident"
            if not is_replaced:
                troubles += await _attempt(client.unload(entry.tag), what)
                continue
            other = next((tag for tag, digest in digests.items() if digest == entry.digest), None)
            if other is None:
                left = "" if entry.left_s is None else f"; it goes by itself in {entry.left_s / 60:.0f} min"
                troubles.append(f"{what}: its file was replaced on the server, and no tag reaches the old one{left}")
            else:
                troubles += await _attempt(client.unload(other), what)
        return troubles


async def _digests(client: OllamaClient) -> dict[str, str]:
    """Return the digests of the installed models by full tag; empty where the server does not tell."""
    with suppress(BackendError):
        return {full_tag(each.tag): each.digest for each in await client.installed() if each.digest is not None}
    return {}


async def _put_back(client: OllamaClient, entry: ResidentEntry, start_s: float) -> None:
    """Load a model as it was found, to expire as long after `start_s` as it would have when it was found."""
    elapsed_s = asyncio.get_running_loop().time() - start_s
    keep_alive = FOREVER if entry.left_s is None else max(1.0, entry.left_s - elapsed_s)
    await client.load(entry.tag, num_ctx=entry.num_ctx, keep_alive=keep_alive)


async def _attempt(work: Awaitable[None], what: str) -> list[str]:
    """Return no sentence, or the one for the error of `work`."""
    try:
        await work
    except BackendError as error:
        return [f"{what}: {error}"]
    return []


def foreign_models(found: Iterable[ResidentEntry], own: Iterable[str]) -> tuple[ResidentEntry, ...]:
    """Return the resident models that a run does not use.

    Args:
        found: The models that were resident before the run.
        own: The tags of the run's models.
    """
    ours = set(map(full_tag, own))
    return tuple(entry for entry in found if full_tag(entry.tag) not in ours)
