"""A resident model and the requests that use it: reference count, slots, and the keep_alive timer.

Owns the state of requests and loaded models. Knows no queue, no eviction and no event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from itertools import count
from typing import Final

from pytest_swarm.simulator.server.durations import LONGEST_S
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.launch_options import LaunchOptions
from pytest_swarm.simulator.server.memory import Placement
from pytest_swarm.simulator.server.prefix_cache import PrefixCache


class RequestState(Enum):
    """The state of a request in the scheduler."""

    QUEUED = auto()  # waits for its model: queued, or during an eviction or a load
    READY = auto()  # its model is resident and referenced by it
    RUNNING = auto()  # it has a slot
    FINISHED = auto()
    CANCELLED = auto()
    REFUSED = auto()  # the queue was full
    FAILED = auto()  # the model could not be loaded

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self in _ENDED


_ENDED: Final = frozenset((RequestState.FINISHED, RequestState.CANCELLED, RequestState.REFUSED, RequestState.FAILED))


class ModelRequest:
    """A request for a model, from submission to its end. `changed` is called after each change of state.

    Args:
        name: The model's name as the server lists it.
        model: The model.
        options: The launch options that the request needs.
        keep_alive_s: Seconds that the model stays resident when idle; None keeps the model's last value.
    """

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
        """Set the state and call `changed`."""
        self.state = state
        if self.changed is not None:
            self.changed()


class LoadedModel:
    """One loaded model. Mutable; only the scheduler changes it.

    `keep_alive_s` is sticky: it applies until a request sets another. `expires_at_s` is what `/api/ps` shows: the end
    of the last keep_alive timer, also while the model is busy. `must_unload`: unload it as soon as it is idle, whatever
    requests follow. `crashed`: its process is dead, which the server detects at the next request only. `prompts` is its
    prompt cache; None: it has none. `grammar_ready`: it has answered a call with a format. `table_place`: its place in
    the server's table of loaded models.
    """

    def __init__(
        self, request: ModelRequest, *, placement: Placement, keep_alive_s: float, slots: int, table_place: int
    ) -> None:
        self.name = request.name
        self.model = request.model
        self.options = request.options
        self.placement = placement
        self.keep_alive_s = keep_alive_s
        self.references = 0
        self.table_place = table_place
        self.expires_at_s: float | None = None
        self.timer_s: float | None = None
        self.must_unload = False
        self.crashed = False
        reuse = request.model.prompt_cache
        self.grammar_ready = False
        self.prompts = None if reuse is None else PrefixCache(slots, reuse)
        self._slots = slots
        self._running = 0
        self._waiting: deque[ModelRequest] = deque()

    def expiry_s(self, now_s: float) -> float:
        """Return when it expires; for a model that was never idle, the expiry that it would have now."""
        return now_s + min(self.keep_alive_s, LONGEST_S) if self.expires_at_s is None else self.expires_at_s

    @property
    def idle(self) -> bool:
        """Whether no request references the model."""
        return self.references == 0

    def serves(self, options: LaunchOptions) -> bool:
        """Return whether a request with these options can use the model without a reload."""
        return not self.crashed and not options.reloads(self.options)

    def acquire(self, request: ModelRequest) -> None:
        """Reference the model: stop its timer and adopt the request's keep_alive, if it has one."""
        self.references += 1
        self.timer_s = None
        if request.keep_alive_s is not None and not self.must_unload:
            self.keep_alive_s = request.keep_alive_s
        request.loaded = self
        request.move(RequestState.READY)

    def start_keep_alive(self, now_s: float) -> None:
        """Start the keep_alive timer of the idle model."""
        self.timer_s = now_s + self.keep_alive_s
        self.expires_at_s = now_s + min(self.keep_alive_s, LONGEST_S)

    def acquire_slot(self, request: ModelRequest) -> None:
        """Set the request RUNNING if a slot is free, else queue it for one, first come first served."""
        if self._running < self._slots:
            self._running += 1
            request.move(RequestState.RUNNING)
        else:
            self._waiting.append(request)

    def release_slot(self, request: ModelRequest) -> None:
        """Free the request's slot, or remove it from the queue for one."""
        if request.state is not RequestState.RUNNING:
            if request in self._waiting:
                self._waiting.remove(request)
            return
        self.pass_slot_on()

    def pass_slot_on(self) -> None:
        """Give a slot whose request has ended to the next one that waits."""
        if self._waiting:
            self._waiting.popleft().move(RequestState.RUNNING)
        else:
            self._running -= 1


def free_place(loaded_models: Iterable[LoadedModel]) -> int:
    """Return the place of a new model in the server's table: the first free one."""
    taken = {loaded.table_place for loaded in loaded_models}
    return next(place for place in count() if place not in taken)


def placements(loaded_models: Iterable[LoadedModel]) -> tuple[Placement, ...]:
    """Return the placements of the models in the order of the server's table."""
    return tuple(loaded.placement for loaded in sorted(loaded_models, key=lambda loaded: loaded.table_place))
