"""The parts of a job that was read from events: its steps, outcomes, loads, samples and retries.

They stay in the file until they are asked for. A job in memory is its case, how it ended, and where its lines stand, so
that a large run takes little memory. Parts are made anew each time, so whoever reads them often holds them as tuples.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, overload

from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry import event_types as types
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.event_lines import EventHead, decode_event, decode_head
from pytest_swarm.telemetry.event_types import AnyEvent

R = TypeVar("R")
PartEvent: TypeAlias = (
    types.PlanStepEvent | types.TaskResultEvent | types.ModelSwitchEvent | types.CallRetryEvent | types.VramSampleEvent
)
_KEPT_PARTS: Final = 32  # those of one workflow under several modes are shown side by side


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

    def changed(self) -> EventsError:
        """Return the error for a file that does not hold any more what was read of it."""
        return EventsError(f"{self.shown}: was changed after it was read; read the run again")


@dataclass(frozen=True, slots=True, eq=False)
class JobLines:
    """Where the lines of one job stand: the first byte and the end of each block of them, by turns, in 8 bytes each."""

    file: EventsOnDisk
    spans: bytes

    def texts(self) -> Iterator[bytes]:
        """Yield the lines; EventsError where another file took the place of this one."""
        spans = iter(array("Q", self.spans))
        with self.file.path.open("rb") as file:
            if _identity(os.fstat(file.fileno())) != self.file.identity:
                raise self.file.changed()
            for start, end in zip(spans, spans, strict=True):
                file.seek(start)
                yield from filter(bytes.strip, file.read(end - start).split(b"\n"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoredPart(Sequence[R]):
    """Equals the tuple of its records. EventsError where the file was changed since it was read."""

    _lines: JobLines
    _type: str
    _length: int

    def _records(self) -> Sequence[R]:
        records = _read_part(self._lines, self._type)
        if len(records) != self._length:
            raise self._lines.file.changed()
        return records

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
    """The parts of one job while its events are read; they are kept only where they cannot be read again.

    Args:
        file: The file that is read; None for one that cannot be read twice.
    """

    def __init__(self, file: EventsOnDisk | None) -> None:
        self._file = file
        self._spans = array("Q")
        self._lengths: Counter[str] = Counter()
        self._records: dict[str, list[Any]] = {}

    def take(self, event: PartEvent, *, start: int, end: int) -> None:
        """Take a sound event, whose line stands from one byte to another."""
        of = str(type(event).__struct_config__.tag)
        self._lengths[of] += 1
        if self._file is None:
            self._records.setdefault(of, []).append(_PARTS[of].decode(event))
        elif self._spans and self._spans[-1] == start:
            self._spans[-1] = end
        else:
            self._spans.extend((start, end))

    def close(self) -> dict[str, Any]:
        """Return the parts by the fields of a JobRecord."""
        if self._file is None:
            return {_PARTS[of].field: tuple(records) for of, records in self._records.items()}
        lines = JobLines(self._file, self._spans.tobytes())
        return {_PARTS[of].field: StoredPart(lines, of, length) for of, length in self._lengths.items()}


@lru_cache(maxsize=_KEPT_PARTS)
def _read_part(lines: JobLines, of: str) -> tuple[Any, ...]:
    """Return the records of one type of event."""
    return tuple(map(_PARTS[of].decode, _read_events(lines, of)))


def _read_events(lines: JobLines, of: str) -> Iterator[AnyEvent | None]:
    where = lines.file.shown
    try:
        for text in _texts(lines).get(of, ()):
            yield decode_event(text, EventHead(event=of), where=where)
    except (OSError, EventsError) as error:
        raise lines.file.changed() from error


@lru_cache(maxsize=1)
def _texts(lines: JobLines) -> Mapping[str, Sequence[bytes]]:
    """Return the lines of a job by their type, because whoever reads one part often reads another one next."""
    texts: dict[str, list[bytes]] = {}
    for text in lines.texts():
        texts.setdefault(decode_head(text, where=lines.file.shown).event, []).append(text)
    return texts


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class _Part(NamedTuple):
    """A field of a JobRecord, and what makes one of its records of an event."""

    field: str
    decode: Callable[[Any], Any]


_PARTS: Final[Mapping[str, _Part]] = MappingProxyType(
    {
        "plan_step": _Part("steps", events.decode_plan_step),
        "task_result": _Part("outcomes", events.decode_task_result),
        "model_switch": _Part("switches", events.decode_switch),
        "vram_sample": _Part("samples", events.decode_vram_sample),
        "call_retry": _Part("retries", events.decode_retry),
    }
)
"""The parts by their type of event."""
