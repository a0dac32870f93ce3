"""Reading TOML and JSON files into plain values, and writing them; whatever is wrong with a file is one sentence."""

from __future__ import annotations

import datetime
import json
import math
import os
import tomllib
from pathlib import Path
from typing import Final, NoReturn

from pytest_swarm.errors import SwarmError
from pytest_swarm.fields import Json

MAX_DEPTH: Final = 60  # tables within tables; no graph or fleet needs more than 8
SUFFIXES: Final = (".toml", ".json")


def read_text(path: str | os.PathLike[str], error: type[SwarmError]) -> str:
    """The text of a UTF-8 file, without a byte order mark; raises `error` naming the file where it cannot be read."""
    path = Path(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as cause:
        raise error(f"{path}: not a text file in UTF-8 (byte {cause.start}); save it as UTF-8") from cause
    except FileNotFoundError as cause:
        raise error(f"{path}: there is no such file") from cause
    except IsADirectoryError as cause:
        raise error(f"{path}: is a directory; name a file in it") from cause
    except (OSError, ValueError) as cause:  # ValueError: a null character in the path
        raise error(f"{path}: cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause


def read_document(path: str | os.PathLike[str], error: type[SwarmError]) -> Json:
    """What a .toml or .json file holds, as plain JSON values; raises `error` naming file and fault."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise error(f"{path}: must end in .toml or .json")
    text = read_text(path, error)
    return parse_toml(text, where=str(path), error=error) if suffix == ".toml" else parse_json(text, str(path), error)


def parse_json(text: str, where: str, error: type[SwarmError]) -> Json:
    """The value of a JSON text; NaN and Infinity are no JSON. Raises `error` with `where` in front."""
    try:
        return _plain(json.loads(text, parse_constant=_no_constant), where, error)
    except (ValueError, RecursionError) as cause:
        raise error(f"{where}: broken JSON: {_reason(cause)}") from cause


def parse_toml(text: str, *, where: str, error: type[SwarmError]) -> Json:
    """The table of a TOML text; dates must be quoted. Raises `error` with `where` in front."""
    try:
        return _plain(tomllib.loads(text), where, error)
    except (ValueError, RecursionError) as cause:
        raise error(f"{where}: broken TOML: {_reason(cause)}") from cause


def write_text(path: str | os.PathLike[str], text: str, error: type[SwarmError]) -> None:
    """Write a UTF-8 file; raises `error` naming the file where that cannot be done."""
    try:
        Path(path).write_bytes(text.encode())
    except UnicodeEncodeError as cause:
        raise error(f"{path}: the text holds half a character ({cause.reason}) and cannot be written") from cause
    except (OSError, ValueError) as cause:
        raise error(f"{path}: cannot be written: {getattr(cause, 'strerror', None) or cause}") from cause


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _reason(cause: Exception) -> str:
    return "nested too deep" if isinstance(cause, RecursionError) else str(cause).replace("\n", " ")


def _plain(value: object, where: str, error: type[SwarmError], depth: int = 0) -> Json:
    """The same value, checked to be what JSON can hold."""
    if depth > MAX_DEPTH:
        raise error(f"{where}: nested deeper than {MAX_DEPTH} tables")
    if isinstance(value, dict):
        return {str(key): _plain(each, where, error, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, where, error, depth + 1) for each in value]
    if isinstance(value, datetime.date | datetime.time):
        raise error(f"{where}: {value} is a bare date or time; put it in quotes")
    if isinstance(value, float) and not math.isfinite(value):
        raise error(f"{where}: {value} is no number that can be used")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise error(f"{where}: a {type(value).__name__} is no value of a table")
