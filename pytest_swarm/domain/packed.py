"""Records of one type in little memory: measured numbers in bytes, and all other values in tuples that jobs share.

Two jobs on the same graph differ in their times and costs, and in little else. Records are made anew each time they are
read, so whoever reads them often unpacks them once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord

R = TypeVar("R")
_MEASURED: Final = frozenset(
    (
        *("started_s", "finished_s", "at_s", "load_s", "prefill_s", "decode_s", "solve_ms", "decision_ms"),
        *("token_cost", "objective", "value", "bound", "gap"),
    )
)
_PACKED: Final = object()
"""Stands in a tuple of values for one that is among the numbers."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Packed(Sequence[R]):
    """Equals the tuple of its records. `_layout` is their type, then the other values of each in order of fields."""

    _layout: tuple[Any, ...]
    _numbers: bytes

    def __len__(self) -> int:
        return len(self._layout) - 1

    def __iter__(self) -> Iterator[R]:
        of, *rows = self._layout
        numbers = iter(array("d", self._numbers))
        for row in rows:
            yield of(
                **{
                    name: next(numbers) if value is _PACKED else value
                    for name, value in zip(_names(of), row, strict=True)
                }
            )

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[R, ...]: ...
    def __getitem__(self, index: int | slice) -> R | tuple[R, ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | Packed) else NotImplemented

    def __repr__(self) -> str:
        return repr(tuple(self))


def packed(records: Sequence[R], *, shared: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Sequence[R]:
    """Return the records of one type, packed.

    Args:
        records: The records.
        shared: Gives a tuple of the very same objects, which others may hold too.
    """
    if not records:
        return ()
    numbers = array("d")
    rows = [shared(tuple(_apart(record, numbers))) for record in records]
    return Packed(shared((type(records[0]), *rows)), numbers.tobytes())


def unpacked(job: JobRecord) -> JobRecord:
    """Return an equal record of a job whose parts are tuples."""
    return replace(
        job,
        steps=tuple(job.steps),
        outcomes=tuple(job.outcomes),
        switches=tuple(job.switches),
        samples=tuple(job.samples),
        retries=tuple(job.retries),
    )


def _apart(record: object, numbers: array[float]) -> Iterable[object]:
    """Yield the values of a record, but those that differ from job to job, which are appended to the numbers."""
    of: type = type(record)
    for name in _names(of):
        value = getattr(record, name)
        if name in _MEASURED and type(value) is float:
            numbers.append(value)
            value = _PACKED
        yield value


@cache
def _names(of: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(of))
