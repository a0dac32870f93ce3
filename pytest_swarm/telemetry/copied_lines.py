"""Lines that stand in events.jsonl twice: the time of each event tells a copy from what happened again.

Such lines come from a file that was copied onto its own end, or from two copies of one run joined.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from pytest_swarm.telemetry import event_types as types


class CopiedLines:
    """Tells copies from other lines, by a hash of each.

    Args:
        path: The file that is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._singles: set[int] = set()  # lines that are no parts of jobs
        self._all: set[int] | None = None  # all lines, once they are asked for

    def note(self, text: int) -> None:
        """Note that a line was read."""
        if self._all is not None:
            self._all.add(text)

    def is_in(self, lines: dict[int, int], text: int) -> bool:
        """Whether a line is one of those of a running job."""
        self._count += text in lines
        return text in lines

    def is_single(self, event: types.AnyEvent, text: int, *, begins_anew: bool) -> bool:
        """Whether a line that is no part of a job stands in the file before.

        Args:
            event: Its event.
            text: Its hash.
            begins_anew: Whether it is the beginning of a job that was lost, or of none that is known.
        """
        is_known = text in self._singles and not begins_anew and not isinstance(event, types.NoteEvent)
        self._singles.add(text)
        self._count += is_known
        return is_known

    def is_anywhere(self, text: int, *, start: int) -> bool:
        """Whether a line stands in the file before; for the first that is asked for, the file is read again.

        Args:
            text: Its hash.
            start: Where it begins, in bytes.
        """
        if self._all is None:
            self._all = set()
            if self._path.is_file():  # a pipe is read once
                with self._path.open("rb") as file:
                    while file.tell() < start:
                        self._all.add(line_hash(file.readline().removeprefix(codecs.BOM_UTF8)))
        self._count += text in self._all
        return text in self._all

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence for the lines that stand there twice."""
        if not self._count:
            return ()
        lines = "line that stands" if self._count == 1 else "lines that stand"
        return (f"events.jsonl has {self._count} {lines} there twice, as in a copy of itself; they count once",)


def line_hash(line: bytes) -> int:
    """Return the hash of a line, whatever ends it."""
    return hash(line.strip())
