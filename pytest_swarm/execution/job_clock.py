"""The two clocks of a job: the event loop's, which may be virtual, and the wall clock for computing in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_swarm.units import now_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClock:
    """The clock of one job, which starts when it is created; create it while the loop runs.

    Args:
        virtual: Whether the loop's time is virtual. Then computing takes no loop time, and a stopwatch adds both.
    """

    virtual: bool
    _loop_start_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def now_s(self) -> float:
        """Return the seconds of loop time since the job started."""
        return asyncio.get_running_loop().time() - self._loop_start_s

    def ts_ms(self) -> float:
        """Return the milliseconds since 1970 on the wall clock, for timestamps."""
        return now_ms()

    def stopwatch(self) -> Callable[[], float]:
        """Return a function that gives the milliseconds since now: wall time, plus loop time on a virtual loop."""
        wall_s, loop_s = time.perf_counter(), self.now_s()

        def elapsed_ms() -> float:
            waited_s = self.now_s() - loop_s if self.virtual else 0.0
            return max(0.0, time.perf_counter() - wall_s + waited_s) * 1000.0  # a clock that is faked may go back

        return elapsed_ms
