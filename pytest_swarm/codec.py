"""Machine files: JSON that is checked against a type while it is read, written in one form, and described by a schema.

Owns the byte form (ASCII, no NaN, fields in the order of their type), the sentence for data that does not fit its
type, and the frame of a JSON Schema. Knows no file and no record. Files that people write are read by `fields`.
"""

from __future__ import annotations

import codecs
import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from pytest_swarm.errors import SwarmError
from pytest_swarm.fields import Json, problem, strict_json
from pytest_swarm.files import measured_kind, readable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    WithFields: TypeAlias = type[DataclassInstance | msgspec.Struct]

JsonObject = dict[str, Json]
T = TypeVar("T")

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_BEGINNING: Final = 1000  # bytes of a file in which its schema stands
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_SINGLE: Final = frozenset((str, int, float, bool, type(None)))  # types of values that hold no others
_ENCODE_LINE: Final = json.JSONEncoder(
    ensure_ascii=True,
    allow_nan=False,
    check_circular=False,  # what is written are trees
    separators=(",", ":"),
).encode


class JsonDecoder(Generic[T]):
    """A decoder of JSON values of one type. It raises `error`, with the place in front, for any other value.

    `advice` is what to do about such a text.
    """

    def __init__(self, of: Any, *, error: type[SwarmError], advice: str | None = None) -> None:
        self._of = of
        self._error = error
        self._advice = f"; {advice}" if advice else ""
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(of)

    def decode(self, text: bytes | str, *, where: str) -> T:
        """Return the value of a JSON text.

        Args:
            text: one JSON value.
            where: file and line, as named in errors.

        Raises:
            SwarmError: the text is not JSON, or not of the type. The message names the field.
        """
        try:
            return self._decoder.decode(text)
        except msgspec.ValidationError as error:
            self._parse(text, where)  # a text that is not JSON at all is refused as such
            raise self._fault(where, _sentence(error)) from error
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            # Python's parser reads half a surrogate pair, which models do answer; it also words syntax errors better.
            return self.convert(self._parse(text, where), where=where)

    def decode_lines(self, text: str, *, where: str) -> list[T]:
        """Return the values of the lines of a text; raises as `decode` does."""
        try:
            return self._decoder.decode_lines(text)
        except (msgspec.MsgspecError, RecursionError):
            return [self.decode(line, where=where) for line in text.split("\n")]

    def convert(self, value: object, *, where: str) -> T:
        """Return the value of parsed JSON; raises as `decode` does."""
        try:
            converted: T = msgspec.convert(value, self._of)
        except msgspec.ValidationError as error:
            raise self._fault(where, _sentence(error)) from error
        except UnicodeEncodeError as error:  # accepted in plain text only
            raise self._fault(where, "a name or a number holds half a surrogate pair") from error
        return converted

    def _parse(self, text: bytes | str, where: str) -> object:
        try:
            return strict_json(text)
        except (ValueError, RecursionError) as error:
            raise self._fault(where, f"is not valid JSON: {problem(error)}") from error

    def _fault(self, where: str, what: str) -> SwarmError:
        return self._error(f"{where}: {what}{self._advice}")


