"""The end of a task that ran beside a case."""

from __future__ import annotations

import asyncio


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; raise what it raised, unless that is its own cancellation.

    Awaiting the task itself would not tell its cancellation from that of the caller, such as by Ctrl-C, which must
    not be swallowed.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
