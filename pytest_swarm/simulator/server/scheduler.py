"""The server's scheduler as a deterministic state machine: which model is loaded, evicted or waited for, and when.

Every method takes the time in seconds; nothing happens between calls. `next_timer_s` says when `advance` is due.
Knows models, memory and requests; nothing of HTTP, asyncio or texts. What it imitates, measured on the real server:

- A request for a resident, compatible model bypasses the queue. All others queue: one is in hand, loads are serial.
- Loading is waited for in polls of 250 ms. Making room unloads one victim at a time, then looks again.
- An unload ends when its memory shows as free, or after 5 s. Until then no other unload, and no end of a request,
  is noticed.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pytest_swarm.simulator.server.eviction import choose_victim
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, Ticket, TicketState
from pytest_swarm.simulator.server.memory import OutOfMemory, Placement, fits_beside, need_bytes, place, skips_fit_test
from pytest_swarm.simulator.server.unloading import Housekeeping

LOAD_POLL_S: Final = 0.25  # the server looks this often whether a load is done


class _Stage(Enum):
    NOTHING = auto()  # no request is in hand
    LOADING = auto()  # the request's model is being loaded
    MAKING_ROOM = auto()  # a victim has been told to go


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """A load under way; without a placement it will run out of memory."""

    ends_s: float
    placement: Placement | None


class Scheduler:
    """The state machine of one server. Tickets go in by `submit`; their `changed` callback tells of each step."""

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._runners: dict[str, LoadedModel] = {}  # by blob, in the order in which they were loaded
        self._house = Housekeeping(spec, self._runners)
        self._queue: deque[Ticket] = deque()
        self._hand: Ticket | None = None
        self._stage = _Stage.NOTHING
        self._load: _Load | None = None
        self._evict_all = False  # out of memory beside others: all of them go, then one more try
        self._seen: set[str] = set()  # blobs in the page cache

    # --- what requests do ------------------------------------------------------------------------------------

    def submit(self, ticket: Ticket, now_s: float) -> None:
        """Take a request: READY at once where its model is resident, else QUEUED, or REFUSED where that is full."""
        self.advance(now_s)
        runner = self._runners.get(ticket.model.blob)
        if runner is not None and runner.serves(ticket.options):
            runner.hold(ticket)
        elif len(self._queue) >= self._spec.max_queue and self._hand is not None:
            ticket.move(TicketState.REFUSED)
        else:
            self._queue.append(ticket)
            self._take_next(now_s)

    def want_slot(self, ticket: Ticket, now_s: float) -> None:
        """A READY request asks for a slot: RUNNING as soon as there is one."""
        self.advance(now_s)
        assert ticket.runner is not None, "only a READY ticket can want a slot"
        ticket.runner.take_slot(ticket)

    def finish(self, ticket: Ticket, now_s: float) -> None:
        """A READY or RUNNING request is done with its model."""
        self._release(ticket, TicketState.FINISHED, now_s)

    def cancel(self, ticket: Ticket, now_s: float) -> None:
        """The client of a request has gone; a load for it is given up. Without effect on one that has ended."""
        if ticket.state.ended:
            return
        if ticket.runner is not None:
            self._release(ticket, TicketState.CANCELLED, now_s)
            return
        self.advance(now_s)
        if ticket.state is not TicketState.QUEUED:  # it became ready in this very moment
            self._release(ticket, TicketState.CANCELLED, now_s)
            return
        ticket.move(TicketState.CANCELLED)
        if ticket is self._hand and self._stage is _Stage.LOADING:
            self._drop_hand()
            self._take_next(now_s)

    def unload(self, blob: str, now_s: float) -> None:
        """Let a model go: at once if it is idle, else when it is, unless a request brings another keep_alive."""
        self.advance(now_s)
        runner = self._runners.get(blob)
        if runner is not None:
            self._house.expire(runner)
            runner.expires_at_s = now_s
            self._tidy(now_s)

    def crash(self, blob: str) -> None:
        """A model's runner has died: it stays listed until the next request for it, which loads it again."""
        runner = self._runners.get(blob)
        if runner is not None:
            runner.crashed = True

    # --- what others see ---------------------------------------------------------------------------------------

    @property
    def runners(self) -> tuple[LoadedModel, ...]:
        """The resident models, in the order in which they were loaded; one that is still loading is not among them."""
        return tuple(self._runners.values())

    @property
    def loading(self) -> Placement | None:
        """What the load under way takes, None where there is none."""
        return self._load.placement if self._load is not None else None

    @property
    def waiting(self) -> int:
        """Requests that wait for a model: in the queue and in hand."""
        return len(self._queue) + (self._hand is not None)

    def next_timer_s(self) -> float | None:
        """When something happens by itself, None where nothing will."""
        times = [] if self._load is None else [self._load.ends_s]
        house_s = self._house.next_timer_s()
        return min([*times, house_s] if house_s is not None else times, default=None)

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due by `now_s`, in order."""
        while (due_s := self.next_timer_s()) is not None and due_s <= now_s:
            if self._load is not None and self._load.ends_s <= due_s:
                self._end_load(self._load, due_s)
            else:
                self._tidy(due_s)

    # --- the request in hand -------------------------------------------------------------------------------------

    def _release(self, ticket: Ticket, end: TicketState, now_s: float) -> None:
        self.advance(now_s)
        runner = ticket.runner
        assert runner is not None, "only a READY or RUNNING ticket holds a model"
        runner.leave_slot(ticket)
        ticket.move(end)
        self._house.finished(runner)
        self._tidy(now_s)

    def _tidy(self, now_s: float) -> None:
        """Let ends of requests and of stays take effect; an unload lets a request that waits for room look again."""
        while self._house.run(now_s):
            if self._stage is _Stage.MAKING_ROOM:
                self._decide(now_s)
                self._take_next(now_s)

    def _take_next(self, now_s: float) -> None:
        """Take requests in hand until one has to wait."""
        while self._hand is None and self._queue:
            ticket = self._queue.popleft()
            if ticket.state is TicketState.QUEUED:
                self._hand = ticket
                self._evict_all = False
                self._decide(now_s)

    def _decide(self, now_s: float) -> None:
        """What the request in hand needs next: its model as it is, a load, or room."""
        ticket = self._hand
        assert ticket is not None
        if ticket.state is not TicketState.QUEUED:  # its client left while room was made
            self._drop_hand()
            return
        runner = self._runners.get(ticket.model.blob)
        if runner is not None and runner.serves(ticket.options):
            self._drop_hand()
            runner.hold(ticket)
            return
        victim = runner if runner is not None else self._room_needed(ticket)
        if victim is None:
            self._begin_load(ticket, now_s)
        else:
            self._make_room(victim, now_s)

    def _room_needed(self, ticket: Ticket) -> LoadedModel | None:
        """Who must go before the ticket's model can be loaded, None where there is room."""
        runners = self._runners.values()
        if not runners:
            return None
        if len(runners) >= self._spec.max_loaded_models or self._evict_all:
            return choose_victim(runners)
        if skips_fit_test(self._spec, ticket.model, ticket.options):
            return None
        need = need_bytes(self._spec, ticket.model, ticket.options)
        return None if fits_beside(self._spec, need, self._placements()) else choose_victim(runners)

    def _make_room(self, victim: LoadedModel, now_s: float) -> None:
        self._stage = _Stage.MAKING_ROOM
        victim.doomed = True
        self._house.expire(victim)
        self._tidy(now_s)

    def _begin_load(self, ticket: Ticket, now_s: float) -> None:
        self._stage = _Stage.LOADING
        try:
            placement = place(self._spec, ticket.model, ticket.options, self._placements())
        except OutOfMemory:
            self._load = _Load(ends_s=now_s + LOAD_POLL_S, placement=None)
            return
        polls = max(1, math.ceil(self._load_s(ticket.model) / LOAD_POLL_S - 1e-9))
        self._load = _Load(ends_s=now_s + polls * LOAD_POLL_S, placement=placement)

    def _end_load(self, load: _Load, now_s: float) -> None:
        ticket = self._hand
        assert ticket is not None
        self._load = None
        if load.placement is None:
            self._out_of_memory(ticket, now_s)
        else:
            self._start_runner(ticket, load.placement)
        self._take_next(now_s)

    def _start_runner(self, ticket: Ticket, placement: Placement) -> None:
        default_s = self._spec.keep_alive_s
        runner = LoadedModel(
            ticket,
            placement=placement,
            keep_alive_s=default_s if ticket.keep_alive_s is None else ticket.keep_alive_s,
            slots=self._spec.num_parallel,
        )
        self._runners[ticket.model.blob] = runner
        self._seen.add(ticket.model.blob)
        self._drop_hand()
        runner.hold(ticket)

    def _out_of_memory(self, ticket: Ticket, now_s: float) -> None:
        """Beside others: all of them go, then the load is tried once more. Alone: the request fails."""
        if self._runners:
            self._evict_all = True
            self._decide(now_s)
            return
        self._drop_hand()
        ticket.move(TicketState.FAILED)

    def _drop_hand(self) -> None:
        self._hand = None
        self._stage = _Stage.NOTHING
        self._load = None

    def _placements(self) -> tuple[Placement, ...]:
        return tuple(runner.placement for runner in self._runners.values())

    def _load_s(self, model: ModelSpec) -> float:
        first_s = None if model.blob in self._seen else model.first_load_s
        return model.load_s if first_s is None else first_s
