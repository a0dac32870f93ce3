"""Ends of requests, ends of stays, and unloads: everything that makes memory free again, one thing after the other.

The real server handles these in one loop, which stands still while it waits for the memory of an unloaded model to
show as free: 5 s at most. With the stale-free-memory quirk the memory never shows while another model stays resident.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from pytest_swarm.simulator.server.hardware import ServerSpec
from pytest_swarm.simulator.server.loaded_model import LoadedModel
from pytest_swarm.simulator.server.memory import reported_free_bytes

RECOVERY_POLL_S: Final = 0.25  # how often the server looks whether the memory shows as free
RECOVERY_LIMIT_S: Final = 5.0  # then it goes on all the same
_RECOVERED_SHARE: Final = 0.75  # of the model's memory


class UnloadQueue:
    """The loop's queue and its wait; `loaded_models` (blob -> loaded) is shared with the scheduler, which adds to it."""

    def __init__(self, spec: ServerSpec, loaded_models: dict[str, LoadedModel]) -> None:
        self._spec = spec
        self._loaded = loaded_models
        self._events: deque[tuple[LoadedModel, bool]] = deque()  # model, whether a request ended (or its stay)
        self._recovered_s: float | None = None

    def finished(self, loaded: LoadedModel) -> None:
        """A request of the loaded has ended."""
        self._events.append((loaded, True))

    def expire(self, loaded: LoadedModel) -> None:
        """The loaded's stay is over: it goes now if it is idle, else when its last request ends."""
        loaded.timer_s = None
        loaded.keep_alive_s = 0.0
        if loaded.idle:
            self._events.append((loaded, False))

    def next_timer_s(self) -> float | None:
        """When `run` is due, None where nothing is waited for."""
        if self._recovered_s is not None:
            return self._recovered_s
        times = [loaded.timer_s for loaded in self._loaded.values() if loaded.timer_s is not None]
        return min((time for time in times if time != float("inf")), default=None)

    def run(self, now_s: float) -> bool:
        """Handle what is due, up to the end of one unload: True if a model's memory has just become free."""
        if self._recovered_s is not None:
            if now_s < self._recovered_s:
                return False
            self._recovered_s = None
            return True
        self._expire_timers(now_s)
        while self._events:
            loaded, request_ended = self._events.popleft()
            if request_ended:
                self._request_ended(loaded, now_s)
            elif self._loaded.get(loaded.model.blob) is loaded and self._unload(loaded, now_s):
                return self._recovered_s is None
        return False

    def _expire_timers(self, now_s: float) -> None:
        for loaded in self._loaded.values():
            if loaded.timer_s is not None and loaded.timer_s <= now_s:
                loaded.timer_s = None
                self._events.append((loaded, False))

    def _request_ended(self, loaded: LoadedModel, now_s: float) -> None:
        loaded.references -= 1
        if not loaded.idle:
            return
        if loaded.must_unload or loaded.keep_alive_s <= 0:
            self._events.append((loaded, False))
        else:
            loaded.start_keep_alive(now_s)

    def _unload(self, loaded: LoadedModel, now_s: float) -> bool:
        """Whether the loaded went; one that was taken again in the meantime goes when it is idle."""
        if not loaded.idle:
            loaded.must_unload = True
            return False
        before = self._reported_free_bytes()
        del self._loaded[loaded.model.blob]
        gained = self._reported_free_bytes() - before
        if loaded.placement.gpu_layers:
            shows = gained > _RECOVERED_SHARE * loaded.placement.vram_bytes
            self._recovered_s = now_s + (RECOVERY_POLL_S if shows else RECOVERY_LIMIT_S)
        return True

    def _reported_free_bytes(self) -> int:
        return reported_free_bytes(self._spec, (loaded.placement for loaded in self._loaded.values()))
