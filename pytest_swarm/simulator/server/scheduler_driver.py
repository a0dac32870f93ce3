"""Runs the scheduler on an asyncio loop's clock, so that the state of a request can be awaited."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, ModelRequest, RequestState
from pytest_swarm.simulator.server.scheduler import Scheduler

_SCHEDULED: Final = (RequestState.READY, RequestState.REFUSED, RequestState.FAILED)


class SchedulerDriver:
    """One scheduler, bound to the loop in which it is first used."""

    def __init__(self, spec: ServerSpec) -> None:
        self._scheduler = Scheduler(spec)
        self._timer: asyncio.TimerHandle | None = None

    async def ready(self, request: ModelRequest) -> RequestState:
        """Submit the request and return READY, REFUSED or FAILED. Cancellation cancels the request."""
        loop = asyncio.get_running_loop()
        self._scheduler.submit(request, loop.time())
        self._set_timer(loop)
        if request.state not in _SCHEDULED:
            await self._reach(request, _SCHEDULED)
        return request.state

    async def slot(self, request: ModelRequest) -> None:
        """Return when a READY request has a slot. Cancellation cancels the request."""
        self._scheduler.request_slot(request, asyncio.get_running_loop().time())
        if request.state is not RequestState.RUNNING:
            await self._reach(request, (RequestState.RUNNING,))

    def finish(self, request: ModelRequest) -> None:
        """End the request and release its model."""
        loop = asyncio.get_running_loop()
        self._scheduler.finish(request, loop.time())
        self._set_timer(loop)

    def cancel(self, request: ModelRequest, *, slot_held_s: float = 0.0) -> None:
        """End the request of a disconnected client; no effect on an ended request.

        Args:
            request: The request.
            slot_held_s: Seconds for which the model's process goes on with it, in the slot that it has.
        """
        loop = asyncio.get_running_loop()
        self._scheduler.cancel(request, loop.time(), keeps_slot=slot_held_s > 0)
        self._set_timer(loop)
        if slot_held_s > 0 and request.loaded is not None:
            loop.call_later(slot_held_s, request.loaded.pass_slot_on)

    def unload(self, blob: str) -> None:
        """Unload a model as soon as it is idle."""
        loop = asyncio.get_running_loop()
        self._scheduler.unload(blob, loop.time())
        self._set_timer(loop)

    def crash(self, blob: str) -> None:
        """Kill a model's process: the model stays listed, and the next request reloads it."""
        self._scheduler.crash(blob)

    def resident(self) -> tuple[LoadedModel, ...]:
        """Return the models that are resident now."""
        self._scheduler.advance(asyncio.get_running_loop().time())
        return self._scheduler.loaded_models

    def by_expiry(self) -> tuple[LoadedModel, ...]:
        """Return the models that are resident now, the latest expiry first."""
        found, now_s = self.resident(), asyncio.get_running_loop().time()
        if len(found) < 2:  # as at most of a job's looks
            return found
        return tuple(sorted(found, key=lambda each: each.expiry_s(now_s), reverse=True))

    async def _reach(self, request: ModelRequest, states: tuple[RequestState, ...]) -> None:
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

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule a call at the scheduler's next event that cannot wait for a request."""
        due_s = self._scheduler.next_timer_s() if self._scheduler.has_waiting else None
        if self._timer is not None:
            if self._timer.when() == due_s and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if due_s is not None:
            self._timer = loop.call_at(due_s, self._advance, loop)

    def _advance(self, loop: asyncio.AbstractEventLoop) -> None:
        due_s = self._timer.when() if self._timer is not None else loop.time()
        self._timer = None
        self._scheduler.advance(max(due_s, loop.time()))
        self._set_timer(loop)
