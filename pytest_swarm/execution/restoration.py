"""Leaves a server as it was found: unloads what a run has loaded, and loads again what it has displaced.

Knows the client; must not know budgets, plans or cases. What was found is a value, so that several processes of a run
can share it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from copy import copy
from typing import Final

from pytest_swarm.domain.limits import UNPLANNED_LOAD_S
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import BackendError, ServerDownError
from pytest_swarm.ollama.client import FOREVER, LEASE_S, OllamaClient
from pytest_swarm.ollama.messages import ChatReply, ResidentEntry

INTERRUPTED: Final = "interrupted while the server"  # how the sentence of a restoration that was broken off begins
_GOES_ON_S: Final = 1.0  # how long what was broken off is looked for; Ollama gives it up at once, a proxy may not
_LOOK_S: Final = 0.1
_HELD_S: Final = 2 * LEASE_S  # more than any request of a run asks for, also where the server's clock differs
_LOAD_LIMIT_S: Final = 300.0  # after which Ollama gives up a load; the limit of the run's own calls may be far shorter


class Restoration:
    """The models that were resident before a run, and those that the run has loaded.

    Attributes:
        found: The models that were resident before, but for those that have gone by themselves; None = not looked yet.
        used: Full tags of the models that the run has loaded or called.
        on_use: Is called before a model is loaded or called for the first time.
        broken_off: Whether a job was ended while it waited for the server, which may go on with the request.
    """

    def __init__(self) -> None:
        self.found: tuple[ResidentEntry, ...] | None = None
        self.used: set[str] = set()
        self._listed: frozenset[str] = frozenset()  # by a list since which the run has loaded nothing
        self._calls = 0  # that go on
        self._replaced: set[str] = set()
        self.broken_off = False
        self.on_use: Callable[[], None] = lambda: None

    async def look(self, client: OllamaClient) -> None:
        """Keep what is resident now, unless that was done before."""
        if self.found is None:
            self.found = await client.resident_entries()
            self.see(self.found)

    def see(self, rows: Iterable[ResidentModel | ResidentEntry]) -> None:
        """Take a list of what is resident, made while no explicit load goes on.

        A model that was found, and that the run does not use, has gone by itself if a list before had it and the run
        has loaded nothing since: its owner unloaded it, or it expired. It is not put back. While calls go on, nothing
        is decided: one of them may turn out to have loaded its model.
        """
        if self.found is None:
            return
        listed = frozenset(full_tag(row.tag) for row in rows)
        if self._calls:
            self._listed |= listed
            return
        if gone := self._listed - listed - self.used:
            self.found = tuple(entry for entry in self.found if full_tag(entry.tag) not in gone)
        self._listed = listed

    def change(self) -> None:
        """Note that the run is about to load or unload, or has: what is missing then may be its doing."""
        self._listed = frozenset()

    async def reply(self, call: Awaitable[ChatReply]) -> ChatReply:
        """Return the reply to a call; the server may have evicted others for it, if it loaded the model again.

        Whether it did is not known of a call that fails, or is broken off.
        """
        self._calls += 1
        load_s: float | None = None
        try:
            reply = await call
            load_s = reply.load_s
        finally:
            self._calls -= 1
            if load_s is None or load_s >= UNPLANNED_LOAD_S:
                self.change()
        return reply

    def use(self, tag: str) -> None:
        """Note that the run is about to load or call a model."""
        if full_tag(tag) not in self.used:
            self.used.add(full_tag(tag))
            self.on_use()

    def forget(self, tags: Collection[str]) -> None:
        """Leave models alone that were replaced: their full tags load another file now, only the old one is ours."""
        self._replaced |= self.used & set(tags)
        self.used -= set(tags)

    async def restore(self, client: OllamaClient, *, loaded: bool = False) -> tuple[str, ...]:
        """Restore the residency that was found; return a sentence for each model that was not restored.

        Where a request was broken off, look for a moment whether the server went on with it, and restore again.

        Args:
            client: The client of the server.
            loaded: Leave the server as it is now, and say what is not resident as it was found.
        """
        try:
            return await (self._not_put_back(client) if loaded else self._restored(client))
        except BackendError as error:
            when = "once it answers, " if isinstance(error, ServerDownError) else ""
            return (self.given_up(f"the server was not left as it was found: {error}", when=when),)

    def given_up(self, why: str = f"{INTERRUPTED} was being left as it was found", *, when: str = "") -> str:
        """Return the sentence for a server that was not left as it was found, with what was resident there before.

        Args:
            why: What broke the restoration off.
            when: From when on the server can be looked at; now by default.
        """
        found = ", ".join(map(_with_context, self.found or ())) or "no model"
        return f"{why}; resident before: {found}; {when}look at `ollama ps`"

    async def _not_put_back(self, client: OllamaClient) -> tuple[str, ...]:
        now = await client.resident_entries()
        self.see(now)
        gone = [_with_context(entry) for entry in self.found or () if not _is_among(entry, now)]
        return (f"not put back, as --swarm-leave-loaded asks: {', '.join(gone)}",) if gone else ()

    async def _restored(self, client: OllamaClient) -> tuple[str, ...]:
        start_s = asyncio.get_running_loop().time()
        digests = await _digests(client) if self.used or self._replaced else {}
        troubles = await self._restore_once(client, digests, start_s)
        while self.broken_off and asyncio.get_running_loop().time() < start_s + _GOES_ON_S:
            await asyncio.sleep(_LOOK_S)
            if any(self._is_ours(entry, digests) for entry in await client.resident_entries()):
                troubles = await self._restore_once(client, digests, start_s)
        return troubles

    async def _restore_once(self, client: OllamaClient, digests: Mapping[str, str], start_s: float) -> tuple[str, ...]:
        """Restore the residency that was found, as it would be at `start_s`; return what could not be restored."""
        now = await client.resident_entries()
        self.see(now)
        self.change()
        found = self.found or ()
        ours = [entry for entry in now if self._is_ours(entry, digests)]
        unsure = {full_tag(entry.tag): await _unload(client, entry, digests) for entry in ours}
        troubles: list[str] = []
        kept = {full_tag(entry.tag) for entry in now if entry not in ours}
        held = {full_tag(entry.tag): entry for entry in now if _is_held(entry)}
        used_files = {digests[key] for key in self.used & digests.keys()}
        displaced = [entry for entry in found if full_tag(entry.tag) not in kept]
        touched = [
            entry
            for entry in found
            if entry not in displaced and (full_tag(entry.tag) in self.used or entry.digest in used_files)
            if full_tag(entry.tag) not in held
        ]
        for _ in range(2 if displaced else 1):  # once more after the last load, so that all expire as they would have
            for entry in (*displaced, *touched):
                what = f"{entry.tag} was resident before the run and could not be put back"
                troubles += await _attempt(_put_back(client, entry, start_s), what)
        left = {full_tag(entry.tag) for entry in await client.resident_entries()}
        troubles += [each for key, said in unsure.items() if key in left for each in said]  # a reply may be lost alone
        gone = [entry.tag for entry in found if full_tag(entry.tag) not in left]
        if gone and not troubles:
            troubles = [f"{', '.join(gone)}: resident before the run, and the server has no room for it any more"]
        troubles += [
            f"{held[key].tag} was loaded by the run and stays: another client has extended its keep_alive since"
            for key in sorted(self.used & held.keys())
            if not _is_among(held[key], found)
        ]
        return tuple(dict.fromkeys(troubles))

    def _is_ours(self, entry: ResidentEntry, digests: Mapping[str, str]) -> bool:
        """Return whether the run has loaded a resident model, or loaded it otherwise than it was found."""
        key = full_tag(entry.tag)
        if _is_among(entry, self.found or ()) or _is_held(entry):
            return False
        return key in self.used or (key in self._replaced and _is_replaced(entry, digests))


def _is_among(entry: ResidentEntry, others: Iterable[ResidentEntry]) -> bool:
    """Return whether a model is resident in another list, too, with the same context."""
    return any(each.is_model(entry.tag, entry.digest) and each.num_ctx == entry.num_ctx for each in others)


def _is_held(entry: ResidentEntry) -> bool:
    """Return whether a resident model stays for longer than a run asks for: another client wants it there."""
    return entry.left_s is None or entry.left_s > _HELD_S


def _is_replaced(entry: ResidentEntry, digests: Mapping[str, str]) -> bool:
    """Return whether the tag of a resident model has another file now, or is gone, as far as the server tells."""
    return bool(digests) and entry.digest is not None and entry.digest != digests.get(full_tag(entry.tag))


async def _unload(client: OllamaClient, entry: ResidentEntry, digests: Mapping[str, str]) -> list[str]:
    """Unload a model that the run has loaded; return no sentence, or the one that says why it stays.

    A tag that was replaced unloads the old model only where both have the same weights.
    """
    what = f"{entry.tag} was loaded by the run and is still resident"
    if not _is_replaced(entry, digests):
        return await _attempt(client.unload(entry.tag, digest=entry.digest), what)
    other = next((tag for tag, digest in digests.items() if digest == entry.digest), None)
    if other is not None:
        return await _attempt(client.unload(other), what)
    new = digests.get(full_tag(entry.tag))
    if new is not None and not await client.is_resident(entry.tag, new):  # somebody else's stays
        await _attempt(client.unload(entry.tag, digest=new), what)
        await asyncio.sleep(_LOOK_S)
        if not await client.is_resident(entry.tag, entry.digest):
            return []
    left = "" if entry.left_s is None else f"; it goes by itself in {entry.left_s / 60:.0f} min"
    return [f"{what}: its file was replaced on the server, and no tag reaches the old one{left}"]


async def _digests(client: OllamaClient) -> dict[str, str]:
    """Return the digests of the installed models by full tag; empty where the server does not tell."""
    with suppress(BackendError):
        return {full_tag(each.tag): each.digest for each in await client.installed() if each.digest is not None}
    return {}


def _with_context(entry: ResidentEntry) -> str:
    return entry.tag if entry.num_ctx is None else f"{entry.tag} (num_ctx {entry.num_ctx})"


async def _put_back(client: OllamaClient, entry: ResidentEntry, start_s: float) -> None:
    """Load a model as it was found, to expire as long after `start_s` as it would have when it was found."""
    elapsed_s = asyncio.get_running_loop().time() - start_s
    keep_alive = FOREVER if entry.left_s is None else max(1.0, entry.left_s - elapsed_s)
    patient = copy(client)
    patient.timeout_s = max(client.timeout_s, _LOAD_LIMIT_S)
    await patient.load(entry.tag, num_ctx=entry.num_ctx, keep_alive=keep_alive)


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
