"""Sinks: where a run's events go, a file or a list.

An event is one JSON object with `event` and `ts_ms`, with tuples for its arrays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Protocol

from pytest_swarm.codec import encode_line, is_json
from pytest_swarm.errors import EventsError
from pytest_swarm.fields import Json
from pytest_swarm.files import MeasuredFile, write_whole

Event = Mapping[str, Json]


class Sink(Protocol):
    """A receiver of events, as they happen."""

    def emit(self, event: Event) -> None:
        """Keep one event."""


class ListSink:
    """A sink in memory: for tests, for notebooks, and for xdist workers, which send their events to the controller."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Append the event."""
        self.events.append(event)

    def drain(self) -> list[Event]:
        """Return the events since the last call."""
        events, self.events = self.events, []
        return events


def remove_cut_off_line(path: Path) -> None:
    """Remove what a killed run left of its last line, so that the next event begins a line of its own.

    A last line that lacks only its newline is whole, and gets it.
    """
    if not path.exists():
        return
    written = path.read_bytes()
    _, _, last = written.rpartition(b"\n")
    if not last:
        return
    if is_json(last):
        with path.open("ab") as file:
            file.write(b"\n")
    else:
        os.truncate(path, len(written) - len(last))


class FileSink:
    """A sink that appends to events.jsonl, each line at once, so that a crash loses only what was still running.

    The file is made at the first event, so a session without events leaves nothing behind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self.size = 0
        """Bytes of the open file; nobody else writes to it."""

    def emit(self, *events: Event) -> None:
        """Write events at once; raises as `append` does."""
        self.append(*map(encode_line, events))

    def append(self, *lines: str) -> None:
        """Write lines at once; EventsError where it fails, as on a full disk: the file then holds none of them."""
        try:
            self._append("".join(f"{line}\n" for line in lines).encode("ascii"))
        except OSError as error:
            raise EventsError(
                f"{self.path}: cannot be written: {error.strerror}; what was measured before is kept there: mend this, "
                f"then go on with --swarm-resume={self.path.parent.name}"
            ) from error

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            remove_cut_off_line(self.path)
            self._file = self.path.open("a+b", buffering=0)  # read where somebody removes the file
            self.size = os.fstat(self._file.fileno()).st_size
        left = memoryview(lines)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._take_back(self.size)
            raise
        self.size += len(lines)

    def _take_back(self, size: int) -> None:
        """Leave the file as it was before lines of which only a part could be written."""
        assert self._file is not None, "lines were written to it"
        with suppress(OSError):
            os.ftruncate(self._file.fileno(), size)
        self.close()
        if size == 0:
            self.path.unlink(missing_ok=True)

    def put_back(self) -> str | None:
        """Write the file again where somebody has removed or replaced it; return a sentence about that, else None.

        Raises:
            EventsError: It cannot be written again, or was cut off.
        """
        if self._file is None:
            return None
        held = os.fstat(self._file.fileno())
        if held.st_size < self.size:
            lost = self.size - held.st_size
            self.close()
            raise EventsError(f"{self.path}: another program cut off {lost} bytes while the run wrote it; run again")
        try:
            if self.path.exists() and os.path.samestat(held, self.path.stat()):
                return None
            self._file.seek(0)
            write_whole(self.path, self._file.read(), measured=MeasuredFile.EVENTS)
        except OSError as error:
            raise EventsError(
                f"{self.path}: was removed while the run wrote it, and cannot be written again: {error.strerror}"
            ) from error
        finally:
            self._file.seek(0, os.SEEK_END)
        self.close()
        return f"{self.path.name} was removed or replaced while the run wrote it, and was written again in full"

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
