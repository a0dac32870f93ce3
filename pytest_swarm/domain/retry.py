"""Calls that were tried again for the server's sake."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A call that failed for the server's sake and was tried again.

    `call` names it, such as `chat with gemma2:2b`; `reason` is the HTTP status (`status 503`) or the kind of the error.
    `attempt` counts the retries of the call from 1, `wait_s` is the pause before it. `at_s` is when the call had
    failed, in seconds since the start of the job, `step` the planning step that was running.
    """

    step: int
    call: str
    reason: str
    attempt: int
    at_s: float
    wait_s: float
