"""Rows of CSV, JSON lines and JSON files, with the place of each; and the checked values of a row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.errors import MatrixError
from pytest_swarm.units import plural

_TRUTHS: Final = {"true": 1.0, "false": 0.0}
_MAX_FIELD_CHARS: Final = 1 << 24  # of a CSV field; Python's own limit of 131,072 is shorter than some prompts
_SUFFIXES: Final = (".csv", ".jsonl", ".ndjson", ".json")


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


def read_rows(path: Path) -> Iterator[TableRow]:
    """Yield the rows of a CSV, JSON lines or JSON file, in order.

    Raises:
        MatrixError: The file cannot be read, or a line is no row; the message names the line.
    """
    suffix = path.suffix.lower()
    if suffix == ".pkl":
        raise MatrixError(
            f"{path}: reading a pickle can run any code, so it is not read; convert it once with "
            "pandas.read_pickle(FILE).to_csv('table.csv', index=False) if you trust it"
        )
    if suffix not in _SUFFIXES:
        raise MatrixError(f"{path}: the file name must end in {', '.join(_SUFFIXES)}")
    text = read_text(path, MatrixError)
    if suffix == ".csv":
        yield from _csv_rows(text, path)
    elif suffix == ".json":
        yield from _json_rows(text, path)
    else:
        yield from _json_lines(text, path)


def _csv_rows(text: str, path: Path) -> Iterator[TableRow]:
    limit = csv.field_size_limit(_MAX_FIELD_CHARS)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = next(reader, [])
        repeated = sorted({each for each in columns if each and columns.count(each) > 1})
        if repeated:
            raise MatrixError(f"{path}: column {repeated[0]!r} appears twice; rename one of them")
        other = next((mark for mark in ";\t" if len(columns) == 1 and mark in columns[0]), None)
        if other is not None:
            raise MatrixError(f"{path}: its columns are separated by {other!r}; save it with commas")
        line = reader.line_num + 1
        for values in reader:
            where, line = f"{path}, line {line}", reader.line_num + 1
            if not values:
                continue
            if len(values) != len(columns):
                raise MatrixError(f"{where}: has {plural(len(values), 'field')}, but the heading has {len(columns)}")
            yield TableRow(where=where, values=dict(zip(columns, values, strict=True)))
    except csv.Error as error:
        raise MatrixError(f"{path}: is not valid CSV: {error}") from error
    finally:
        csv.field_size_limit(limit)


def _json_lines(text: str, path: Path) -> Iterator[TableRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            yield _row(parse_json(line, where, MatrixError), where)


def _json_rows(text: str, path: Path) -> Iterator[TableRow]:
    document = parse_json(text, str(path), MatrixError)
    if not isinstance(document, list):
        raise MatrixError(f"{path}: must be a list of rows")
    for number, each in enumerate(document, start=1):
        yield _row(each, f"{path}, row {number}")


def _row(value: object, where: str) -> TableRow:
    if not isinstance(value, dict):
        raise MatrixError(f"{where}: must be an object of columns and values, not {value!r:.40}")
    return TableRow(where=where, values=value)


def _as_number(value: object) -> float | None:
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None