class _FileHead(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a file before its version is known."""

    schema: str = ""


class FileDecoder(Generic[T]):
    """A decoder of whole files whose field `schema` names kind and version, such as `swarm-policy/1`.

    `what` says what such a file is, `advice` what to do about one that is damaged: one that begins as such a file does.
    """

    def __init__(self, of: Any, *, schema: str, what: str, error: type[SwarmError], advice: str) -> None:
        self._schema = schema
        self._what = what
        self._error = error
        self._advice = advice
        self._head: JsonDecoder[_FileHead] = JsonDecoder(_FileHead, error=error)
        self._file: JsonDecoder[T] = JsonDecoder(of, error=error, advice=advice)

    def read(self, path: Path, *, where: str, make: str) -> T:
        """Return the value of a file.

        Args:
            path: the file.
            where: the file, as named in errors.
            make: how such a file is made, for the error where there is none.

        Raises:
            SwarmError: the file cannot be read, or is what `decode` refuses.
        """
        try:
            text = readable(path).read_bytes()
        except FileNotFoundError:
            raise self._error(f"{where}: there is no such file; {make}") from None
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            raise self._error(f"{where}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        return self.decode(text, where=where)

    def decode(self, text: bytes, *, where: str) -> T:
        """Return the value of a file's text.

        Args:
            text: the text, with or without a byte order mark.
            where: the file, as named in errors.

        Raises:
            SwarmError: the text is not JSON, of another kind, of a later version, or not of the type.
        """
        text = text.removeprefix(codecs.BOM_UTF8)
        try:
            found = self._head.decode(text, where=where).schema
        except SwarmError as error:
            raise self._error(f"{where}: {self._head_fault(text)}") from error
        if found != self._schema:
            raise self._error(f"{where}: {self._fault(found)}")
        return self._file.decode(text, where=where)

    def _head_fault(self, text: bytes) -> str:
        """Return what is wrong with a text whose `schema` cannot be read: it is such a file, but cut off, or none."""
        try:
            strict_json(text)
        except (ValueError, RecursionError) as error:
            if self._schema.partition("/")[0].encode() in text[:_BEGINNING]:
                return f"is not valid JSON: {problem(error)}; {self._advice}"
            held = measured_kind(text)
            reason = f"is not valid JSON: {problem(error)}" if held is None else f"holds {held.shown}"
            return f"is not {self._what} of pytest-swarm, and {reason}; name {self._what}"
        return self._fault("")

    def _fault(self, found: str) -> str:
        kind, _, version = self._schema.partition("/")
        other = found.removeprefix(f"{kind}/")
        if other == found:
            return f"is not {self._what} of pytest-swarm: its 'schema' is not {self._schema}; name {self._what}"
        if other.isdecimal() and len(other) <= len(version) and other < version:
            return f"its schema {found} is unknown; {self._advice}"
        return f"its schema {found} is newer than {self._schema}; update pytest-swarm"


def is_json(text: bytes) -> bool:
    """Whether the text is one whole JSON value."""
    try:
        strict_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def to_json(value: object) -> JsonObject:
    """Return the JSON object of a struct or dataclass, fields in the order of its type."""
    listed: JsonObject = _listed(to_plain(value))
    return listed


def to_plain(value: object) -> JsonObject:
    """Return `to_json` with arrays as they are, mostly tuples: what is only written need not be as it is read back."""
    plain: JsonObject = msgspec.to_builtins(value, enc_hook=_plain)
    return plain


def _listed(value: Any) -> Any:
    """The same value with lists for tuples, as it is read back."""
    if isinstance(value, dict):
        return {key: each if type(each) in _SINGLE else _listed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [each if type(each) in _SINGLE else _listed(each) for each in value]
    return value


class SharedFields:
    """The fields that two types have under the same name and with the same meaning, such as a record and its event.

    A field of the first that the second lacks is an error, so that none which is added later is left out of a file.

    Args:
        one: a struct or dataclass.
        other: what it is written as: another one.
        but: fields of the first that the second has in another form, or not at all.
        whole: False where the second is to hold some fields only; then none is missed.

    Raises:
        TypeError: The second lacks a field.
    """

    def __init__(self, one: WithFields, other: WithFields, *, but: tuple[str, ...] = (), whole: bool = True) -> None:
        names, theirs = set(_field_names(one)).difference(but), _field_names(other)
        lacking = ", ".join(sorted(names.difference(theirs)))
        if whole and lacking:
            raise TypeError(f"{other.__name__} lacks {lacking} of {one.__name__}; add it there, or name it in `but`")
        self.names = tuple(name for name in theirs if name in names)

    def of(self, value: object) -> dict[str, Any]:
        """Return these fields of a value of one type, as keywords for the other."""
        return {name: getattr(value, name) for name in self.names}


def _field_names(of: WithFields) -> tuple[str, ...]:
    return of.__struct_fields__ if issubclass(of, msgspec.Struct) else tuple(each.name for each in fields(of))


def encode_line(value: Mapping[str, Json]) -> str:
    """Return one line of a file of JSON lines, without its newline: ASCII, and no NaN, whatever a model answered."""
    return _ENCODE_LINE(value)


def json_schema(*types: Any, name: str, title: str, description: str) -> JsonObject:
    """Return the JSON Schema (draft 2020-12) of a value of one of the types.

    Args:
        types: structs or dataclasses; their docstrings and field descriptions become those of the schema.
        name: the name of the schema, without a suffix.
        title: what the schema describes.
        description: one sentence for the reader of the schema.
    """
    found, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    schemas = [_listed(each) for each in found]
    for each in definitions.values():
        if "description" in each:  # a docstring, which Python strips of its indentation from 3.13 on
            each["description"] = inspect.cleandoc(each["description"])
    return {
        "$schema": DRAFT,
        "$id": f"https://pytest-swarm-router/schema/{name}.json",
        "title": title,
        "description": description,
        **(schemas[0] if len(schemas) == 1 else {"anyOf": schemas}),
        "$defs": _listed(definitions),
    }


def _plain(value: object) -> object:
    """What msgspec leaves to its caller: a read-only mapping, and texts and numbers of derived classes (numpy's)."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    for kind in (str, float, int):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _sentence(error: msgspec.ValidationError) -> str:
    """msgspec's message with the field in front: `field 'estimates[...].quality': expected float, found str`."""
    message = str(error)
    place = _PLACE.search(message)
    path = "" if place is None else place["path"].removeprefix(".")
    text = message if place is None else message[: place.start()]
    missing = _MISSING.fullmatch(text)
    if missing is not None:
        name = f"{path}.{missing['name']}" if path else missing["name"]
        return f"field {name!r} is missing"
    said = text[0].lower() + text[1:].replace("`", "").replace(", got ", ", found ")
    return f"field {path!r}: {said}" if path else said
