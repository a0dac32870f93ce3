"""What a wave has done so far, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_swarm.units import format_duration, plural


@dataclass(slots=True, kw_only=True)
class WaveTally:
    """The state of a wave: its number, the job, the questions in all, and what came of them."""

    wave: int
    job: str
    total: int
    started_s: float
    asked: int = 0
    loads: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def progress(self, tag: str, calls: int, *, now_s: float) -> str:
        """Return which model is asked, how many calls are done, and how long the rest takes at the speed so far.

        Args:
            tag: The model that is asked next.
            calls: The questions to it.
            now_s: The time in seconds.
        """
        left = ""
        if self.asked:
            left = f", about {format_duration((now_s - self.started_s) / self.asked * (self.total - self.asked))} left"
        asks = f"{tag}, {plural(calls, 'question')}"
        return f"{self.job}, wave {self.wave}: {asks}; {self.asked} of {self.total} answered{left}"
