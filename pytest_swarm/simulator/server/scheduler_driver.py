"""Drives the scheduler by an asyncio loop's clock: tickets become things that can be awaited."""

from __future__ import annotations

import asyncio
from typing import Final

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, Ticket, TicketState
from pytest_swarm.simulator.server.scheduler import Scheduler

_SETTLED: Final = (TicketState.READY, TicketState.REFUSED, TicketState.FAILED)


class SchedulerDriver:
    """One scheduler on the loop in which it is first used."""

    def __init__(self, spec: ServerSpec) -> None:
        self._scheduler = Scheduler(spec)
        self._timer: asyncio.TimerHandle | None = None

    async def ready(self, ticket: Ticket) -> TicketState:
        """Submit, and return READY, REFUSED or FAILED when that is known. Cancelling gives the request up."""
        loop = asyncio.get_running_loop()
        self._scheduler.submit(ticket, loop.time())
        self._arm(loop)
        if ticket.state not in _SETTLED:
            await self._reaches(ticket, _SETTLED)
        return ticket.state

    async def slot(self, ticket: Ticket) -> None:
        """Return when a READY ticket has a slot. Cancelling gives the request up."""
        self._scheduler.want_slot(ticket, asyncio.get_running_loop().time())
        if ticket.state is not TicketState.RUNNING:
            await self._reaches(ticket, (TicketState.RUNNING,))

    def finish(self, ticket: Ticket) -> None:
        """The request is done with its model."""
        loop = asyncio.get_running_loop()
        self._scheduler.finish(ticket, loop.time())
        self._arm(loop)

    def cancel(self, ticket: Ticket) -> None:
        """The request's client has gone; without effect on a ticket that has ended."""
        loop = asyncio.get_running_loop()
        self._scheduler.cancel(ticket, loop.time())
        self._arm(loop)

    def unload(self, blob: str) -> None:
        """Let a model go."""
        loop = asyncio.get_running_loop()
        self._scheduler.unload(blob, loop.time())
        self._arm(loop)

    def crash(self, blob: str) -> None:
        """A model's runner has died; it is still listed, and the next request loads it again."""
        self._scheduler.crash(blob)

    def resident(self) -> tuple[LoadedModel, ...]:
        """The resident models now, in the order in which they were loaded."""
        self._scheduler.advance(asyncio.get_running_loop().time())
        return self._scheduler.runners

    async def _reaches(self, ticket: Ticket, states: tuple[TicketState, ...]) -> None:
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def changed() -> None:
            if ticket.state in states and not reached.done():
                reached.set_result(None)

        ticket.changed = changed
        try:
            await reached
        except asyncio.CancelledError:
            self.cancel(ticket)
            raise
        finally:
            ticket.changed = None

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
