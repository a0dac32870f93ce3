"""Events between processes as one text: each is encoded once, where it happened, and written as it came.

The first line says what their receiver must know of them, who decodes no other one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from pytest_swarm.codec import JsonDecoder, encode_line
from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry.sink import Event

Begun = tuple[str, str]  # the digest of a case of which a job begins, and what it is called


class _Head(Struct, frozen=True, kw_only=True):
    """The first line: how many of the next ones open a run, and which jobs begin in the others."""

    opening: int
    begun: tuple[Begun, ...]


_HEADS: Final[JsonDecoder[_Head]] = JsonDecoder(_Head, error=EventsError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """The lines that were sent, those that open a run apart, and which jobs begin in the others."""

    opening: tuple[str, ...]
    begun: tuple[Begun, ...]
    lines: str


def begun_jobs(events: Iterable[Event]) -> tuple[Begun, ...]:
    """Return the digest of each case of which a job begins, and what the job is called."""
    return tuple(
        (str(event["case"]), f"{event['job']} [{event['mode']}], case {event['case']}")
        for event in events
        if event["event"] == "dag_structure"
    )


def pack(events: Sequence[Event], *, opening: Sequence[Event] = ()) -> str:
    """Return events as one text.

    Args:
        events: The events of a test.
        opening: Those before them that open a run.
    """
    head: Event = {"opening": len(opening), "begun": [list(each) for each in begun_jobs(events)]}
    return "\n".join(map(encode_line, (head, *opening, *events)))


def unpack(text: str) -> Shipment:
    """Return what a text of `pack` holds; EventsError for another one."""
    first, _, rest = text.partition("\n")
    head = _HEADS.decode(first, where="the events of a worker")
    *opening, lines = rest.split("\n", head.opening)
    return Shipment(opening=tuple(opening), begun=head.begun, lines=lines)
