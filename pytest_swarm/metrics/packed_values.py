"""The values of a job's metrics in little memory: its own numbers in bytes, and all else in a tuple that jobs share.

Two jobs differ in their times, costs and tokens, and in little else. A run holds these values for every job until its
report is written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
_NUMBER: Final = Struct("d")
_SMALL: Final = 16  # a whole number up to it recurs, so that jobs can share it
_EXACT: Final = 2**53  # whole numbers up to it are exact as a float


class _Place(int):
    """Stands for a number: the byte at which it stands."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class _WholePlace(_Place):
    """Stands for a whole number."""


class PackedValues(Mapping[str, object]):
    """Values by name. It equals the map that they were taken from.

    Args:
        places: Name -> place among the values. It is shared by many.
        values: The values in that order.
    """

    __slots__ = ("_layout", "_numbers", "_places")

    def __init__(self, places: Mapping[str, int], values: Sequence[object]) -> None:
        numbers = array("d")
        self._places = places
        self._layout = shared(
            tuple([_apart(value, numbers) if type(value) in _TAKEN_APART else value for value in values])
        )
        self._numbers = numbers.tobytes()

    def __getitem__(self, name: str) -> object:
        value = self._layout[self._places[name]]
        return self._filled(value) if type(value) in _STAND_INS else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _filled(self, value: object) -> object:
        kind = type(value)
        if kind is _Place:
            return _NUMBER.unpack_from(self._numbers, cast("int", value))[0]
        if kind is _WholePlace:
            return int(_NUMBER.unpack_from(self._numbers, cast("int", value))[0])
        return tuple(map(self._filled, cast("tuple[object, ...]", value))) if kind is tuple else value


def _apart(value: object, numbers: array[float]) -> object:
    """Return a value as it is shared: with places in the place of numbers, which are appended to the others."""
    if type(value) is tuple:
        return tuple(_apart(each, numbers) for each in value)
    of = _Place if type(value) is float else _WholePlace if type(value) is int and _SMALL < value < _EXACT else None
    if of is None:
        return value
    numbers.append(cast("float", value))
    return _place(of, _NUMBER.size * (len(numbers) - 1))


@lru_cache(maxsize=1024)  # jobs with as many numbers have the same places
def _place(of: type[_Place], byte: int) -> _Place:
    return of(byte)


_STAND_INS: Final = frozenset((_Place, _WholePlace, tuple))
_TAKEN_APART: Final = frozenset((float, int, tuple))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A value that is found by its text, which tells 0 from False and from 0.0."""

    text: str
    value: Any = field(compare=False)


def shared(value: T) -> T:
    """Return a value of the same text: the one that was seen first."""
    return cast("T", _first(_Seen(repr(value), value)).value)


@lru_cache(maxsize=512)
def _first(seen: _Seen) -> _Seen:
    return seen
