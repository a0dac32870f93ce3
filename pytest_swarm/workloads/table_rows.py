"""Rows of CSV, JSON lines and JSON files, also packed by gzip: the place and the checked values of each."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.errors import MatrixError, SwarmError
from pytest_swarm.fields import Json
from pytest_swarm.files import readable
from pytest_swarm.units import plural

_TRUTHS: Final = {"true": 1.0, "false": 0.0}
_MAX_FIELD_CHARS: Final = 1 << 24  # of a CSV field; Python's own limit of 131,072 is shorter than some prompts
_SUFFIXES: Final = (".csv", ".jsonl", ".ndjson", ".json")
PACKED: Final = ".gz"
Heading: TypeAlias = Callable[[list[str]], list[str] | None]
"""The names of the columns by the first row of a CSV; None where that is no heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a table: its values by column, and its place for messages."""

    where: str
    values: Mapping[str, object]

    def fail(self, sentence: str) -> MatrixError:
        """Return the error to raise for `sentence`, with the place in front."""
        return MatrixError(f"{self.where}: {sentence}")

    def text(self, *columns: str) -> str | None:
        """Return the text of the first of these columns that has a value; None where none has."""
        for column in columns:
            value = self.values.get(column)
            if isinstance(value, str) and value.strip():
                return value
            if isinstance(value, int | float) and not isinstance(value, bool):
                return str(value)
            if value is not None and not isinstance(value, str):
                raise self.fail(f"column {column!r} holds {value!r:.40}, but must hold text")
        return None

    def number(self, *columns: str) -> float | None:
        """Return the number of at least 0 in the first of these columns that has a value; None where none has."""
        for column in columns:
            value = self.values.get(column)
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            found = _as_number(value)
            if found is None or isinstance(value, bool):
                raise self.fail(f"column {column!r} holds {value!r:.40}, which is no number; leave it empty if unknown")
            if not math.isfinite(found):
                raise self.fail(f"column {column!r} holds {value}, which is no measurement; leave it empty if unknown")
            if found < 0:
                raise self.fail(f"column {column!r} holds {found:g}, but must be at least 0")
            return found
        return None

    def count(self, *columns: str) -> int | None:
        """Return the whole number of at least 0 in the first of these columns that has a value; None where none has."""
        found = self.number(*columns)
        if found is not None and not found.is_integer():
            raise self.fail(f"column {columns[0]!r} holds {found:g}, but tokens are counted in whole numbers")
        return None if found is None else int(found)

    def score(self, *columns: str) -> float | None:
        """Return the score in [0, 1] of the first of these columns that has a value; true is 1 and false is 0."""
        for column in columns:
            value = self.values.get(column)
            if isinstance(value, str) and value.strip().lower() in _TRUTHS:
                return _TRUTHS[value.strip().lower()]
            if isinstance(value, bool):
                return float(value)
            found = self.number(column)
            if found is not None and found > 1:
                raise self.fail(
                    f"column {column!r} holds {found:g}, but a score is from 0 to 1; divide percentages by 100"
                )
            if found is not None:
                return found
        return None


def read_rows(
    path: Path, error: type[SwarmError] = MatrixError, *, heading: Heading = list, unnamed: tuple[str, ...] = ()
) -> Iterator[TableRow]:
    """Yield the rows of a CSV, JSON lines or JSON file, in order. A JSON file may hold the list under `examples`.

    Args:
        path: The file; its suffix tells the format.
        error: The class of error to raise.
        heading: Names the columns of a CSV by its first row.
        unnamed: The columns of a CSV without a heading.

    Raises:
        SwarmError: An `error`, where the file cannot be read, or a line is no row; the message names the line.
    """
    packed = path.suffix == PACKED
    suffix = Path(path.stem if packed else path).suffix.lower()
    if suffix == ".pkl":
        raise error(
            f"{path}: reading a pickle can run any code, so it is not read; convert it once with "
            "pandas.read_pickle(FILE).to_csv('table.csv', index=False) if you trust it"
        )
    if suffix not in _SUFFIXES:
        raise error(f"{path}: the file name must end in {', '.join(_SUFFIXES)}")
    text = _unpacked(path, error) if packed else read_text(path, error)
    if suffix == ".csv":
        yield from _csv_rows(text, path, error, heading, unnamed)
        return
    for where, value in _json_values(text, path, suffix, error):
        if not isinstance(value, dict):
            raise error(f"{where}: must be an object of columns and values, not {value!r:.40}")
        yield TableRow(where=where, values=value)


def _unpacked(path: Path, error: type[SwarmError]) -> str:
    try:
        return gzip.decompress(readable(path).read_bytes()).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as cause:
        raise error(f"{path}: cannot be unpacked as gzip with text in UTF-8: {cause}") from cause


def _csv_rows(
    text: str, path: Path, error: type[SwarmError], heading: Heading, unnamed: tuple[str, ...]
) -> Iterator[TableRow]:
    limit = csv.field_size_limit(_MAX_FIELD_CHARS)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        first = next(reader, [])
        found = heading(first)
        columns = list(unnamed) if found is None else found
        repeated = sorted({each for each in columns if each and columns.count(each) > 1})
        if repeated:
            raise error(f"{path}: column {repeated[0]!r} appears twice; rename one of them")
        other = next((mark for mark in ";\t" if len(first) == 1 and mark in first[0]), None)
        if other is not None:
            raise error(f"{path}: its columns are separated by {other!r}; save it with commas")
        line = 1 if found is None else reader.line_num + 1
        for values in reader if found is not None else chain([first], reader):
            where, line = f"{path}, line {line}", reader.line_num + 1
            if not values:
                continue
            if len(values) != len(columns):
                own = f"the heading has {len(columns)}" if found is not None else f"must have {', '.join(columns)}"
                raise error(f"{where}: has {plural(len(values), 'field')}, but {own}")
            yield TableRow(where=where, values=dict(zip(columns, values, strict=True)))
    except csv.Error as cause:
        raise error(f"{path}: is not valid CSV: {cause}") from cause
    finally:
        csv.field_size_limit(limit)


def _json_values(text: str, path: Path, suffix: str, error: type[SwarmError]) -> Iterator[tuple[str, Json]]:
    """Yield place and value of each row of JSON lines, or of a JSON list; many lines may be in a `.json` file too."""
    if suffix == ".json":
        try:
            document = parse_json(text, str(path), error)
        except SwarmError:
            if text.count("\n") < 2:
                raise
        else:
            rows = document.get("examples") if isinstance(document, dict) else document
            if not isinstance(rows, list):
                raise error(f"{path}: must be a list of rows")
            yield from ((f"{path}, row {number}", each) for number, each in enumerate(rows, 1))
            return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            yield where, parse_json(line, where, error)


def _as_number(value: object) -> float | None:
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None
