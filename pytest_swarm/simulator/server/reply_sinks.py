"""Where the reply of a chat goes: over ASGI (`SentReply`), or as it is to a caller in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from pytest_swarm.fields import Json


class ReplySink(Protocol):
    """Takes the JSON objects of a reply: a whole one, or the lines of a stream."""

    async def whole(self, value: Mapping[str, Json]) -> None:
        """Take the only object of a reply."""

    async def start_lines(self) -> None:
        """Begin a stream."""

    async def line(self, value: Mapping[str, Json], *, last: bool = False) -> None:
        """Take an object of a stream; `last` ends it."""

    async def end_lines(self) -> None:
        """End a stream after an object that was not the last one."""


JsonHandler: TypeAlias = Callable[[bytes, ReplySink], Awaitable[None]]
"""Serves a request with this body."""


class KeptReply:
    """A reply that is kept for a caller in this process: `value` is its last object."""

    def __init__(self) -> None:
        self.value: Mapping[str, Json] = {}

    async def whole(self, value: Mapping[str, Json]) -> None:
        """Keep the only object of a reply."""
        self.value = value

    async def start_lines(self) -> None:
        """Begin a stream."""

    async def line(self, value: Mapping[str, Json], *, last: bool = False) -> None:
        """Keep an object of a stream."""
        del last
        self.value = value

    async def end_lines(self) -> None:
        """End a stream."""
