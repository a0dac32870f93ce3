"""A coroutine that its test may end: its result, and that nothing of it stays on the loop."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.execution.loop_tasks import result_of


async def three() -> int:
    return 3


async def broken() -> int:
    raise ValueError("broken")


def test_a_loop_that_goes_on_has_no_handler_of_what_has_ended() -> None:
    with asyncio.Runner() as runner:
        assert result_of(runner, three(), stops=[]) == 3
        assert runner.get_loop().get_exception_handler() is None
        with pytest.raises(ValueError, match="broken"):
            result_of(runner, broken(), stops=[])
        assert runner.get_loop().get_exception_handler() is None
