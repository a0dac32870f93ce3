"""Leases: a model that a run loaded stays resident for a limited time, renewed while the run goes on.

A run that is killed leaves nothing in VRAM for ever. Each chat renews the lease of its model; this renews the others.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.loop_tasks import cancel_and_wait
from pytest_swarm.ollama.client import LEASE_S, OllamaClient

RENEW_AFTER_S: Final = LEASE_S / 3  # so that two renewals may fail before a lease ends


class Leases:
    """The models that were loaded, each with its context and the loop time of its last renewal."""

    def __init__(self) -> None:
        self._leases: dict[str, tuple[int, float]] = {}
        self._timer: asyncio.TimerHandle | None = None  # of the next renewal
        self._renewal: asyncio.Task[None] | None = None  # the last one

    def begin(self, tag: str, num_ctx: int) -> None:
        """Note that a model was loaded.

        Args:
            tag: The model.
            num_ctx: Its context in tokens.
        """
        self._leases[tag] = num_ctx, _now_s()

    def end(self, tag: str) -> None:
        """Note that a model is about to be unloaded: from now on its lease must not be renewed."""
        self._leases.pop(tag, None)

    def context_of(self, tag: str) -> int | None:
        """Return the context that a model was loaded with; None where it was not loaded here."""
        return self._leases[tag][0] if tag in self._leases else None

    def start_renewing(self, client: OllamaClient) -> None:
        """Renew the leases until `stop_renewing`, with a client for requests beside the job's own calls."""
        due_s = min((since_s for _, since_s in self._leases.values()), default=_now_s()) + RENEW_AFTER_S
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, due_s - _now_s()), self._start_renewal, client)

    async def stop_renewing(self) -> None:
        """Renew no more; raise what the last renewal raised."""
        assert self._timer is not None, "start_renewing() comes first"
        self._timer.cancel()
        last, self._renewal = self._renewal, None
        if last is not None:
            await cancel_and_wait(last)

    def _start_renewal(self, client: OllamaClient) -> None:
        self._renewal = asyncio.get_running_loop().create_task(self._renew(client))

    async def _renew(self, client: OllamaClient) -> None:
        """Renew each lease that is due, and wait for the next. A server error is left to the job's own calls."""
        for tag in [tag for tag, (_, since_s) in self._leases.items() if since_s + RENEW_AFTER_S <= _now_s()]:
            num_ctx = self.context_of(tag)
            if num_ctx is not None:  # else it was unloaded while another lease was renewed
                self.begin(tag, num_ctx)
                with suppress(BackendError):
                    await client.load(tag, num_ctx=num_ctx)
        self.start_renewing(client)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
