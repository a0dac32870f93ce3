"""Events between processes as one text: each is encoded once, where it happened, and written as it came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from pytest_swarm.codec import EncodedObject, JsonDecoder, encode_line
from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry.sink import Event


class _Head(Struct, frozen=True, kw_only=True):
    """What a receiver reads of an event."""

    event: str
    case: str = ""
    job: str = ""
    mode: str = ""


_HEADS: Final[JsonDecoder[_Head]] = JsonDecoder(_Head, error=EventsError)


def pack(events: Iterable[Event]) -> str:
    """Return the lines of the events as one text."""
    return "\n".join(map(encode_line, events))


def unpack(text: str) -> list[Event]:
    """Return the events of a text: each with its type, case, job and mode only, and encoded as its whole line.

    Raises:
        EventsError: A line is no event.
    """
    heads = _HEADS.decode_lines(text, where="an event of a worker")
    return [
        EncodedObject({"event": head.event, "case": head.case, "job": head.job, "mode": head.mode}, line=line)
        for head, line in zip(heads, text.split("\n"), strict=True)
    ]
