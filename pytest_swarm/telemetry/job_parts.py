"""The parts of a job that was read from events: its steps, outcomes, loads, samples and retries.

They stay in the file until they are asked for. A job in memory is its case, how it ended, and where its lines stand, so
that a large run takes little memory. Parts are made anew each time, so whoever reads them often holds them as tuples.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVar, overload

from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry.event_lines import EventHead, decode_event
from pytest_swarm.telemetry.events import JOB_PARTS, PartEvent
from pytest_swarm.telemetry.growing_file import EventsOnDisk

R = TypeVar("R")
_KEPT_PARTS: Final = 32  # those of one workflow under several modes are shown side by side


@dataclass(frozen=True, slots=True, eq=False)
class JobLines:
    """Where the lines of one job stand: the first byte and the end of each block of them, by turns, in 8 bytes each.

    `kinds` are the types of their events, a byte each.
    """

    file: EventsOnDisk
    spans: bytes
    kinds: bytes

    def texts(self) -> Iterator[bytes]:
        """Yield the lines; EventsError where another file took the place of this one."""
        spans = iter(array("Q", self.spans))
        with self.file.path.open("rb") as file:
            if not self.file.is_same(file):
                raise self.file.changed()
            for start, end in zip(spans, spans, strict=True):
                file.seek(start)
                yield from filter(bytes.strip, file.read(end - start).split(b"\n"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoredPart(Sequence[R]):
    """Equals the tuple of its records. EventsError where the file was changed since it was read."""

    _lines: JobLines
    _kind: int
    _length: int

    def _records(self) -> Sequence[R]:
        return _read_part(self._lines, self._kind)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[R]:
        return iter(self._records())

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        return self._records()[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | StoredPart) else NotImplemented

    def __repr__(self) -> str:
        return repr(tuple(self))


class JobParts:
    """The parts of one job while its events are read.

    Args:
        file: The file that is read; None for one that cannot be read twice.
        held: Whether their records are asked for, too.
    """

    def __init__(self, file: EventsOnDisk | None, *, held: bool) -> None:
        self._file = file
        self._spans = array("Q")
        self._kinds = bytearray()
        self._records: dict[str, list[Any]] | None = {} if held or file is None else None

    def take(self, event: PartEvent, *, start: int, end: int) -> None:
        """Take a sound event, whose line stands from one byte to another."""
        kind = _KINDS[type(event)]
        self._kinds.append(kind)
        if self._records is not None:
            part = JOB_PARTS[kind]
            self._records.setdefault(part.field, []).append(part.decode(event))
        if self._spans and self._spans[-1] == start:
            self._spans[-1] = end
        else:
            self._spans.extend((start, end))

    def counts(self) -> Mapping[str, int]:
        """Return how many events there are of each type."""
        return {part.tag: self._kinds.count(kind) for kind, part in enumerate(JOB_PARTS)}

    def stored(self) -> Mapping[str, Sequence[Any]]:
        """Return the parts by the fields of a JobRecord, in little memory where they can be read again."""
        if self._file is None:
            return self.held()
        lines = JobLines(self._file, self._spans.tobytes(), bytes(self._kinds))
        return {JOB_PARTS[kind].field: StoredPart(lines, kind, n) for kind, n in Counter(self._kinds).items()}

    def held(self) -> Mapping[str, Sequence[Any]]:
        """Return the parts by the fields of a JobRecord, as tuples of their records."""
        assert self._records is not None, "they were asked for from the beginning"
        return {field: tuple(records) for field, records in self._records.items()}


@lru_cache(maxsize=_KEPT_PARTS)
def _read_part(lines: JobLines, kind: int) -> tuple[Any, ...]:
    """Return the records of one type of event; EventsError where the file was changed."""
    part, where = JOB_PARTS[kind], lines.file.shown
    head = EventHead(event=part.tag)
    try:
        return tuple(part.decode(decode_event(text, head, where=where)) for text in _texts(lines)[kind])
    except (OSError, EventsError) as error:
        raise lines.file.changed() from error


@lru_cache(maxsize=1)
def _texts(lines: JobLines) -> Mapping[int, Sequence[bytes]]:
    """Return the lines of a job by their type, because whoever reads one part often reads another one next."""
    texts = tuple(lines.texts())
    if len(texts) != len(lines.kinds):
        raise lines.file.changed()
    found: dict[int, list[bytes]] = {}
    for kind, text in zip(lines.kinds, texts, strict=True):
        found.setdefault(kind, []).append(text)
    return found


_KINDS: Final[Mapping[type, int]] = MappingProxyType({part.event: kind for kind, part in enumerate(JOB_PARTS)})
"""The parts by their type of event."""
