"""Reading typed values out of parsed TOML or JSON, with one sentence for whatever is wrong.

The only place where an untyped mapping is looked into. Every loader (fleet, graph, profile, events) hands its
mapping to `Fields`, which knows where the mapping came from and which error to raise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from pytest_swarm.errors import SwarmError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_KINDS: Final = {str: "a text", bool: "true or false", dict: "a table", list: "a list"}


class Fields:
    """A mapping being read: each method returns a checked value or raises `error` naming `where` and the key."""

    def __init__(self, data: object, *, where: str, error: type[SwarmError]) -> None:
        self.where = where
        self.error = error
        if not isinstance(data, Mapping):
            raise error(f"{where}: expected a table, found {_name(data)}")
        self._data: Mapping[str, object] = data

    def fail(self, sentence: str) -> SwarmError:
        """The error to raise for `sentence`, with the place in front."""
        return self.error(f"{self.where}: {sentence}")

    def only(self, allowed: Iterable[str]) -> None:
        """Raise for a key that is not in `allowed`: a misspelt key must not pass silently."""
        allowed = tuple(allowed)
        for key in self._data:
            if key not in allowed:
                raise self.fail(f"unknown key {key!r}; known are {', '.join(allowed)}")

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def raw(self, key: str) -> object:
        """The value as it is, None where it is absent."""
        return self._data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; absent is `default`, or an error without one."""
        value = self._get(key, str, default)
        assert isinstance(value, str)
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self._get(key, bool, default)
        assert isinstance(value, bool)
        return value

    def number(
        self, key: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number within [low, high]."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise self.fail(f"{key!r} must be a number, found {_name(value)}")
        if not low <= value <= high:
            raise self.fail(f"{key!r} is {value:g}, but must be {_interval(low, high)}")
        return float(value)

    def whole(self, key: str, default: int | None = None, *, low: int | None = None) -> int:
        """A whole number of at least `low`."""
        value = self.number(key, default, low=-math.inf if low is None else low)
        if not value.is_integer():
            raise self.fail(f"{key!r} must be a whole number, found {value:g}")
        exact = self._data.get(key)
        return exact if isinstance(exact, int) else int(value)  # a float holds whole numbers up to 2^53 only

    def optional_number(self, key: str) -> float | None:
        """A finite number, or None where it is absent or null."""
        return self.number(key) if key in self else None

    def optional_text(self, key: str) -> str | None:
        """A text, or None where it is absent or null."""
        return self.text(key) if key in self else None

    def optional_whole(self, key: str) -> int | None:
        """A whole number, or None where it is absent or null."""
        return self.whole(key) if key in self else None

    def table(self, key: str) -> Fields:
        """A sub-table; an absent one is empty."""
        return Fields(self._data.get(key, {}), where=f"{self.where}, {key!r}", error=self.error)

    def tables(self, key: str) -> tuple[Fields, ...]:
        """A list of tables; an absent one is empty."""
        rows = self._get(key, list, [])
        assert isinstance(rows, list)
        return tuple(Fields(row, where=f"{self.where}, {key}[{n}]", error=self.error) for n, row in enumerate(rows))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; an absent one is empty."""
        rows = self._get(key, list, [])
        assert isinstance(rows, list)
        for row in rows:
            if not isinstance(row, str):
                raise self.fail(f"{key!r} must hold texts only, found {_name(row)}")
        return tuple(row for row in rows if isinstance(row, str))

    def numbers(self) -> dict[str, float]:
        """The whole table as numbers, for tables such as capabilities."""
        return {key: self.number(key) for key in self._data}

    def _get(self, key: str, kind: type, default: object) -> object:
        value = self._data.get(key)
        value = default if value is None else value
        if not isinstance(value, kind):
            lack = "is missing" if value is None else f"must be {_KINDS[kind]}, found {_name(value)}"
            raise self.fail(f"{key!r} {lack}")
        return value


def _name(value: object) -> str:
    """How a wrong value is shown: its type and a short form of it."""
    if value is None:
        return "nothing"
    try:
        shown = repr(value)
    except ValueError:  # Python writes out no whole number of more than 4,300 digits
        shown = "too long to show"
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:37] + '...'}"


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _interval(low: float, high: float) -> str:
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"
