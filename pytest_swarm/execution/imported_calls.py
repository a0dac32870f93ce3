"""Calls that others measured, played in virtual time: no server is asked, and nothing is scored again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pytest_swarm.domain.imported_call import MEASURED_ELSEWHERE, ImportedCall
from pytest_swarm.domain.record import TaskOutcome, TaskStatus
from pytest_swarm.execution.job_clock import JobClock


async def play(call: ImportedCall, begun: TaskOutcome, clock: JobClock) -> TaskOutcome:
    """Return the outcome of an imported call after its latency.

    Without a measured latency the call has no end, so that neither latency nor makespan is given.

    Args:
        call: What was measured.
        begun: The outcome at the start of the call.
        clock: The clock of the job.
    """
    if call.latency_s is not None:
        await asyncio.sleep(call.latency_s)
    return replace(
        begun,
        status=TaskStatus.OK,
        score=call.score,
        local_score=call.score,
        score_detail=MEASURED_ELSEWHERE,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        token_cost=call.cost,
        finished_s=None if call.latency_s is None else clock.now_s(),
    )
