"""Loads the models that are asked: makes room by explicit unloads, times every load, and notes the footprint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from pytest_swarm.domain.limits import full_tag
from pytest_swarm.ollama.answers.answer_store import AnswerStore, now_ms
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.answers.stored_values import LoadSample
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.simulator.server.hardware import MAX_LOADED_MODELS
from pytest_swarm.units import BYTES_PER_GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What may be resident at the same time while answers are measured.

    Attributes:
        gb: Memory in GB that all of them may take.
        sizes_gb: Full tag -> footprint in GB, as it is assumed before it is measured; 0 for any other model.
    """

    gb: float
    sizes_gb: Mapping[str, float] = field(default_factory=dict)


class ModelLoader:
    """Loads models one at a time, and keeps those resident that are still wanted, where there is room.

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
        self._room = room
        self._site = site
        self._keeps = keeps
        self._loaded: dict[str, str] = {}

    async def resident(self) -> set[tuple[str, int]]:
        """Return tag and context of the models that this loader has loaded and that are still resident."""
        entries = await self._client.resident_entries()
        return {
            (self._loaded[full_tag(entry.tag)], entry.num_ctx or 0)
            for entry in entries
            if full_tag(entry.tag) in self._loaded
        }

    async def load(self, model: ModelIdentity, num_ctx: int | None, *, wanted: Collection[str], again: bool) -> int:
        """Load a model where it is not resident with this context; return how many loads were made.

        Args:
            model: The model.
            num_ctx: The context in tokens; None = the server's default.
            wanted: Tags of models that are asked later, which are unloaded last.
            again: Whether a load must be timed; the first one, which may read the disk, is then followed by another.
        """
        entries = await self._client.resident_entries()
        own = next((entry for entry in entries if full_tag(entry.tag) == full_tag(model.tag)), None)
        if own is not None and own.num_ctx == num_ctx and not again:
            return 0
        if own is not None:
            await self._client.unload(own.tag)
        await self._make_room(model, [entry for entry in entries if entry is not own], wanted)
        first = full_tag(model.tag) not in self._loaded
        await self._timed(model, num_ctx)
        if not (again and first):
            return 1
        await self._client.unload(model.tag)
        await self._timed(model, num_ctx)
        return 2

    async def _make_room(self, model: ModelIdentity, others: list[ResidentEntry], wanted: Collection[str]) -> None:
        """Unload models that were loaded here until the model fits beside the rest; models of others stay."""
        need_gb = self._size_gb(model)
        used_gb = sum(entry.size_bytes for entry in others) / BYTES_PER_GB
        count = len(others)
        later = set(map(full_tag, wanted))
        ours = [entry for entry in others if full_tag(entry.tag) in self._loaded]
        for entry in sorted(ours, key=lambda each: (full_tag(each.tag) in later, each.size_bytes)):
            if used_gb + need_gb <= self._room.gb and count < MAX_LOADED_MODELS:
                return
            await self._client.unload(entry.tag)
            used_gb -= entry.size_bytes / BYTES_PER_GB
            count -= 1

    def _size_gb(self, model: ModelIdentity) -> float:
        """Return the largest measured footprint of a model, else the assumed one."""
        sizes = [load.size_bytes for load in self._store.loads() if load.digest == model.digest]
        return max(sizes) / BYTES_PER_GB if sizes else self._room.sizes_gb.get(full_tag(model.tag), 0.0)

    async def _timed(self, model: ModelIdentity, num_ctx: int | None) -> None:
        """Load a model, and store the time by the client's clock and its footprint."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await self._client.load(model.tag, num_ctx=num_ctx)
        load_s = loop.time() - started_s
        key = full_tag(model.tag)
        entries = await self._client.resident_entries()
        entry = next((each for each in entries if full_tag(each.tag) == key), None)
        first = key not in self._loaded
        self._loaded[key] = model.tag
        if entry is None:  # unloaded again by somebody else: there is no footprint to note
            return
        if not await self._keeps(model):
            return
        self._store.add_sample(
            LoadSample(
                digest=model.digest,
                server=model.server,
                site=self._site,
                measured_ts_ms=now_ms(),
                load_s=load_s,
                num_ctx=num_ctx or entry.num_ctx or 0,
                size_bytes=entry.size_bytes,
                size_vram_bytes=entry.size_vram_bytes,
                first=first,
            )
        )
