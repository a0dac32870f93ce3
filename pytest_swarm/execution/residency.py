"""Keeping the VRAM budget by explicit load and unload: the server itself never refuses, it evicts or spills.

Unloading before loading is also much faster than letting the server evict. Only models of the fleet are touched; what
else is resident belongs to somebody else, and shows up in the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import ResidentModel, Switch
from pytest_swarm.errors import BackendError, ServerDownError
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.ollama.client import OllamaClient

BUDGET_TOLERANCE_GB: Final = 1e-6  # DESIGN 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidencyContext:
    """What the residency needs of a job: its budget, clock and seed, and who is told of each switch as it ends.

    `seed` is that of every request of the job, also of the models that borrow VRAM.
    """

    vram_budget_gb: float
    seed: int
    clock: JobClock
    on_switch: Callable[[Switch], None]


class ResidencyManager:
    """Loads and unloads on one server, for one job at a time; planner and judge borrow VRAM from it as well."""

    def __init__(self, client: OllamaClient, fleet: Fleet) -> None:
        self.client = client
        self.fleet = fleet
        self.step = 0
        self._context: ResidencyContext | None = None
        self._resident: set[str] = set()

    def begin(self, context: ResidencyContext) -> None:
        """From now on keep this job's budget, and enter each switch in its context."""
        self._context = context
        self.step = 0

    async def observe(self) -> tuple[ResidentModel, ...]:
        """What the server says is resident now, in the order of their names."""
        rows = await self.client.resident()
        self._resident = {row.tag for row in rows if row.tag in self.fleet}
        return tuple(sorted(rows, key=lambda row: row.tag))

    @property
    def resident(self) -> frozenset[str]:
        """The fleet's models that were resident when last observed, and what was switched since."""
        return frozenset(self._resident)

    def retained(self, target: Collection[str]) -> tuple[str, ...]:
        """Resident models outside the target that still fit beside it, those that are slowest to load first."""
        room_gb = self._job.vram_budget_gb + BUDGET_TOLERANCE_GB - sum(self.fleet[tag].vram_gb for tag in target)
        kept: list[str] = []
        spare = (self.fleet[tag] for tag in self._resident if tag not in target)
        for model in sorted(spare, key=lambda model: (-model.load_time_ms, model.tag)):
            if model.vram_gb <= room_gb:
                kept.append(model.tag)
                room_gb -= model.vram_gb
        return tuple(kept)

    async def switch_to(self, target: Collection[str], needed: Iterable[str]) -> dict[str, BackendError]:
        """Unload what neither belongs to the target nor fits beside it, then load the `needed` models one by one.

        Returns the models that could not be loaded, with the server's error. ServerDownError goes through.
        """
        kept = set(target).union(self.retained(target))
        for tag in sorted(self._resident - kept):
            await self._switch(tag, "unload")
        failed: dict[str, BackendError] = {}
        for tag in needed:
            if tag in self._resident:
                continue
            try:
                await self._switch(tag, "load")
            except ServerDownError:
                raise
            except BackendError as error:
                failed[tag] = error
        return failed

    async def load_auxiliary(self, tag: str) -> None:
        """Make room for a model that is no part of a plan (planner, judge) and load it; it may be unloaded later.

        A model outside the fleet has no known footprint: nothing is unloaded for it, and the samples show what it took.
        """
        if tag in self.fleet:
            failed = await self.switch_to({tag}, (tag,))
            for error in failed.values():
                raise error

    async def clear(self) -> None:
        """Unload every resident model of the fleet, so that a case starts from nothing."""
        await self.observe()
        for tag in sorted(self._resident):
            await self.client.unload(tag)
        self._resident.clear()

    async def _switch(self, tag: str, action: str) -> None:
        clock = self._job.clock
        started_s = clock.now_s()
        if action == "load":
            await self.client.load(tag, num_ctx=self.fleet[tag].context_tokens)
            self._resident.add(tag)
        else:
            await self.client.unload(tag)
            self._resident.discard(tag)
        finished_s = clock.now_s()
        self._job.on_switch(
            Switch(step=self.step, model=tag, action=action, started_s=started_s, finished_s=finished_s)
        )

    @property
    def seed(self) -> int:
        """The seed of the present job's requests."""
        return self._job.seed

    @property
    def _job(self) -> ResidencyContext:
        assert self._context is not None, "begin() comes first"
        return self._context
