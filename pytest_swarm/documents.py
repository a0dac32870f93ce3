"""TOML and JSON files that people write by hand: graphs, fleets and profiles.

Reads them into plain JSON values and writes them back. Every problem with a file raises the caller's error, with one
sentence that names the file. What the values mean is left to `fields` and to the caller.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pytest_swarm.errors import SwarmError, printable
from pytest_swarm.fields import Json, problem, shown, strict_json
from pytest_swarm.files import readable, replacing, write_whole

MAX_DEPTH: Final = 60  # levels of nesting; no graph or fleet needs more than 8
_TOO_DEEP: Final = f"is nested more than {MAX_DEPTH} levels deep; write it with fewer"
SUFFIXES: Final = (".toml", ".json")
_AT_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)$")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


# --- files -----------------------------------------------------------------------------------------------------------


def path_of(path: str | os.PathLike[str], error: type[SwarmError]) -> Path:
    """Return a path that a caller gave; raise an `error` for an empty one and for what is none, such as None."""
    if not isinstance(path, str | os.PathLike) or path == "":
        raise error(f"a file is named by its path, a str or a Path, not by {path!r:.60}")
    return Path(path)


def read_text(path: str | os.PathLike[str], error: type[SwarmError]) -> str:
    """Return the text of a UTF-8 file, without its byte order mark.

    Args:
        path: The file.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that names the file, where it cannot be read.
    """
    path = path_of(path, error)
    try:
        return readable(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as cause:
        raise error(f"{path}: {problem(cause).removeprefix('it ')}; save it as plain UTF-8 text") from cause
    except FileNotFoundError as cause:
        raise error(f"{path}: there is no such file") from cause
    except IsADirectoryError as cause:
        raise error(f"{path}: is a directory; name a file in it") from cause
    except (OSError, ValueError) as cause:  # ValueError: a null character in the path
        raise error(f"{path}: cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause


def read_document(path: str | os.PathLike[str], error: type[SwarmError]) -> Json:
    """Return the contents of a .toml or .json file as plain JSON values.

    Args:
        path: The file; its suffix tells the format.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that names the file and what is wrong with it.
    """
    suffix = path_of(path, error).suffix.lower()
    text = read_text(path, error)
    if suffix not in SUFFIXES:
        raise error(f"{path}: the file name must end in .toml or .json")
    return parse_toml(text, str(path), error) if suffix == ".toml" else parse_json(text, str(path), error)


def write_text(path: str | os.PathLike[str], text: str, error: type[SwarmError]) -> None:
    """Write a UTF-8 file as a whole.

    Args:
        path: The file; it is overwritten where it exists.
        text: What to write; line breaks stay as they are.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that names the file, where it cannot be written.
    """
    try:
        write_whole(Path(path), text.encode())
    except UnicodeEncodeError as cause:
        raise error(f"{path}: cannot be written: the text contains half a surrogate pair ({cause.reason})") from cause
    except (OSError, ValueError) as cause:
        raise error(f"{path}: cannot be written: {getattr(cause, 'strerror', None) or cause}") from cause


def write_texts(files: Sequence[tuple[str, str]], error: type[SwarmError]) -> None:
    """Write several UTF-8 files as a whole: all of them, or none where one cannot be written.

    Args:
        files: Path and text of each; files that exist are overwritten.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that names the file that cannot be written, or that is named twice.
    """
    paths = [str(Path(path).absolute()) for path, _ in files]
    twice = next((path for (path, _), real in zip(files, paths, strict=True) if paths.count(real) > 1), None)
    if twice is not None:
        raise error(f"{twice}: is to hold two texts; give each a file of its own")
    path = ""
    try:
        with ExitStack() as whole:
            for path, text in files:
                whole.enter_context(replacing(Path(path))).write_bytes(text.encode())
    except (OSError, ValueError) as cause:
        raise error(f"{path}: cannot be written: {getattr(cause, 'strerror', None) or cause}") from cause


def make_folder(path: str | os.PathLike[str], error: type[SwarmError]) -> Path:
    """Create a directory and its parents where they do not exist, and return its path.

    Args:
        path: The directory.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that names the directory, where it cannot be created.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise error(f"{path}: the directory cannot be created: {cause.strerror}; choose another one") from cause
    return folder


