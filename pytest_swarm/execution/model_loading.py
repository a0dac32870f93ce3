"""Loads the models that are asked: makes room by explicit unloads, times every load, and notes the footprint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.answers.stored_values import LoadSample
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.simulator.server.hardware import MAX_LOADED_MODELS
from pytest_swarm.units import BYTES_PER_GB, now_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What may be resident at the same time while answers are measured.

    Attributes:
        gb: Memory in GB that all of them may take; None = not known, so that the server shows what fits.
        sizes_gb: Full tag -> footprint in GB, as it is assumed before it is measured; 0 for any other model.
    """

    gb: float | None
    sizes_gb: Mapping[str, float] = field(default_factory=dict)


class ModelLoader:
    """Loads models one at a time, and keeps those resident that are still wanted, where there is room.

    Where a load makes the server evict a model by itself, or spill, its time is not that of a load: it is made again
    with room for it, and from then on no more is kept resident than fitted. So is that of a model which the server does
    not list afterwards: it runs on the copy of another one of the same weights, which is unloaded then.

    Args:
        client: The client of the server.
        store: Takes the loads.
        room: What may be resident at the same time.
        site: The server, as entries of the store name it.
        keeps: Returns whether what a model has just done is certain to be its own.
    """

    def __init__(
        self,
        client: OllamaClient,
        store: AnswerStore,
        *,
        room: Room,
        site: str,
        keeps: Callable[[ModelIdentity], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._store = store
        self._room_gb = room.gb
        self._sizes_gb = room.sizes_gb
        self._site = site
        self._keeps = keeps
        self._loaded: dict[str, ModelIdentity] = {}
        self.listed: tuple[ResidentEntry, ...] = ()
        """What was resident when it was last asked for, or after the last load."""

    async def resident(self) -> set[tuple[str, int]]:
        """Return tag and context of the models that this loader has loaded and that are still resident."""
        self.listed = await self._client.resident_entries()
        found = ((self._own(entry), entry.num_ctx or 0) for entry in self.listed)
        return {(model.tag, num_ctx) for model, num_ctx in found if model is not None}

    def _own(self, entry: ResidentEntry) -> ModelIdentity | None:
        """Return the model that was loaded here; None for any other, such as one that was replaced under its tag."""
        model = self._loaded.get(full_tag(entry.tag))
        return model if model is not None and entry.is_model(model.tag, model.digest) else None

    def forget(self, tags: Collection[str]) -> None:
        """Leave models alone that were replaced: their full tags unload another file now, and the old stays listed."""
        for tag in tags:
            self._loaded.pop(tag, None)

    async def load(self, model: ModelIdentity, num_ctx: int | None, *, wanted: Collection[str], again: bool) -> int:
        """Load a model unless this loader did so with this context and it is resident; return how many loads were made.

        One that others have loaded is loaded anew, because nobody knows which prompts are in its cache.

        Args:
            model: The model.
            num_ctx: The context in tokens; None = the server's default.
            wanted: Tags of models that are asked later, which are unloaded last.
            again: Whether a load must be timed; the first one, which may read the disk, is then followed by another.
        """
        entries = await self._client.resident_entries()
        own = next((entry for entry in entries if entry.is_model(model.tag, model.digest)), None)
        if own is not None and self._own(own) is not None and own.num_ctx == num_ctx and not again:
            return 0
        if own is not None:
            await self._client.unload(own.tag, digest=model.digest)
        beside = await self._make_room(model, [entry for entry in entries if entry is not own], wanted)
        first = full_tag(model.tag) not in self._loaded
        sample = await self._timed(model, num_ctx)
        crowded = await self._was_crowded(model, beside)
        if sample is not None and not crowded:
            self._store.add_sample(sample)
        ours = [entry for entry in beside if self._own(entry) is not None]
        borrowed = ours if sample is None else []  # it may run on the copy of one that has the same weights
        if not (crowded or borrowed or (again and first)):
            return 1
        for entry in borrowed:
            await self._client.unload(entry.tag, digest=entry.digest)
        await self._client.unload(model.tag, digest=model.digest)
        await self._make_room(model, list(await self._client.resident_entries()), wanted)
        sample = await self._timed(model, num_ctx)
        if sample is not None:
            self._store.add_sample(sample)
        return 2

    async def _make_room(
        self, model: ModelIdentity, others: list[ResidentEntry], wanted: Collection[str]
    ) -> list[ResidentEntry]:
        """Unload models that were loaded here until the model fits; return what stays, those of others included."""
        need_gb = self._size_gb(model)
        later = set(map(full_tag, wanted))
        left = list(others)
        ours = [entry for entry in others if self._own(entry) is not None]
        for entry in sorted(ours, key=lambda each: (full_tag(each.tag) in later, each.size_bytes)):
            fits = self._room_gb is None or _size_gb(left) + need_gb <= self._room_gb
            if fits and len(left) < MAX_LOADED_MODELS:
                break
            await self._client.unload(entry.tag, digest=entry.digest)
            left.remove(entry)
        return left

    async def _was_crowded(self, model: ModelIdentity, beside: Sequence[ResidentEntry]) -> bool:
        """Return whether the server had no room for a model beside others, and keep how much room there is."""
        if not beside:
            return False
        entries = await self._client.resident_entries()
        left = {(full_tag(entry.tag), entry.digest) for entry in entries}
        own = [entry for entry in entries if entry.is_model(model.tag, model.digest)]
        evicted = any((full_tag(entry.tag), entry.digest) not in left for entry in beside)
        spilled = any(0 < entry.size_vram_bytes < entry.size_bytes for entry in own)
        if not (evicted or spilled):
            return False
        stayed = [entry for entry in entries if not spilled or entry in own]
        self._room_gb = max(_size_gb(stayed), self._size_gb(model))
        return True

    def _size_gb(self, model: ModelIdentity) -> float:
        """Return the largest measured footprint of a model, else the assumed one."""
        sizes = [load.size_bytes for load in self._store.loads() if load.digest == model.digest]
        return max(sizes) / BYTES_PER_GB if sizes else self._sizes_gb.get(full_tag(model.tag), 0.0)

    async def _timed(self, model: ModelIdentity, num_ctx: int | None) -> LoadSample | None:
        """Load a model, and return the time by the client's clock and its footprint; None where it is not certain."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await self._client.load(model.tag, num_ctx=num_ctx)
        load_s = loop.time() - started_s
        key = full_tag(model.tag)
        self.listed = await self._client.resident_entries()
        list_s = loop.time() - started_s - load_s
        entry = next((each for each in self.listed if each.is_model(model.tag, model.digest)), None)
        first = key not in self._loaded
        self._loaded[key] = model
        if entry is None or not await self._keeps(model):  # unloaded again by somebody else, or replaced
            return None
        return LoadSample(
            digest=model.digest,
            server=model.server,
            site=self._site,
            measured_ts_ms=now_ms(),
            load_s=load_s,
            num_ctx=num_ctx or entry.num_ctx or 0,
            size_bytes=entry.size_bytes,
            size_vram_bytes=entry.size_vram_bytes,
            first=first,
            list_s=list_s,
        )


def _size_gb(entries: Iterable[ResidentEntry]) -> float:
    return sum(entry.size_bytes for entry in entries) / BYTES_PER_GB
