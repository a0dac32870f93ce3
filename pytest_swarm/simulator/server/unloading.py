"""Eviction and unloading: which model makes room, when a model is unloaded, and when its memory counts as free.

The real server runs all of this in one loop. After an unload the loop blocks until the memory shows as free, 5 s at
most. With the stale-free-memory quirk it asks one resident model before and after, which reports what was free at its
own load: the memory of another model never shows as free, that of the model itself seems to at once. Knows loaded
models and memory; knows no queue of requests, no HTTP and no event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel, placements
from pytest_swarm.simulator.server.memory import reported_free_bytes

RECOVERY_POLL_S: Final = 0.25  # interval at which the server checks whether the memory shows as free
RECOVERY_LIMIT_S: Final = 5.0  # the server continues after this time in any case
_RECOVERED_SHARE: Final = 0.75  # share of the model's memory that must show as free


def choose_model_to_evict(loaded_models: Iterable[LoadedModel]) -> LoadedModel:
    """Return the model to evict: idle before busy, then shortest keep_alive, then first by blob.

    Neither least recently used nor largest: measured on the real server. A pinned model (keep_alive -1) comes last, but
    can be evicted. Raises ValueError if no model is loaded.
    """
    return min(loaded_models, key=lambda loaded: (not loaded.idle, loaded.keep_alive_s, loaded.model.blob))


class UnloadQueue:
    """Ends of requests and expired models, handled one at a time.

    `loaded_models` (blob -> model) is shared with the scheduler, which adds to it.
    """

    def __init__(self, spec: ServerSpec, loaded_models: dict[str, LoadedModel]) -> None:
        self._spec = spec
        self._loaded = loaded_models
        self._events: deque[tuple[LoadedModel, bool]] = deque()  # model; True: a request ended, False: it expired
        self._recovered_s: float | None = None

    def request_ended(self, loaded: LoadedModel) -> None:
        """Record that a request has released the model."""
        self._events.append((loaded, True))

    def expire(self, loaded: LoadedModel) -> None:
        """End the model's keep_alive: it is unloaded now if idle, else after its last request."""
        loaded.timer_s = None
        loaded.keep_alive_s = 0.0
        if loaded.idle:
            self._events.append((loaded, False))

    @property
    def recovering(self) -> bool:
        """Whether the memory of an unloaded model does not show as free yet."""
        return self._recovered_s is not None

    def next_timer_s(self) -> float | None:
        """Return the time at which `run` is due; None if nothing is pending."""
        if self._recovered_s is not None:
            return self._recovered_s
        first_s = float("inf")
        for loaded in self._loaded.values():  # a loop, because it is asked some seventy times a job
            if loaded.timer_s is not None and loaded.timer_s < first_s:
                first_s = loaded.timer_s
        return None if first_s == float("inf") else first_s

    def run(self, now_s: float) -> bool:
        """Handle what is due at `now_s`, up to the end of one unload; return True if memory has just become free."""
        if self._recovered_s is not None:
            if now_s < self._recovered_s:
                return False
            self._recovered_s = None
            return True
        self._expire_timers(now_s)
        while self._events:
            loaded, request_ended = self._events.popleft()
            if request_ended:
                self._release(loaded, now_s)
            elif self._loaded.get(loaded.model.blob) is loaded and self._unload(loaded, now_s):
                return self._recovered_s is None
        return False

    def _expire_timers(self, now_s: float) -> None:
        for loaded in self._loaded.values():
            if loaded.timer_s is not None and loaded.timer_s <= now_s:
                loaded.timer_s = None
                self._events.append((loaded, False))

    def _release(self, loaded: LoadedModel, now_s: float) -> None:
        loaded.references -= 1
        if not loaded.idle:
            return
        if loaded.must_unload or loaded.keep_alive_s <= 0:
            self._events.append((loaded, False))
        else:
            loaded.start_keep_alive(now_s)

    def _unload(self, loaded: LoadedModel, now_s: float) -> bool:
        """Unload an idle model and return True; a model in use is marked and unloaded when it is idle."""
        if not loaded.idle:
            loaded.must_unload = True
            return False
        before = self._reported_free_bytes()
        del self._loaded[loaded.model.blob]
        gained = self._reported_free_bytes() - before
        if loaded.placement.gpu_layers:
            # The server subtracts without a sign: where the next model reports less than this one did, it sees a lot.
            shows = gained < 0 or gained > _RECOVERED_SHARE * loaded.placement.vram_bytes
            self._recovered_s = now_s + (RECOVERY_POLL_S if shows else RECOVERY_LIMIT_S)
        return True

    def _reported_free_bytes(self) -> int:
        return reported_free_bytes(self._spec, placements(self._loaded.values()))
