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


class Housekeeping:
    """The loop's queue and its wait; `runners` (blob -> runner) is shared with the scheduler, which adds to it."""

    def __init__(self, spec: ServerSpec, runners: dict[str, LoadedModel]) -> None:
        self._spec = spec
        self._runners = runners
        self._events: deque[tuple[LoadedModel, bool]] = deque()  # model, whether a request ended (or its stay)
        self._recovered_s: float | None = None

    def finished(self, runner: LoadedModel) -> None:
        """A request of the runner has ended."""
        self._events.append((runner, True))

    def expire(self, runner: LoadedModel) -> None:
        """The runner's stay is over: it goes now if it is idle, else when its last request ends."""
        runner.timer_s = None
        runner.keep_alive_s = 0.0
        if runner.idle:
            self._events.append((runner, False))

    def next_timer_s(self) -> float | None:
        """When `run` is due, None where nothing is waited for."""
        if self._recovered_s is not None:
            return self._recovered_s
        times = [runner.timer_s for runner in self._runners.values() if runner.timer_s is not None]
        return min((time for time in times if time != float("inf")), default=None)

    def run(self, now_s: float) -> bool:
        """Handle what is due, up to the end of one unload: True if a model's memory has just become free."""
        if self._recovered_s is not None:
            if now_s < self._recovered_s:
                return False
            self._recovered_s = None
            return True
        self._ring_timers(now_s)
        while self._events:
            runner, request_ended = self._events.popleft()
            if request_ended:
                self._request_ended(runner, now_s)
            elif self._runners.get(runner.model.blob) is runner and self._unload(runner, now_s):
                return self._recovered_s is None
        return False

    def _ring_timers(self, now_s: float) -> None:
        for runner in self._runners.values():
            if runner.timer_s is not None and runner.timer_s <= now_s:
                runner.timer_s = None
                self._events.append((runner, False))

    def _request_ended(self, runner: LoadedModel, now_s: float) -> None:
        runner.references -= 1
        if not runner.idle:
            return
        if runner.doomed or runner.keep_alive_s <= 0:
            self._events.append((runner, False))
        else:
            runner.go_idle(now_s)

    def _unload(self, runner: LoadedModel, now_s: float) -> bool:
        """Whether the runner went; one that was taken again in the meantime goes when it is idle."""
        if not runner.idle:
            runner.doomed = True
            return False
        before = self._reported_free_bytes()
        del self._runners[runner.model.blob]
        gained = self._reported_free_bytes() - before
        if runner.placement.gpu_layers:
            shows = gained > _RECOVERED_SHARE * runner.placement.vram_bytes
            self._recovered_s = now_s + (RECOVERY_POLL_S if shows else RECOVERY_LIMIT_S)
        return True

    def _reported_free_bytes(self) -> int:
        return reported_free_bytes(self._spec, (runner.placement for runner in self._runners.values()))
