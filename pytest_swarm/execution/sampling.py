"""Looking into VRAM: at fixed points of each step, and every so often inside it, so that no peak hides between them.

Questions inside a step go through the connection's `watcher`, beside the step's own calls. They cost the server little
(0.8 ms) and change nothing; only what they find new is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.record import GpuReading, ResidentModel, SamplePhase, VramSample
from pytest_swarm.errors import BackendError
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.telemetry.nvml import GpuMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often is looked inside a step: after `first_s`, then in pauses that grow by `growth`."""

    first_s: float
    growth: float


REAL_PACE: Final = Pace(first_s=0.5, growth=1.0)
SIMULATED_PACE: Final = Pace(first_s=0.25, growth=1.5)
"""Virtual time makes a step of minutes cost what a look costs: a constant pace would be most of a simulated run."""
GRACE_S: Final = 0.1  # a hundred times what the server needs to list its models


class VramWatch:
    """Takes the samples of one job, in order; `keep` is told of each that is kept."""

    def __init__(
        self,
        watcher: OllamaClient,
        gpu: GpuMeter | None,
        clock: JobClock,
        *,
        pace: Pace,
        keep: Callable[[VramSample], None],
    ) -> None:
        self._watcher = watcher
        self._gpu = gpu
        self._clock = clock
        self._pace = pace
        self._keep = keep
        self._last: tuple[ResidentModel, ...] | None = None
        self._most_bytes = -1
        self._asking = self._ended = False
        self.phase = SamplePhase.PLANNING

    async def take(self, step: int, phase: SamplePhase, resident: tuple[ResidentModel, ...]) -> None:
        """Keep what was just found to be resident, with the GPU's own figures."""
        self._kept(await self._sample(step, phase, resident))

    @asynccontextmanager
    async def during(self, step: int) -> AsyncIterator[None]:
        """Look every so often until the block is left; set `phase` as the step goes on.

        A question that is on its way then may still be answered: to give it up would cost its connection.
        """
        self.phase, self._ended = SamplePhase.PLANNING, False
        looking = asyncio.get_running_loop().create_task(self._look(step))
        try:
            yield
        finally:
            self._ended = True
            if self._asking:
                await asyncio.wait({looking}, timeout=GRACE_S)
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _look(self, step: int) -> None:
        """Until cancelled. A server that does not answer is the business of the step's own calls."""
        pause_s = self._pace.first_s
        while not self._ended:
            await asyncio.sleep(pause_s)
            pause_s *= self._pace.growth
            self._asking = True
            with suppress(BackendError):
                await self._look_once(step, self.phase)
            self._asking = False

    async def _look_once(self, step: int, phase: SamplePhase) -> None:
        rows = await self._watcher.resident()
        resident = tuple(sorted(rows, key=lambda row: row.tag))
        sample = await self._sample(step, phase, resident)
        used = -1 if sample.gpu_used_bytes is None else sample.gpu_used_bytes
        if resident != self._last or used > self._most_bytes:
            self._kept(sample)

    async def _sample(self, step: int, phase: SamplePhase, resident: tuple[ResidentModel, ...]) -> VramSample:
        at_s = self._clock.now_s()
        reading: GpuReading | None = None
        if self._gpu is not None:
            reading = await asyncio.to_thread(self._gpu.read)
        return VramSample(step=step, at_s=at_s, resident=resident, phase=phase, gpu=reading)

    def _kept(self, sample: VramSample) -> None:
        if sample.phase is SamplePhase.START:
            self._most_bytes = -1
        if sample.gpu_used_bytes is not None:
            self._most_bytes = max(self._most_bytes, sample.gpu_used_bytes)
        self._last = sample.resident
        self._keep(sample)
