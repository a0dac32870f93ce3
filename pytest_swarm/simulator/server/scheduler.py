"""The server's scheduler as a deterministic state machine: which model is loaded, evicted or waited for, and when.

Every method takes the time in seconds; nothing happens between calls. `next_timer_s` says when `advance` is due.
Knows models, memory and requests; knows no HTTP, no asyncio and no texts. Rules, measured on the real server:

- A request for a resident, compatible model bypasses the queue. All others queue; one of them is current, and loads
  are serial.
- A load is polled every 250 ms. To make room, the server evicts one model at a time, then tests the fit again.
- An unload ends when its memory shows as free, or after 5 s. Until then the server handles no other unload and no end
  of a request.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from pytest_swarm.simulator.server.hardware import LOAD_POLL_S, ModelSpec, ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, ModelRequest, RequestState, free_place, placements
from pytest_swarm.simulator.server.memory import (
    OutOfMemory,
    Placement,
    fits_beside,
    place,
    required_bytes,
    skips_fit_test,
)
from pytest_swarm.simulator.server.unloading import UnloadQueue, choose_model_to_evict


class _Stage(Enum):
    IDLE = auto()  # there is no current request
    LOADING = auto()  # the current request's model is being loaded
    EVICTING = auto()  # a model is being evicted for the current request


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """A load in progress; `placement` None: it will run out of memory."""

    ends_s: float
    placement: Placement | None


class Scheduler:
    """The state machine of one server. Requests enter by `submit`; their `changed` callback reports each transition."""

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._loaded: dict[str, LoadedModel] = {}  # by blob
        self._unloads = UnloadQueue(spec, self._loaded)
        self._queue: deque[ModelRequest] = deque()
        self._current: ModelRequest | None = None
        self._stage = _Stage.IDLE
        self._load: _Load | None = None
        self._evict_all = False  # out of memory beside others: evict all of them, then retry once
        self._cached_blobs: set[str] = set()  # blobs in the page cache

    # --- requests --------------------------------------------------------------------------------------------

    def submit(self, request: ModelRequest, now_s: float) -> None:
        """Accept a request: READY at once if its model is resident, else QUEUED, or REFUSED if the queue is full.

        Args:
            request: A new request.
            now_s: The time in seconds.
        """
        self.advance(now_s)
        loaded = self._loaded.get(request.model.blob)
        if loaded is not None and loaded.serves(request.options):
            loaded.acquire(request)
        elif len(self._queue) >= self._spec.max_queue and self._current is not None:
            request.move(RequestState.REFUSED)
        else:
            self._queue.append(request)
            self._start_next(now_s)

    def request_slot(self, request: ModelRequest, now_s: float) -> None:
        """Give a READY request a slot: RUNNING as soon as one is free.

        Args:
            request: A READY request.
            now_s: The time in seconds.
        """
        self.advance(now_s)
        assert request.loaded is not None, "only a READY request can ask for a slot"
        request.loaded.acquire_slot(request)

    def finish(self, request: ModelRequest, now_s: float) -> None:
        """End a READY or RUNNING request.

        Args:
            request: A READY or RUNNING request.
            now_s: The time in seconds.
        """
        self._release(request, RequestState.FINISHED, now_s)

    def cancel(self, request: ModelRequest, now_s: float, *, keeps_slot: bool = False) -> None:
        """End a request whose client has disconnected, and abort a load for it; no effect on an ended request.

        Args:
            request: A request in any state.
            now_s: The time in seconds.
            keeps_slot: Whether its slot stays taken, until `pass_slot_on` of its model.
        """
        if request.state.ended:
            return
        if request.loaded is not None:
            self._release(request, RequestState.CANCELLED, now_s, keeps_slot=keeps_slot)
            return
        self.advance(now_s)
        if request.state is not RequestState.QUEUED:  # it became ready at this very time
            self._release(request, RequestState.CANCELLED, now_s)
            return
        request.move(RequestState.CANCELLED)
        if request is self._current and self._stage is _Stage.LOADING:
            self._clear_current()
            self._start_next(now_s)

    def unload(self, blob: str, now_s: float) -> None:
        """Unload a model: now if it is idle, else when it becomes idle, unless a request sets a new keep_alive.

        Args:
            blob: The blob of the model.
            now_s: The time in seconds.
        """
        self.advance(now_s)
        loaded = self._loaded.get(blob)
        if loaded is not None:
            self._unloads.expire(loaded)
            loaded.expires_at_s = now_s
            self._run_unloads(now_s)

    def crash(self, blob: str) -> None:
        """Kill a model's process: the model stays listed until the next request for it, which reloads it."""
        loaded = self._loaded.get(blob)
        if loaded is not None:
            loaded.crashed = True

    # --- state -----------------------------------------------------------------------------------------------

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """The resident models, without one that is still loading."""
        return tuple(self._loaded.values())

    @property
    def loading(self) -> Placement | None:
        """The placement of the load in progress; None if there is none."""
        return self._load.placement if self._load is not None else None

    @property
    def waiting(self) -> int:
        """The number of requests without a model: the queued ones and the current one."""
        return len(self._queue) + (self._current is not None)

    @property
    def has_waiting(self) -> bool:
        """Whether a request or the end of an unload waits for the next event; else only a request can tell of it."""
        return self._current is not None or self._unloads.recovering

    def next_timer_s(self) -> float | None:
        """Return the time of the next event that needs no request; None if there is none."""
        unload_s = self._unloads.next_timer_s()
        if self._load is None:
            return unload_s
        return self._load.ends_s if unload_s is None else min(self._load.ends_s, unload_s)

    def advance(self, now_s: float) -> None:
        """Handle all events that are due by `now_s`, in order of time."""
        while (due_s := self.next_timer_s()) is not None and due_s <= now_s:
            if self._load is not None and self._load.ends_s <= due_s:
                self._end_load(self._load, due_s)
            else:
                self._run_unloads(due_s)

    # --- the current request ---------------------------------------------------------------------------------

    def _release(self, request: ModelRequest, end: RequestState, now_s: float, *, keeps_slot: bool = False) -> None:
        self.advance(now_s)
        loaded = request.loaded
        assert loaded is not None, "only a READY or RUNNING request has a model"
        if not keeps_slot:
            loaded.release_slot(request)
        request.move(end)
        self._unloads.request_ended(loaded)
        self._run_unloads(now_s)

    def _run_unloads(self, now_s: float) -> None:
        """Handle ended requests and expired models; after an unload, test again whether the current request fits."""
        while self._unloads.run(now_s):
            if self._stage is _Stage.EVICTING:
                self._process_current(now_s)
                self._start_next(now_s)

    def _start_next(self, now_s: float) -> None:
        """Take requests from the queue until one of them has to wait."""
        while self._current is None and self._queue:
            request = self._queue.popleft()
            if request.state is RequestState.QUEUED:
                self._current = request
                self._evict_all = False
                self._process_current(now_s)

    def _process_current(self, now_s: float) -> None:
        """Give the current request its resident model, begin its load, or evict a model for it."""
        request = self._current
        assert request is not None
        if request.state is not RequestState.QUEUED:  # its client disconnected during the eviction
            self._clear_current()
            return
        loaded = self._loaded.get(request.model.blob)
        if loaded is not None and loaded.serves(request.options):
            self._clear_current()
            loaded.acquire(request)
            return
        evicted = loaded if loaded is not None else self._model_to_evict(request)
        if evicted is None:
            self._begin_load(request, now_s)
        else:
            self._evict(evicted, now_s)

    def _model_to_evict(self, request: ModelRequest) -> LoadedModel | None:
        """Return the model to evict before the request's model can be loaded; None if there is room."""
        loaded_models = self._loaded.values()
        if not loaded_models:
            return None
        if len(loaded_models) >= self._spec.max_loaded_models or self._evict_all:
            return choose_model_to_evict(loaded_models)
        if skips_fit_test(self._spec, request.model, request.options):
            return None
        need = required_bytes(self._spec, request.model, request.options)
        return None if fits_beside(self._spec, need, self._placements()) else choose_model_to_evict(loaded_models)

    def _evict(self, loaded: LoadedModel, now_s: float) -> None:
        self._stage = _Stage.EVICTING
        loaded.must_unload = True
        self._unloads.expire(loaded)
        self._run_unloads(now_s)

    def _begin_load(self, request: ModelRequest, now_s: float) -> None:
        self._stage = _Stage.LOADING
        try:
            placement = place(self._spec, request.model, request.options, self._placements())
        except OutOfMemory:
            self._load = _Load(ends_s=now_s + LOAD_POLL_S, placement=None)
            return
        load_s, poll_s = self._load_s(request.model), self._spec.load_poll_s
        if poll_s:  # a process takes some time to start, so a load of whole intervals is not done at that look
            load_s = (math.floor(load_s / poll_s + 1e-9) + 1) * poll_s
        self._load = _Load(ends_s=now_s + load_s, placement=placement)

    def _end_load(self, load: _Load, now_s: float) -> None:
        request = self._current
        assert request is not None
        self._load = None
        if load.placement is None:
            self._handle_out_of_memory(request, now_s)
        else:
            self._finish_load(request, load.placement)
        self._start_next(now_s)

    def _finish_load(self, request: ModelRequest, placement: Placement) -> None:
        default_s = self._spec.keep_alive_s
        loaded = LoadedModel(
            request,
            placement=placement,
            keep_alive_s=default_s if request.keep_alive_s is None else request.keep_alive_s,
            slots=self._spec.num_parallel,
            table_place=free_place(self._loaded.values()),
        )
        self._loaded[request.model.blob] = loaded
        self._cached_blobs.add(request.model.blob)
        self._clear_current()
        loaded.acquire(request)

    def _handle_out_of_memory(self, request: ModelRequest, now_s: float) -> None:
        """Evict all other models and retry once; fail the request if its model was alone."""
        if self._loaded:
            self._evict_all = True
            self._process_current(now_s)
            return
        self._clear_current()
        request.move(RequestState.FAILED)

    def _clear_current(self) -> None:
        self._current = None
        self._stage = _Stage.IDLE
        self._load = None

    def _placements(self) -> tuple[Placement, ...]:
        return placements(self._loaded.values())

    def _load_s(self, model: ModelSpec) -> float:
        first_s = None if model.blob in self._cached_blobs else model.first_load_s
        return model.load_s if first_s is None else first_s
