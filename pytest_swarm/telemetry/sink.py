"""Where events go: a file, a list, or nowhere. An event is one JSON object with `event` and `ts_ms`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TextIO

from pytest_swarm.fields import Json

Event = Mapping[str, Json]


class Sink(Protocol):
    """Takes events as they happen."""

    def emit(self, event: Event) -> None:
        """Keep one event."""


def encode_line(event: Event) -> str:
    """One line of events.jsonl, without its newline; ASCII, and no NaN, whatever a model answered."""
    return json.dumps(event, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


class ListSink:
    """Keeps events in memory: for tests, for notebooks, and for xdist workers, which send them to the controller."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Append the event."""
        self.events.append(event)

    def drain(self) -> list[Event]:
        """The events since the last drain."""
        events, self.events = self.events, []
        return events


def drop_torn_line(path: Path) -> None:
    """Cut off what a killed run left of its last line, so that the next event does not end up glued to it.

    A last line that only lacks its newline is whole, and gets it.
    """
    if not path.exists():
        return
    written = path.read_bytes()
    _, _, tail = written.rpartition(b"\n")
    if not tail:
        return
    try:
        json.loads(tail)
    except ValueError:
        os.truncate(path, len(written) - len(tail))
    else:
        with path.open("ab") as file:
            file.write(b"\n")


class FileSink:
    """Appends events to events.jsonl, each line flushed, so that a crash loses only what was still running.

    The file is made at the first event, so a session without events leaves nothing behind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def emit(self, event: Event) -> None:
        """Write one line and flush it."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            drop_torn_line(self.path)
            self._file = self.path.open("a", encoding="ascii", newline="\n")
        self._file.write(encode_line(event) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
