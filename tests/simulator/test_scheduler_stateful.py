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
from pytest_swarm.simulator.server.loaded_model import ModelRequest, RequestState
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
HOLDING = (RequestState.READY, RequestState.RUNNING)
NEXT = {
    RequestState.QUEUED: {RequestState.READY, RequestState.CANCELLED, RequestState.REFUSED, RequestState.FAILED},
    RequestState.READY: {RequestState.RUNNING, RequestState.FINISHED, RequestState.CANCELLED},
    RequestState.RUNNING: {RequestState.FINISHED, RequestState.CANCELLED},
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
        self.live: list[ModelRequest] = []
        self.wanting: list[ModelRequest] = []

    def check_transitions(self, request: ModelRequest) -> None:
        """Fail at the first change of state that no request may make."""
        before = request.state

        def changed() -> None:
            nonlocal before
            assert request.state in NEXT.get(before, set()), f"{before} -> {request.state}"
            before = request.state

        request.changed = changed

    @rule(
        name=st.sampled_from("aaaabcdz"),
        keep_alive_s=st.sampled_from([None, None, 0.0, 1.0, 60.0, math.inf]),
        options=st.sampled_from([{}, {}, {"num_ctx": 8192}, {"num_gpu": 0}, {"num_gpu": 20}, {"num_gpu": 99}]),
    )
    def submit(self, name: str, keep_alive_s: float | None, options: dict[str, Any]) -> None:
        chosen = next(each for each in MODELS if each.name == name)
        request = ModelRequest(
            name=name,
            model=chosen,
            options=launch_options(self.spec, chosen, {"num_ctx": 4096} | options),
            keep_alive_s=keep_alive_s,
        )
        self.check_transitions(request)
        self.scheduler.submit(request, self.now_s)
        self.live.append(request)

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
    def request_slots(self) -> None:
        for request in self.live:
            if request.state is RequestState.READY and request not in self.wanting:
                self.wanting.append(request)
                self.scheduler.request_slot(request, self.now_s)

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def finish(self, pick: int) -> None:
        request = self.live[pick % len(self.live)]
        if request.state in HOLDING:
            self.scheduler.finish(request, self.now_s)

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def hang_up(self, pick: int) -> None:
        request = self.live[pick % len(self.live)]
        self.scheduler.cancel(request, self.now_s)
        assert request.state.ended

    @rule(name=st.sampled_from(MODELS))
    def unload(self, name: Any) -> None:
        self.scheduler.unload(name.blob, self.now_s)

    @rule(name=st.sampled_from(MODELS))
    def crash(self, name: Any) -> None:
        self.scheduler.crash(name.blob)

    @invariant()
    def memory_is_never_over_allocated(self) -> None:
        held = [loaded.placement for loaded in self.scheduler.loaded_models]
        if self.scheduler.loading is not None:
            held.append(self.scheduler.loading)
        assert sum(placement.vram_bytes for placement in held) <= (self.spec.gpu_bytes or 0)
        assert len(held) <= self.spec.max_loaded_models
        assert all(placement.vram_bytes <= placement.total_bytes for placement in held)

    @invariant()
    def a_model_in_use_stays(self) -> None:
        resident = self.scheduler.loaded_models
        holders = Counter(id(request.loaded) for request in self.live if request.state in HOLDING)
        assert set(holders) <= {id(loaded) for loaded in resident}
        assert all(loaded.references >= holders[id(loaded)] for loaded in resident)
        running = Counter(id(request.loaded) for request in self.live if request.state is RequestState.RUNNING)
        assert all(count <= self.spec.num_parallel for count in running.values())

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        due_s = self.scheduler.next_timer_s()
        assert due_s is None or due_s > self.now_s
        waiting = sum(request.state is RequestState.QUEUED for request in self.live)
        assert waiting <= self.scheduler.waiting <= self.spec.max_queue + 1
        if waiting and not any(request.state in HOLDING for request in self.live):
            assert due_s is not None
            assert due_s - self.now_s < RECOVERY_LIMIT_S + 3.0
        for request in self.wanting:
            if request.state is RequestState.READY:  # it waits for a slot, so all slots of its model are taken
                taken = sum(t.loaded is request.loaded and t.state is RequestState.RUNNING for t in self.live)
                assert taken == self.spec.num_parallel
        self.live = [request for request in self.live if not request.state.ended]

    def teardown(self) -> None:
        """When everybody finishes as soon as they can, everybody is served, and nothing is left running."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(10 * len(self.live) + 100):
            for request in self.live:
                if request.state in HOLDING:
                    self.scheduler.finish(request, self.now_s)
            due_s = self.scheduler.next_timer_s()
            if due_s is None:
                break
            self.now_s = max(self.now_s, due_s)
            self.scheduler.advance(self.now_s)
        assert all(request.state.ended for request in self.live)
        assert all(loaded.idle and math.isinf(loaded.keep_alive_s) for loaded in self.scheduler.loaded_models)
        assert self.scheduler.waiting == 0


TestScheduler = SchedulerMachine.TestCase
TestScheduler.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
