"""Typed values from parsed TOML or JSON, with one sentence for whatever is wrong.

`Fields` is the only place where an untyped mapping is looked into. A loader wraps its mapping in `Fields`, which knows
where the mapping came from and which error to raise.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NoReturn, TypeAlias

from pytest_swarm.errors import SwarmError

GZIP: Final = b"\x1f\x8b"  # the first bytes of a file that is packed by gzip
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BROKEN_STARTS: Final = 1000  # opening brackets that begin no JSON before a hostile text is given up
MAX_READ_IN_VAIN: Final = 2_000_000  # characters after such brackets, read until the fault; half a second at most
_KINDS: Final = {str: "a string", bool: "true or false", dict: "a table", list: "a list"}
_MAX_SHOWN_CHARS: Final = 40  # a wrong value in a message is cut to this length


class Fields:
    """A mapping that is being read. Each method returns a checked value or raises `error` with `where` and the key."""

    def __init__(self, data: object, *, where: str, error: type[SwarmError]) -> None:
        """Wrap a parsed mapping.

        Args:
            data: The mapping, as a TOML or JSON parser returned it.
            where: What to call it in an error, such as the file and the entry.
            error: The class of error to raise.

        Raises:
            SwarmError: An `error`, where `data` is not a mapping.
        """
        self.where = where
        self.error = error
        if not isinstance(data, Mapping):
            raise error(f"{where}: must be a table, not {shown(data)}")
        self._data: Mapping[str, object] = data

    def fail(self, sentence: str) -> SwarmError:
        """Return the error to raise for `sentence`, with the place in front."""
        return self.error(f"{self.where}: {sentence}")

    def placed(self, error: SwarmError) -> SwarmError:
        """Return an error about a value of the mapping with the place in front, unless it has that already."""
        return error if str(error).startswith(self.where) else self.fail(str(error))

    def labeled(self, label: str) -> Fields:
        """Return the same mapping with `label` added to its place, such as the name of the entry."""
        return Fields(self._data, where=f"{self.where} ({label})", error=self.error)

    def only(self, allowed: Iterable[str]) -> None:
        """Raise for a key that is not in `allowed`, so that a misspelled key is not ignored."""
        known = tuple(allowed)
        for key in self._data:
            if key not in known:
                near = nearest(str(key), known)
                hint = "known keys" if near is None else f"did you mean {near!r}? Known keys"
                raise self.fail(f"unknown key {key!r}; {hint}: {', '.join(known)}")

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def raw(self, key: str) -> object:
        """Return the unchecked value, None where it is absent."""
        return self._data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; an absent one is `default`, or an error without one."""
        value = self._get(key, str, default)
        assert isinstance(value, str)
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false; an absent one is `default`, or an error without one."""
        value = self._get(key, bool, default)
        assert isinstance(value, bool)
        return value

    def number(
        self, key: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Return a finite number from `low` to `high`; an absent one is `default`, or an error without one."""
        value = self._data.get(key, default)
        if value is None:
            raise self.fail(f"{key!r} is missing; it must be a number")
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise self.fail(f"{key!r} must be a number, not {shown(value)}")
        if not low <= value <= high:
            raise self.fail(f"{key!r} is {value:g}, but must be {_range(low, high)}")
        return float(value)

    def whole(self, key: str, default: int | None = None, *, low: int | None = None) -> int:
        """Return a whole number of at least `low`; an absent one is `default`, or an error without one."""
        value = self.number(key, default, low=-math.inf if low is None else low)
        if not value.is_integer():
            raise self.fail(f"{key!r} must be a whole number, not {value:g}")
        exact = self._data.get(key)
        return exact if isinstance(exact, int) else int(value)  # a float holds whole numbers up to 2^53 only

    def optional_number(self, key: str, *, low: float = -math.inf) -> float | None:
        """Return a finite number of at least `low`, or None where it is absent or null."""
        return self.number(key, low=low) if key in self else None

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None where it is absent or null."""
        return self.text(key) if key in self else None

    def optional_whole(self, key: str, *, low: int | None = None) -> int | None:
        """Return a whole number of at least `low`, or None where it is absent or null."""
        return self.whole(key, low=low) if key in self else None

    def table(self, key: str) -> Fields:
        """Return a nested table; an absent one is empty."""
        return Fields(self._data.get(key, {}), where=f"{self.where}, {key!r}", error=self.error)

    def tables(self, key: str) -> tuple[Fields, ...]:
        """Return a list of tables; an absent one is empty."""
        rows = self._get(key, list, [])
        assert isinstance(rows, list)
        return tuple(Fields(row, where=f"{self.where}, {key}[{n}]", error=self.error) for n, row in enumerate(rows))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; an absent one is empty."""
        rows = self._get(key, list, [])
        assert isinstance(rows, list)
        for row in rows:
            if not isinstance(row, str):
                raise self.fail(f"{key!r} must contain strings only, not {shown(row)}")
        return tuple(row for row in rows if isinstance(row, str))

    def numbers(self) -> dict[str, float]:
        """Return the whole table as finite numbers, for tables such as capabilities."""
        return {key: self.number(key) for key in self._data}

    def _get(self, key: str, kind: type, default: object) -> object:
        value = self._data.get(key)
        value = default if value is None else value
        if value is None:
            raise self.fail(f"{key!r} is missing; it must be {_KINDS[kind]}")
        if not isinstance(value, kind):
            raise self.fail(f"{key!r} must be {_KINDS[kind]}, not {shown(value)}")
        return value


def strict_json(
    text: bytes | str, *, table: Callable[[list[tuple[str, object]]], dict[str, object]] | None = None
) -> object:
    """Return the value of a JSON text; raise ValueError or RecursionError for any other, and for NaN and Infinity.

    Args:
        text: The text.
        table: Makes an object of its pairs; None keeps the last of those that have one name.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=table)


def json_values(text: str, *, opening: str, decoder: json.JSONDecoder) -> Iterator[object]:
    """Yield the JSON values in a hostile text, in order, whatever stands around them; of nested ones, the outermost.

    Args:
        text: The text, such as a model's answer.
        opening: The brackets that may begin a value.
        decoder: Reads a value.
    """
    brackets = re.compile(f"[{re.escape(opening)}]")
    broken = in_vain = position = 0
    while broken < MAX_BROKEN_STARTS and in_vain < MAX_READ_IN_VAIN and (start := brackets.search(text, position)):
        try:
            value, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError) as error:  # also a whole number of more digits than Python reads
            broken += 1
            in_vain += (error.pos if isinstance(error, json.JSONDecodeError) else len(text)) - start.start()
            position = start.end()
        else:
            yield value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a misspelled one is most like, whatever its case; None where none is like it."""
    by_lower = {each.lower(): each for each in known}
    return next((by_lower[each] for each in difflib.get_close_matches(word.lower(), by_lower, n=1)), None)


def problem(error: Exception) -> str:
    """Return what a parser of Python has against a text, in one line without its advice to change the interpreter."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        packed = error.object.startswith(GZIP)
        return "it is packed by gzip" if packed else f"it is not UTF-8 text (byte {error.start})"
    text = " ".join(str(error).split())
    return "it has a whole number of more than 4,300 digits" if "integer string conversion" in text else text


def shown(value: object) -> str:
    """Return a short form of a wrong value for a message."""
    if value is None:
        return "null"
    try:
        shown = repr(value)
    except ValueError:  # Python writes out no whole number of more than 4,300 digits
        return f"{type(value).__name__} (too long to show)"
    return shown if len(shown) <= _MAX_SHOWN_CHARS else f"{shown[: _MAX_SHOWN_CHARS - 3]}..."


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"
