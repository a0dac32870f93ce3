"""Drives the scheduler by an asyncio loop's clock: requests become things that can be awaited."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, ModelRequest, RequestState
from pytest_swarm.simulator.server.scheduler import Scheduler

_SETTLED: Final = (RequestState.READY, RequestState.REFUSED, RequestState.FAILED)


class SchedulerDriver:
    """One scheduler on the loop in which it is first used."""

    def __init__(self, spec: ServerSpec) -> None:
        self._scheduler = Scheduler(spec)
        self._timer: asyncio.TimerHandle | None = None

    async def ready(self, request: ModelRequest) -> RequestState:
        """Submit, and return READY, REFUSED or FAILED when that is known. Cancelling gives the request up."""
        loop = asyncio.get_running_loop()
        self._scheduler.submit(request, loop.time())
        self._arm(loop)
        if request.state not in _SETTLED:
            await self._reaches(request, _SETTLED)
        return request.state

    async def slot(self, request: ModelRequest) -> None:
        """Return when a READY request has a slot. Cancelling gives the request up."""
        self._scheduler.want_slot(request, asyncio.get_running_loop().time())
        if request.state is not RequestState.RUNNING:
            await self._reaches(request, (RequestState.RUNNING,))

    def finish(self, request: ModelRequest) -> None:
        """The request is done with its model."""
        loop = asyncio.get_running_loop()
        self._scheduler.finish(request, loop.time())
        self._arm(loop)

    def cancel(self, request: ModelRequest) -> None:
        """The request's client has gone; without effect on a request that has ended."""
        loop = asyncio.get_running_loop()
        self._scheduler.cancel(request, loop.time())
        self._arm(loop)

    def unload(self, blob: str) -> None:
        """Let a model go."""
        loop = asyncio.get_running_loop()
        self._scheduler.unload(blob, loop.time())
        self._arm(loop)

    def crash(self, blob: str) -> None:
        """A model's loaded has died; it is still listed, and the next request loads it again."""
        self._scheduler.crash(blob)

    def resident(self) -> tuple[LoadedModel, ...]:
        """The resident models now, in the order in which they were loaded."""
        self._scheduler.advance(asyncio.get_running_loop().time())
        return self._scheduler.loaded_models

    async def _reaches(self, request: ModelRequest, states: tuple[RequestState, ...]) -> None:
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def changed() -> None:
            if request.state in states and not reached.done():
                reached.set_result(None)

        request.changed = changed
        try:
            await reached
        except asyncio.CancelledError:
            self.cancel(request)
            raise
        finally:
            request.changed = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that the scheduler is called when something is due by itself."""
        due_s = self._scheduler.next_timer_s()
        if self._timer is not None:
            if self._timer.when() == due_s and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if due_s is not None:
            self._timer = loop.call_at(due_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        due_s = self._timer.when() if self._timer is not None else loop.time()
        self._timer = None
        self._scheduler.advance(max(due_s, loop.time()))
        self._arm(loop)
