"""Residency: keeps the VRAM budget by explicit loads and unloads, because the server never refuses a model.

The server evicts or spills instead, and an explicit unload before a load is much faster than its eviction. Only models
of the fleet are unloaded; other resident models show in the samples. Of models of the same weights, the one that stands
for them is loaded and unloaded, whichever is asked for. Knows the client and the budget, not routing or scoring.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import DEFAULT_NUM_CTX, Fleet
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.switch import Switch, SwitchPurpose
from pytest_swarm.domain.vram_sample import ResidentModel
from pytest_swarm.errors import BackendError, ServerDownError
from pytest_swarm.estimate.context_fit import fitted_model
from pytest_swarm.estimate.prompt_tokens import PromptSize
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.leases import Leases
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.ollama.client import OllamaClient


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidencyContext:
    """What the residency manager needs of a job.

    `vram_budget_gb` is the budget, `clock` times the switches, and `on_switch` receives each switch when it ends.
    `seed` is the seed of every request of the job, those of planner and judge included.
    """

    vram_budget_gb: float
    seed: int
    clock: JobClock
    on_switch: Callable[[Switch], None]


class ResidencyManager:
    """Loads and unloads the models of one server, for one job at a time; planner and judge included.

    Args:
        client: The client of the server.
        fleet: The models with their footprints (GB) and context lengths (tokens); set anew where contexts are raised.
        restoration: Is told of every model that is loaded or called.
    """

    def __init__(self, client: OllamaClient, fleet: Fleet, *, restoration: Restoration | None = None) -> None:
        self.client = client
        self.fleet = fleet
        self.step = 0
        self._context: ResidencyContext | None = None
        self._resident: set[str] = set()
        self._calls: Counter[str] = Counter()  # calls that run on a model; it stays until they end
        self._released = asyncio.Event()
        self._loading = asyncio.Lock()  # the server loads one model at a time
        self.leases = Leases()
        self.restoration = restoration or Restoration()

    def begin(self, context: ResidencyContext) -> None:
        """Start a job: keep its budget, and report each switch to it."""
        self._context = context
        self._calls.clear()
        self.step = 0

    def end(self) -> None:
        """End a job: nothing is reported to it any more."""
        self._context = None

    async def observe(self) -> tuple[ResidentModel, ...]:
        """Return the models that the server reports as resident, sorted by name."""
        listed = await self.client.resident()
        self.restoration.see(listed)
        rows = self.named(listed)
        self._resident = {row.tag for row in rows if row.tag in self.fleet}
        return tuple(sorted(rows, key=lambda row: row.tag))

    def named(self, rows: Iterable[ResidentModel]) -> tuple[ResidentModel, ...]:
        """Return resident models by the fleet's tags, not by what loaded them; those of others are marked foreign."""
        return tuple(map(self._named, rows))

    def _named(self, row: ResidentModel) -> ResidentModel:
        own = self.fleet.copy_of(row.tag)
        tag, foreign = own or row.tag, own is None and full_tag(row.tag) not in self.restoration.used
        return row if (tag, foreign) == (row.tag, row.foreign) else replace(row, tag=tag, foreign=foreign)

    @property
    def resident(self) -> frozenset[str]:
        """The resident models of the fleet, as last observed and switched since."""
        return frozenset(self._resident)

    def acquire(self, tag: str) -> None:
        """Note that a call runs on a model, which must not be unloaded before `release`."""
        self._calls[self.fleet.holder(tag)] += 1

    def release(self, tag: str) -> None:
        """Note that a call on a model has ended."""
        tag = self.fleet.holder(tag)
        self._calls[tag] -= 1
        if self._calls[tag] <= 0:
            del self._calls[tag]
        self._released.set()

    def is_loaded(self, tag: str) -> bool:
        """Return whether a model is resident with the context that it is to have."""
        return self.fleet.holder(tag) in self._resident and not self._has_other_context(tag)

    def evictions(self, tag: str, keep: Collection[str], *, limit_gb: float) -> tuple[str, ...] | None:
        """Return the models to unload so that a model can be loaded now; None where it must wait.

        Models in use stay, and so do those of `keep`. Of the others, the slowest to load stay where they fit.

        Args:
            tag: The model to load, as `Fleet.holder` names it.
            keep: Models that must stay where they are resident.
            limit_gb: The VRAM that all together may take.
        """
        if tag in self._calls:  # with another context
            return None
        stay = {each for each in self._resident if each in self._calls or each in keep} - {tag}
        room_gb = limit_gb + BUDGET_TOLERANCE_GB - self.fleet[tag].vram_gb
        room_gb -= sum(self.fleet[each].vram_gb for each in stay)
        if room_gb < 0:
            return None
        return tuple(sorted(self._resident - stay.union(self._fitting(self._resident - stay - {tag}, room_gb))))

    async def load_beside(self, tag: str, evicted: Iterable[str], *, purpose: SwitchPurpose) -> BackendError | None:
        """Unload idle models, then load one, while calls run on others; the error where the server refuses.

        Args:
            tag: The model to load.
            evicted: The models that make room, as `evictions` names them.
            purpose: What the model is loaded for.

        Raises:
            ServerDownError: The server does not answer.
        """
        async with self._loading:
            for each in evicted:
                if each in self._resident:
                    await self._switch(each, "unload", purpose)
            return await self._load(tag, purpose)

    def _fitting(self, tags: Iterable[str], room_gb: float) -> list[str]:
        """Return the models that fit into a room of GB, one after the other: those in use, then the slowest to load."""
        models = (self.fleet[tag] for tag in tags)
        kept: list[str] = []
        for model in sorted(models, key=lambda each: (each.tag not in self._calls, -each.load_time_ms, each.tag)):
            if model.vram_gb <= room_gb:
                kept.append(model.tag)
                room_gb -= model.vram_gb
        return kept

    def retained(self, target: Collection[str]) -> tuple[str, ...]:
        """Return the resident models outside the target that fit beside it: those in use, then the slowest to load."""
        room_gb = self._job.vram_budget_gb + BUDGET_TOLERANCE_GB - sum(self.fleet[tag].vram_gb for tag in target)
        return tuple(self._fitting(self._resident.difference(target), room_gb))

    async def switch_to(
        self, target: Collection[str], needed: Iterable[str], *, purpose: SwitchPurpose = SwitchPurpose.TASK
    ) -> dict[str, BackendError]:
        """Unload the models that neither belong to the target nor fit beside it, then load the needed ones.

        Args:
            target: The models that the plan wants resident, as `Fleet.held` names them.
            needed: The models to load now, one at a time and in this order; resident ones are skipped.
            purpose: What they are loaded for.

        Returns:
            The models that could not be loaded, with the server's error.

        Raises:
            ServerDownError: The server does not answer.
        """
        kept = set(target).union(self.retained(target))
        for tag in sorted(self._resident):
            if tag not in kept or self._has_other_context(tag):
                await self._switch(tag, "unload", purpose)
        failed: dict[str, BackendError] = {}
        for tag in needed:
            holder = self.fleet.holder(tag)
            if holder in self._resident:
                continue
            error = failed.get(holder) or await self._load(holder, purpose)
            if error is not None:
                failed[tag] = failed[holder] = error
        return failed

    async def _load(self, tag: str, purpose: SwitchPurpose) -> BackendError | None:
        """Load a model; return the server's error where it refuses. Raises ServerDownError."""
        try:
            await self._switch(tag, "load", purpose)
        except ServerDownError:
            raise
        except BackendError as error:
            return error
        return None

    def _has_other_context(self, tag: str) -> bool:
        """Return whether a model was loaded with another context: its next call would load it again, unplanned."""
        wanted = self.fleet[tag].context_tokens
        return self.leases.context_of(self.fleet.holder(tag)) not in (None, wanted)

    def context_of(self, tag: str) -> int:
        """Return the present context of a model in tokens; the default for one of weights that the fleet lacks."""
        copy = self.fleet.copy_of(tag)
        return DEFAULT_NUM_CTX if copy is None else self.fleet[copy].context_tokens

    def fit_context(self, tag: str, prompt: PromptSize) -> None:
        """Raise the context of an "auto" model to a prompt, where the budget allows.

        The next step starts at the context that its own prompts need.
        """
        if (copy := self.fleet.copy_of(tag)) is None:
            return
        model = self.fleet[copy]
        others_gb = sum(each.vram_gb for each in self.fleet.holders if each.keep and each is not model)
        fitted = fitted_model(model, prompt, room_gb=self._job.vram_budget_gb - others_gb)
        if fitted is not None and fitted.context_tokens > model.context_tokens:
            self.fleet = replace(
                self.fleet, models=tuple(fitted if each is model else each for each in self.fleet.models)
            )

    async def load_auxiliary(self, tag: str) -> None:
        """Make room for a planner or judge model and load it; the next step may unload it.

        A model outside the fleet has no known footprint: nothing is unloaded for it, and the samples show its VRAM.
        Raises BackendError if it cannot be loaded.
        """
        self.restoration.use(tag)
        if (own := self.fleet.copy_of(tag)) is not None:
            async with self._loading:
                await self._room_beside_calls(own)
                failed = await self.switch_to({own}, (own,), purpose=SwitchPurpose.AUXILIARY)
            for error in failed.values():
                raise error

    async def _room_beside_calls(self, tag: str) -> None:
        """Wait until a model fits beside those on which calls run, and none of them has to go."""
        limit_gb = self._job.vram_budget_gb + BUDGET_TOLERANCE_GB
        while self._calls:
            held = {tag, *self._calls}
            if sum(self.fleet[each].vram_gb for each in held) <= limit_gb and not (
                tag in self._calls and self._has_other_context(tag)
            ):
                return
            self._released.clear()
            await self._released.wait()

    async def clear(self) -> None:
        """Unload all resident models of the fleet, so that a case starts with an empty GPU."""
        await self.observe()
        for tag in sorted(self._resident):
            await self._unload(tag)

    async def _unload(self, tag: str) -> None:
        self.restoration.change()
        self.leases.end(tag)
        await self.client.unload(tag)
        self._resident.discard(tag)

    async def _switch(self, tag: str, action: str, purpose: SwitchPurpose) -> None:
        clock = self._job.clock
        started_s = clock.now_s()
        if action == "load":
            num_ctx = self.fleet[tag].context_tokens
            self.restoration.change()
            for each in sorted(self.fleet.usable({tag})):  # the server may name the weights by any of them
                self.restoration.use(each)
            await self.client.load(tag, num_ctx=num_ctx)
            self.leases.begin(tag, num_ctx)
            self._resident.add(tag)
        else:
            await self._unload(tag)
        finished_s = clock.now_s()
        self._job.on_switch(
            Switch(
                step=self.step,
                model=tag,
                action=action,
                started_s=started_s,
                finished_s=finished_s,
                purpose=purpose,
            )
        )

    @property
    def seed(self) -> int:
        """The seed of the current job's requests."""
        return self._job.seed

    @property
    def _job(self) -> ResidencyContext:
        assert self._context is not None, "begin() comes first"
        return self._context
