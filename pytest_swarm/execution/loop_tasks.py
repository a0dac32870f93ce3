"""Tasks of the event loop: how that of a case is run, and how one beside it is ended. Neither swallows Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

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


def record_of(
    runner: asyncio.Runner, running: Coroutine[None, None, JobRecord], *, stops: list[BaseException]
) -> JobRecord:
    """Return the record of a case.

    The task itself has no result, because asyncio makes a text of task and result as it resets the signal handler.

    Args:
        runner: Runs the case.
        running: The case.
        stops: Takes what a signal's handler raised in the loop or in a callback of it while the case waited, such as
            that of pytest-timeout; the case is cancelled then. Ctrl-C has a way of its own.
    """
    records: list[JobRecord] = []
    tasks: list[asyncio.Task[None]] = []

    def on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what a callback raised that is no mere error, which asyncio would only log."""
        error = context.get("exception")
        if error is None or isinstance(error, Exception):
            loop.default_exception_handler(context)
        else:
            stops.append(error)
            tasks[0].cancel()

    async def keep() -> None:
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None, "it is one"
        tasks.append(task)
        asyncio.get_running_loop().set_exception_handler(on_error)
        records.append(await running)
        if task.cancelling():  # something in the case swallowed it, such as a custom scorer
            raise asyncio.CancelledError

    try:
        runner.run(keep())
    except BaseException as stop:
        if isinstance(stop, KeyboardInterrupt) or not tasks or tasks[0].done():
            raise
        stops.append(stop)
        runner.run(cancel_and_wait(tasks[0]))
        raise
    return records[0]
