"""A resident model and the requests that use it: references, slots, and the timer that ends its stay."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.launch_options import LaunchOptions
from pytest_swarm.simulator.server.memory import Placement

FOREVER_S: Final = math.inf  # keep_alive of a pinned model


class RequestState(Enum):
    """How far a request has come."""

    QUEUED = auto()  # waits for its model: in the queue, or while the model is made room for or loaded
    READY = auto()  # its model is resident and held for it
    RUNNING = auto()  # it has a slot
    FINISHED = auto()
    CANCELLED = auto()
    REFUSED = auto()  # the queue was full
    FAILED = auto()  # the model could not be loaded

    @property
    def ended(self) -> bool:
        """Whether the scheduler has nothing more to do for the request."""
        return self in _ENDED


_ENDED: Final = frozenset((RequestState.FINISHED, RequestState.CANCELLED, RequestState.REFUSED, RequestState.FAILED))


class ModelRequest:
    """One request for a model, from its arrival to its end. `changed` is called after each change of state."""

    __slots__ = ("changed", "keep_alive_s", "loaded", "model", "name", "options", "state")

    def __init__(
        self, *, name: str, model: ModelSpec, options: LaunchOptions, keep_alive_s: float | None = None
    ) -> None:
        self.name = name
        self.model = model
        self.options = options
        self.keep_alive_s = keep_alive_s
        self.state = RequestState.QUEUED
        self.loaded: LoadedModel | None = None
        self.changed: Callable[[], None] | None = None

    def move(self, state: RequestState) -> None:
        """Set the state and tell whoever waits."""
        self.state = state
        if self.changed is not None:
            self.changed()


class LoadedModel:
    """One loaded model. Mutable: the scheduler's own record, changed by nobody else.

    `keep_alive_s` is sticky: it stays until a request brings another. `expires_at_s` is what `/api/ps` shows: the end
    of the last idle time's timer, also while busy. `must_unload`: it goes as soon as it is idle, whatever requests come.
    `crashed`: its process is gone, which nobody notices before the next request.
    """

    __slots__ = (
        "_running",
        "_slots",
        "_waiting",
        "crashed",
        "expires_at_s",
        "keep_alive_s",
        "model",
        "must_unload",
        "name",
        "options",
        "placement",
        "references",
        "timer_s",
    )

    def __init__(self, request: ModelRequest, *, placement: Placement, keep_alive_s: float, slots: int) -> None:
        self.name = request.name
        self.model = request.model
        self.options = request.options
        self.placement = placement
        self.keep_alive_s = keep_alive_s
        self.references = 0
        self.expires_at_s: float | None = None
        self.timer_s: float | None = None
        self.must_unload = False
        self.crashed = False
        self._slots = slots
        self._running = 0
        self._waiting: deque[ModelRequest] = deque()

    @property
    def idle(self) -> bool:
        """Whether no request holds it."""
        return self.references == 0

    def serves(self, options: LaunchOptions) -> bool:
        """Whether a request with these options can use it as it is."""
        return not self.crashed and not options.reloads(self.options)

    def acquire(self, request: ModelRequest) -> None:
        """Give the model to a request: its timer stops, and its keep_alive, if it brings one, becomes the model's."""
        self.references += 1
        self.timer_s = None
        if request.keep_alive_s is not None and not self.must_unload:
            self.keep_alive_s = request.keep_alive_s
        request.loaded = self
        request.move(RequestState.READY)

    def start_keep_alive(self, now_s: float) -> None:
        """Start the timer of the stay."""
        self.expires_at_s = self.timer_s = now_s + self.keep_alive_s

    def acquire_slot(self, request: ModelRequest) -> None:
        """RUNNING at once where a slot is free, else in the order of arrival."""
        if self._running < self._slots:
            self._running += 1
            request.move(RequestState.RUNNING)
        else:
            self._waiting.append(request)

    def release_slot(self, request: ModelRequest) -> None:
        """The request needs its slot, or its place in the line, no longer."""
        if request.state is not RequestState.RUNNING:
            if request in self._waiting:
                self._waiting.remove(request)
            return
        if self._waiting:
            self._waiting.popleft().move(RequestState.RUNNING)
        else:
            self._running -= 1
