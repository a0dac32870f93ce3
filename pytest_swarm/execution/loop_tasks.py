"""Tasks of the event loop: how that of a case is run, and how one beside it is ended. Neither swallows Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from pytest_swarm.domain.record import JobRecord


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; raise what it raised, unless that is its own cancellation.

    Awaiting the task itself would not tell its cancellation from that of the caller, such as by Ctrl-C, which must
    not be swallowed.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def record_of(runner: asyncio.Runner, running: Coroutine[None, None, JobRecord]) -> JobRecord:
    """Return the record of a case.

    The task itself has no result, because asyncio makes a text of task and result as it resets the signal handler.
    """
    records: list[JobRecord] = []

    async def keep() -> None:
        records.append(await running)
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # something in the case swallowed it, such as a custom scorer
            raise asyncio.CancelledError

    runner.run(keep())
    return records[0]
