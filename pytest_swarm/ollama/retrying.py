"""The limits of calls, and the waits before a call that failed for the server's sake is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_swarm.errors import BackendError, ServerRefusedError

DEFAULT_TIMEOUT_S: Final = 120.0
FIRST_WAIT_S: Final = 0.5
GROWTH: Final = 4.0  # two retries reach over 2.5 s, in which a server that was restarted answers again
LONGEST_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """The time limit of an attempt of a call in seconds, and how often a call is tried again.

    The seconds are those of the clock that the calls run on, virtual or not. A call is tried again where it failed for
    the server's sake.
    """

    timeout_s: float = DEFAULT_TIMEOUT_S
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """A call that has failed and will be tried again; `attempt` counts its retries from 1."""

    call: str
    error: BackendError
    attempt: int
    wait_s: float

    @property
    def reason(self) -> str:
        """The HTTP status, or the kind of the error where there was none."""
        status = self.error.status if isinstance(self.error, ServerRefusedError) else None
        return self.error.kind if status is None else f"status {status}"


def wait_before_s(attempt: int) -> float:
    """Return the seconds to wait before retry number `attempt`, from 1.

    The same every time: one case at a time uses a server, so there is no crowd of clients to spread.
    """
    try:
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * GROWTH ** (attempt - 1))
    except OverflowError:
        return LONGEST_WAIT_S
