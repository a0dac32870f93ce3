"""One line of events.jsonl to its event. Events of unknown types are left out: a later version may write them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, get_args

import msgspec
from msgspec import Struct

from pytest_swarm.codec import JsonDecoder
from pytest_swarm.errors import EventsError
from pytest_swarm.fields import problem, strict_json
from pytest_swarm.telemetry.event_types import SCHEMA_VERSION, AnyEvent


class EventHead(Struct, frozen=True, kw_only=True):
    """What is read of an event before its type is known, and of one that is copied as it is."""

    event: str
    schema_version: int = 0
    case: str = ""
    host: str | None = None
    ts_ms: float = 0.0
    text: str = ""


RUN_AGAIN: Final = "restore the file, or run the tests again"
_HEADS: Final[JsonDecoder[EventHead]] = JsonDecoder(EventHead, error=EventsError)
_DECODERS: Final[Mapping[str, JsonDecoder[AnyEvent]]] = MappingProxyType(
    {str(each.__struct_config__.tag): JsonDecoder(each, error=EventsError) for each in get_args(AnyEvent)}
)

_ANY: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def sound_event(line: bytes) -> AnyEvent | None:
    """Return the event of a line; None for a line whose head must be read: it tells its version, or is not sound."""
    try:
        return None if b'"schema_version"' in line or not line.isascii() else _ANY.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def decode_head(line: bytes, *, where: str) -> EventHead:
    """Return the head of a line; EventsError for one that is no event."""
    if not line.isascii():  # bytes that are not UTF-8 in a field that is skipped
        try:
            strict_json(line)
        except (ValueError, RecursionError) as error:
            raise EventsError(f"{where}: is not valid JSON: {problem(error)}") from error
    return _HEADS.decode(line, where=where)


def is_of_later_version(head: EventHead) -> bool:
    """Return whether a version wrote a line that this one cannot read."""
    return head.schema_version > SCHEMA_VERSION


def decode_event(line: bytes, head: EventHead, *, where: str) -> AnyEvent | None:
    """Return the event of a line, None for one of an unknown type.

    Args:
        line: One line.
        head: Its head.
        where: File and line, as named in errors.

    Raises:
        EventsError: A later version wrote the line, or a field is not of its type.
    """
    if is_of_later_version(head):
        raise EventsError(
            f"{where}: schema version {head.schema_version} is newer than {SCHEMA_VERSION}; update pytest-swarm"
        )
    decoder = _DECODERS.get(head.event)
    return None if decoder is None else decoder.decode(line, where=where)
