"""Samples VRAM use: at fixed points of each step, and repeatedly during it, so that no peak is missed in between.

Requests during a step go through the connection's probe client, beside the step's own calls. They take the server
0.8 ms and change nothing; only a sample that differs from the last one is recorded. Must not know plans or budgets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.vram_sample import GpuReading, ResidentModel, SamplePhase, VramSample
from pytest_swarm.errors import BackendError
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.loop_tasks import cancel_and_wait
from pytest_swarm.telemetry.nvml import GpuMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingInterval:
    """Sampling interval during a step: the first one in seconds, and the factor from each to the next."""

    first_s: float
    growth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a sampler asks what is resident, and whether a request that is pending is on its way to the server.

    `known` tells what is resident without a request, of a server in this process; None where it must be asked.
    """

    resident: Callable[[], Awaitable[tuple[ResidentModel, ...]]]
    known: Callable[[], tuple[ResidentModel, ...] | None] = lambda: None
    is_sent: Callable[[], bool] = lambda: True


REAL_INTERVAL: Final = SamplingInterval(first_s=0.5, growth=1.0)
SIMULATED_INTERVAL: Final = SamplingInterval(first_s=0.25, growth=1.5)
"""A step of minutes takes no time in virtual time, so samples at a constant interval would dominate a simulated run."""
GRACE_S: Final = 0.1  # a hundred times the time in which the server lists its models


class VramSampler:
    """Takes the VRAM samples of one job, in order.

    Args:
        look: Tells what is resident, for samples during a step.
        gpu: The NVML meter; None if no GPU is measured.
        clock: The clock of the job.
        interval: The interval of the samples during a step.
        on_sample: Receives each recorded sample.
    """

    def __init__(
        self,
        look: Look,
        gpu: GpuMeter | None,
        clock: JobClock,
        *,
        interval: SamplingInterval,
        on_sample: Callable[[VramSample], None],
    ) -> None:
        self._look = look
        self._gpu = gpu
        self._clock = clock
        self._interval = interval
        self._on_sample = on_sample
        self._last: tuple[ResidentModel, ...] | None = None
        self._peak_bytes = -1
        self._step, self._pause_s = 0, interval.first_s
        self._timer: asyncio.TimerHandle | None = None  # of the next request of a step
        self._request: asyncio.Task[None] | None = None  # the last one
        self._pending = False  # whether it has begun and not ended
        self.phase = SamplePhase.PLANNING

    async def record(self, step: int, phase: SamplePhase, resident: tuple[ResidentModel, ...]) -> None:
        """Record a sample at a fixed point of a step.

        Args:
            step: The step, from 0.
            phase: The phase of the step.
            resident: The resident models, as just observed.
        """
        self._record(await self._read(step, phase, resident))

    def enter(self, step: int) -> None:
        """Enter a step: from now on samples belong to it, and their interval starts anew."""
        self._step, self._pause_s = step, self._interval.first_s

    def begin(self, step: int) -> None:
        """Sample repeatedly until `end`, from a step on; the caller sets `phase` as the step proceeds."""
        self.phase = SamplePhase.PLANNING
        self.enter(step)
        self._wait()

    async def end(self) -> None:
        """Sample no more. A pending request may still complete, because cancelling it would cost its connection.

        A Ctrl-C then is the caller's, and ends the run.
        """
        assert self._timer is not None, "begin() comes first"
        self._timer.cancel()
        self._timer = None
        if self._request is not None:
            await self._end(self._request)
            self._request = None

    async def _end(self, request: asyncio.Task[None]) -> None:
        """End the last request of a step; raise what it raised."""
        try:
            if self._pending and self._look.is_sent():
                await asyncio.wait({request}, timeout=GRACE_S)
        finally:
            request.cancel()
        await cancel_and_wait(request)

    def _wait(self) -> None:
        """Wait until the next request of the step is due."""
        self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._ask)

    def _ask(self) -> None:
        """Sample once, in a task; without one where it is known that nothing has changed."""
        self._pause_s *= self._interval.growth
        rows = None if self._gpu is not None else self._look.known()
        if rows is not None and _by_tag(rows) == self._last:
            self._wait()
        else:
            self._request = asyncio.get_running_loop().create_task(self._sample())

    async def _sample(self) -> None:
        """Sample once, and wait for the next time. A server error is ignored here; the step's own calls report it."""
        self._pending = True
        try:
            with suppress(BackendError):
                await self._sample_once(self._step, self.phase)
        finally:
            self._pending = False
        if self._timer is not None:  # else the step has ended
            self._wait()

    async def _sample_once(self, step: int, phase: SamplePhase) -> None:
        resident = _by_tag(await self._look.resident())
        if self._gpu is None and resident == self._last:
            return
        sample = await self._read(step, phase, resident)
        used = -1 if sample.gpu_used_bytes is None else sample.gpu_used_bytes
        if resident != self._last or used > self._peak_bytes:
            self._record(sample)

    async def _read(self, step: int, phase: SamplePhase, resident: tuple[ResidentModel, ...]) -> VramSample:
        at_s = self._clock.now_s()
        reading: GpuReading | None = None
        if self._gpu is not None:
            reading = await asyncio.to_thread(self._gpu.read)
        return VramSample(step=step, at_s=at_s, resident=resident, phase=phase, gpu=reading)

    def _record(self, sample: VramSample) -> None:
        if sample.phase is SamplePhase.START:
            self._peak_bytes = -1
        if sample.gpu_used_bytes is not None:
            self._peak_bytes = max(self._peak_bytes, sample.gpu_used_bytes)
        self._last = sample.resident
        self._on_sample(sample)


def _by_tag(rows: tuple[ResidentModel, ...]) -> tuple[ResidentModel, ...]:
    return tuple(sorted(rows, key=lambda row: row.tag))