# --- parsing ---------------------------------------------------------------------------------------------------------


def parse_json(text: str, where: str, error: type[SwarmError]) -> Json:
    """Return the value of a JSON text. NaN and Infinity are refused, and names that stand twice in one object.

    Args:
        text: The JSON text.
        where: What to call it in an error, such as the file's path.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that begins with `where`.
    """

    def table(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise error(f"{where}: gives {twice!r} twice; remove one of them")
        return found

    try:
        return _checked(strict_json(text, table=table), where, error)
    except ValueError as cause:
        raise error(f"{where}: is not valid JSON: {problem(cause)}") from cause
    except RecursionError as cause:
        raise error(f"{where}: {_TOO_DEEP}") from cause


def parse_toml(text: str, where: str, error: type[SwarmError]) -> Json:
    """Return the table of a TOML text. Dates and times outside quotes are refused.

    Args:
        text: The TOML text.
        where: What to call it in an error, such as the file's path.
        error: The class of error to raise.

    Raises:
        SwarmError: An `error` that begins with `where`.
    """
    try:
        return _checked(tomllib.loads(text), where, error)
    except ValueError as cause:
        raise error(f"{where}: is not valid TOML: {problem(cause)}{_line_of(text, str(cause))}") from cause
    except RecursionError as cause:
        raise error(f"{where}: {_TOO_DEEP}") from cause


def _line_of(text: str, complaint: str) -> str:
    """Return the line that the parser of TOML complains of, in short; nothing where it names none."""
    found = _AT_LINE.search(complaint)
    if found is None:
        return ""
    line = text.split("\n")[int(found[1]) - 1]
    return f": {shown(line.strip())}"


def _checked(value: object, where: str, error: type[SwarmError], depth: int = 0, key: str | None = None) -> Json:
    """Return the value, made of nothing but what JSON can hold; `key` is the nearest key that it stands under."""
    if depth > MAX_DEPTH:
        raise error(f"{where}: {_TOO_DEEP}")
    if isinstance(value, dict):
        return {str(name): _checked(each, where, error, depth + 1, str(name)) for name, each in value.items()}
    if isinstance(value, list):
        return [_checked(each, where, error, depth + 1, key) for each in value]
    place = where if key is None else f"{where}: {key!r}"
    if isinstance(value, datetime.date | datetime.time):
        raise error(f"{place}: {value} is a date or time without quotes; put it in quotes")
    if isinstance(value, float) and not math.isfinite(value):
        raise error(f"{place}: {value} is not a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise error(f"{place}: a value of type {type(value).__name__} is not allowed")


# --- TOML, which the standard library reads but does not write -------------------------------------------------------


def toml_line(key: str, value: Json, comment: str | None = None) -> str:
    """Return the line `key = value`, with a comment behind it where one is given.

    Args:
        key: The key, quoted in the line where TOML asks for it.
        value: Any JSON value but null.
        comment: The comment without its `#`; line breaks become spaces.

    Raises:
        ValueError: For null, which TOML cannot express.
    """
    line = f"{toml_key(key)} = {toml_value(value)}"
    return f"{line}  {toml_comment(comment)}" if comment else line


def toml_comment(text: str) -> str:
    """Return the text as a comment of one line; what no TOML file may hold is escaped."""
    return f"# {printable(' '.join(text.split()))}"


def toml_value(value: Json) -> str:
    """Return a value as it is written behind `=`; raise ValueError for null, which TOML cannot express."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise ValueError("TOML has no null")


def toml_value_or_json(value: Json) -> str:
    """Return a value as it is written behind `=`; one that contains null is a string of JSON."""
    try:
        return toml_value(value)
    except ValueError:
        return toml_string(json.dumps(value))


def toml_string(text: str) -> str:
    """Return a quoted string; one with line breaks is written over several lines."""
    if "\n" not in text:
        return _quoted(text)
    lines = "\n".join(_quoted(line)[1:-1] for line in text.split("\n"))
    return f'"""\n{lines}"""'


def toml_key(key: str) -> str:
    """Return a key, quoted where TOML asks for it."""
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """Return a basic string. JSON's escapes are TOML's, except that TOML escapes DEL as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
