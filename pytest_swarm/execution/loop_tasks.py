"""Tasks of the event loop: how one is run that its test may end, and how one beside it is ended.

Neither swallows Ctrl-C.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; raise what it raised, unless that is its own cancellation.

    Awaiting the task itself would not tell its cancellation from that of the caller, such as by Ctrl-C, which must
    not be swallowed.
    """
    if task.cancel():  # it has not ended yet
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def result_of(runner: asyncio.Runner, running: Coroutine[None, None, T], *, stops: list[BaseException]) -> T:
    """Return the result of a coroutine, which is cancelled where its test is ended meanwhile.

    The task itself has no result, because asyncio makes a text of task and result as it resets the signal handler.

    Args:
        runner: Runs it.
        running: A case, or what is asked for some.
        stops: Takes what a signal's handler raised in the loop or in a callback of it while it waited, such as that of
            pytest-timeout; it is cancelled then. Ctrl-C has a way of its own.
    """
    results: list[T] = []
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
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(on_error)
        try:
            results.append(await running)
        finally:
            loop.set_exception_handler(None)  # the loop of a group of cases goes on
        if task.cancelling():  # something in the case swallowed it, such as a custom scorer
            raise asyncio.CancelledError

    try:
        runner.run(keep())
    except BaseException as stop:  # no narrower: a signal's handler may raise anything, an outcome of pytest too
        if isinstance(stop, KeyboardInterrupt) or not tasks or tasks[0].done():
            raise
        stops.append(stop)
        runner.run(cancel_and_wait(tasks[0]))
        raise
    return results[0]
