"""Random sequences of requests against the scheduler alone: no memory over-allocated, no request lost or deadlocked."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.launch_options import launch_options
from pytest_swarm.simulator.server.loaded_model import Ticket, TicketState
from pytest_swarm.simulator.server.scheduler import Scheduler
from pytest_swarm.simulator.server.unloading import RECOVERY_LIMIT_S
from tests.simulator.servers import model, spec

MODELS = (
    model("a", 4, "10", load_s=0.3),
    model("b", 9, "20", load_s=1.0, first_load_s=2.0),
    model("c", 20, "30", load_s=0.0),
    model("d", 2, "40", load_s=0.25),
    model("z", 4, "10", load_s=0.3),
)
HOLDING = (TicketState.READY, TicketState.RUNNING)
NEXT = {
    TicketState.QUEUED: {TicketState.READY, TicketState.CANCELLED, TicketState.REFUSED, TicketState.FAILED},
    TicketState.READY: {TicketState.RUNNING, TicketState.FINISHED, TicketState.CANCELLED},
    TicketState.RUNNING: {TicketState.FINISHED, TicketState.CANCELLED},
}


class SchedulerMachine(RuleBasedStateMachine):
    """Clients that come, wait, use, leave and hang up in any order, on a GPU that is too small for all of them."""

    @initialize(
        gpu_gib=st.sampled_from([None, 8, 16, 24]),
        parallel=st.integers(1, 2),
        loaded=st.integers(1, 3),
        queue=st.integers(1, 8),
        stale=st.booleans(),
    )
    def start(self, gpu_gib: int | None, parallel: int, loaded: int, queue: int, stale: bool) -> None:
        self.spec: ServerSpec = spec(
            *MODELS,
            gpu_gib=gpu_gib,
            num_parallel=parallel,
            max_loaded_models=loaded,
            max_queue=queue,
            stale_free_memory=stale,
            keep_alive_s=10.0,
        )
        self.scheduler = Scheduler(self.spec)
        self.now_s = 0.0
        self.live: list[Ticket] = []
        self.wanting: list[Ticket] = []

    def watch(self, ticket: Ticket) -> None:
        """Fail at the first change of state that no request may make."""
        before = ticket.state

        def changed() -> None:
            nonlocal before
            assert ticket.state in NEXT.get(before, set()), f"{before} -> {ticket.state}"
            before = ticket.state

        ticket.changed = changed

    @rule(
        name=st.sampled_from("aaaabcdz"),
        keep_alive_s=st.sampled_from([None, None, 0.0, 1.0, 60.0, math.inf]),
        options=st.sampled_from([{}, {}, {"num_ctx": 8192}, {"num_gpu": 0}, {"num_gpu": 20}, {"num_gpu": 99}]),
    )
    def submit(self, name: str, keep_alive_s: float | None, options: dict[str, Any]) -> None:
        chosen = next(each for each in MODELS if each.name == name)
        ticket = Ticket(
            name=name,
            model=chosen,
            options=launch_options(self.spec, chosen, {"num_ctx": 4096} | options),
            keep_alive_s=keep_alive_s,
        )
        self.watch(ticket)
        self.scheduler.submit(ticket, self.now_s)
        self.live.append(ticket)

    @rule(seconds=st.just(6.0))  # long enough for any one load or unload, so that runs get somewhere
    def wait_long(self, seconds: float) -> None:
        self.wait_for(seconds)

    @rule(seconds=st.sampled_from([0.01, 0.25, 1.0, 5.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.wait_for(seconds)

    def wait_for(self, seconds: float) -> None:
        self.now_s += seconds
        self.scheduler.advance(self.now_s)

    @rule()
    def want_slots(self) -> None:
        for ticket in self.live:
            if ticket.state is TicketState.READY and ticket not in self.wanting:
                self.wanting.append(ticket)
                self.scheduler.want_slot(ticket, self.now_s)

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def finish(self, pick: int) -> None:
        ticket = self.live[pick % len(self.live)]
        if ticket.state in HOLDING:
            self.scheduler.finish(ticket, self.now_s)

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def hang_up(self, pick: int) -> None:
        ticket = self.live[pick % len(self.live)]
        self.scheduler.cancel(ticket, self.now_s)
        assert ticket.state.ended

    @rule(name=st.sampled_from(MODELS))
    def unload(self, name: Any) -> None:
        self.scheduler.unload(name.blob, self.now_s)

    @rule(name=st.sampled_from(MODELS))
    def crash(self, name: Any) -> None:
        self.scheduler.crash(name.blob)

    @invariant()
    def memory_is_never_over_allocated(self) -> None:
        held = [runner.placement for runner in self.scheduler.runners]
        if self.scheduler.loading is not None:
            held.append(self.scheduler.loading)
        assert sum(placement.vram_bytes for placement in held) <= (self.spec.gpu_bytes or 0)
        assert len(held) <= self.spec.max_loaded_models
        assert all(placement.vram_bytes <= placement.total_bytes for placement in held)

    @invariant()
    def a_model_in_use_stays(self) -> None:
        resident = self.scheduler.runners
        holders = Counter(id(ticket.runner) for ticket in self.live if ticket.state in HOLDING)
        assert set(holders) <= {id(runner) for runner in resident}
        assert all(runner.references >= holders[id(runner)] for runner in resident)
        running = Counter(id(ticket.runner) for ticket in self.live if ticket.state is TicketState.RUNNING)
        assert all(count <= self.spec.num_parallel for count in running.values())

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        due_s = self.scheduler.next_timer_s()
        assert due_s is None or due_s > self.now_s
        waiting = sum(ticket.state is TicketState.QUEUED for ticket in self.live)
        assert waiting <= self.scheduler.waiting <= self.spec.max_queue + 1
        if waiting and not any(ticket.state in HOLDING for ticket in self.live):
            assert due_s is not None
            assert due_s - self.now_s < RECOVERY_LIMIT_S + 3.0
        for ticket in self.wanting:
            if ticket.state is TicketState.READY:  # it waits for a slot, so all slots of its model are taken
                taken = sum(t.runner is ticket.runner and t.state is TicketState.RUNNING for t in self.live)
                assert taken == self.spec.num_parallel
        self.live = [ticket for ticket in self.live if not ticket.state.ended]

    def teardown(self) -> None:
        """When everybody finishes as soon as they can, everybody is served, and nothing is left running."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(10 * len(self.live) + 100):
            for ticket in self.live:
                if ticket.state in HOLDING:
                    self.scheduler.finish(ticket, self.now_s)
            due_s = self.scheduler.next_timer_s()
            if due_s is None:
                break
            self.now_s = max(self.now_s, due_s)
            self.scheduler.advance(self.now_s)
        assert all(ticket.state.ended for ticket in self.live)
        assert all(runner.idle and math.isinf(runner.keep_alive_s) for runner in self.scheduler.runners)
        assert self.scheduler.waiting == 0


TestScheduler = SchedulerMachine.TestCase
TestScheduler.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
