"""The clock of a job."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.execution import job_clock
from pytest_swarm.execution.job_clock import JobClock


def test_no_time_is_negative_where_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def elapsed_ms() -> float:
        elapsed = JobClock(virtual=False).stopwatch()
        monkeypatch.setattr(job_clock.time, "perf_counter", lambda: 90.0)
        return elapsed()

    monkeypatch.setattr(job_clock.time, "perf_counter", lambda: 100.0)
    assert asyncio.run(elapsed_ms()) == 0.0
