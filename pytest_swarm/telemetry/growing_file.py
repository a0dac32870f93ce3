"""A file of events on the disk: its identity, and its whole lines, each read once, also while it is written."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from zlib import crc32

from pytest_swarm.codec import is_json
from pytest_swarm.errors import EventsError
from pytest_swarm.files import readable

_BLOCK: Final = 2**20


@dataclass(frozen=True, slots=True)
class EventsOnDisk:
    """A file of events. `shown` is its path in messages; `identity` tells it from one that takes its place."""

    path: Path
    shown: str
    identity: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> EventsOnDisk | None:
        """Return the file at a path; None for one that cannot be read twice, such as a pipe."""
        return cls(path.absolute(), str(path), _identity(path.stat())) if path.is_file() else None

    def is_same(self, file: BinaryIO) -> bool:
        """Return whether an open file is this one."""
        return _identity(os.fstat(file.fileno())) == self.identity

    def changed(self) -> EventsError:
        """Return the error for a file that does not hold any more what was read of it."""
        return EventsError(f"{self.shown}: was changed after it was read; read the run again")


class GrowingFile:
    """Reads the lines of a file as they are added to it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_disk: EventsOnDisk | None = None
        """The file, once it is read; None for one that cannot be read twice."""
        self.line = 0
        """The number of the last line that was read, from 1."""
        self.start = self.end = 0
        """Where that line begins and ends, in bytes of the file."""
        self._checksum = 0  # of the bytes up to that end

    def read_on(self, take: Callable[[bytes], None]) -> bool:
        """Read the whole lines that were added since the last call; return whether a line that is cut off is left.

        Args:
            take: Takes each line that is not blank, while `line`, `start` and `end` are its own.

        Raises:
            EventsError: The file cannot be read, is another one than before, or shorter than what was read.
        """
        try:
            with self._opened() as file:  # by lines: the events of a large run are longer than what they hold
                for line in file:
                    text = line if self.line else line.removeprefix(codecs.BOM_UTF8)
                    if not line.endswith(b"\n") and not is_json(text):  # only the last line can be
                        return True
                    self.start, self.end = self.end, self.end + len(line)
                    self._checksum = crc32(line, self._checksum)
                    self.line += 1
                    if text.strip():
                        take(text)
        except FileNotFoundError as error:
            raise EventsError(
                f"{self.path}: there is no such file or folder; name a run, such as reports/RUN"
            ) from error
        except OSError as error:
            raise EventsError(f"{self.path}: cannot be read as events: {error.strerror or error}") from error
        return False

    def is_as_read(self) -> bool:
        """Return whether the file still holds what was read of it."""
        checksum, left = 0, self.end
        with suppress(OSError), self.path.open("rb") as file:
            while left and (block := file.read(min(left, _BLOCK))):
                checksum, left = crc32(block, checksum), left - len(block)
        return not left and checksum == self._checksum

    def _opened(self) -> BinaryIO:
        """Open the file behind what was read of it; EventsError for one that took its place."""
        if self.on_disk is None:
            self.on_disk = EventsOnDisk.of(self.path)
        file = readable(self.path).open("rb")
        if self.on_disk is not None:  # a pipe is read once, from its beginning
            if not (self.on_disk.is_same(file) and file.seek(0, os.SEEK_END) >= self.end):
                file.close()
                raise self.on_disk.changed()
            file.seek(self.end)
        return file


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
