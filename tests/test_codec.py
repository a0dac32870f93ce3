"""Machine files: what fits its type is decoded, and whatever does not is refused in one sentence with the field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from numpy import float64, str_

from pytest_swarm.codec import JsonDecoder, SharedFields, encode_line, is_json, json_schema, to_json
from pytest_swarm.errors import EventsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point."""

    x: float
    label: str | None = None


class Path(Struct, frozen=True, kw_only=True):
    """Some points."""

    points: tuple[Point, ...]
    sizes: dict[str, int]


DECODER = JsonDecoder[Path](Path, error=EventsError, advice="restore it")


@given(st.lists(st.text(st.characters()), max_size=3), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_a_model_answers_comes_back_as_it_was(labels: list[str], x: float) -> None:
    path = Path(points=tuple(Point(x=x, label=label) for label in labels), sizes={})
    line = encode_line(to_json(path))
    assert line.isascii()
    assert DECODER.decode(line, where="f, line 1") == path
    assert DECODER.convert(json.loads(line), where="f, line 1") == path


def test_read_only_mappings_and_tuples_become_plain_json() -> None:
    path = Path(points=(Point(x=1),), sizes=MappingProxyType({"a": 1}))  # type: ignore[arg-type]
    assert to_json(path) == {"points": [{"x": 1, "label": None}], "sizes": {"a": 1}}
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_json(Path(points=(), sizes=object()))  # type: ignore[arg-type]


def test_texts_and_numbers_of_derived_classes_become_plain_json() -> None:
    """A table read with numpy gives such values, as names of jobs and of families, or as expected numbers."""
    found = to_json(Path(points=(Point(x=float64(0.1), label=str_("a")),), sizes={}))
    assert found == {"points": [{"x": 0.1, "label": "a"}], "sizes": {}}
    assert [type(each) for each in found["points"][0].values()] == [float, str]  # type: ignore[call-overload,index,union-attr]


def test_a_number_that_json_lacks_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_line({"x": float("nan")})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "f, line 1: is not valid JSON: "),
        ("[pytest]", "f, line 1: is not valid JSON: "),
        ("[" * 100_000, "f, line 1: is not valid JSON: "),
        ('{"points": [{"x": NaN}]}', "f, line 1: is not valid JSON: NaN is not a JSON number"),
        ('{"points": [{"x": 1e999}], "sizes": {}}', r"f, line 1: field 'points\[0\]\.x': number out of range"),
        ("[]", "f, line 1: expected object, found array"),
        ('{"points": []}', "f, line 1: field 'sizes' is missing"),
        ('{"points": [{"x": 1}, {}], "sizes": {}}', r"f, line 1: field 'points\[1\]\.x' is missing"),
        ('{"points": [], "sizes": {"a": 0.5}}', r"f, line 1: field 'sizes\[\.\.\.\]': expected int, found float"),
        ('{"points": [], "sizes": {"a": true}}', r"f, line 1: field 'sizes\[\.\.\.\]': expected int, found bool"),
        ('{"points": [{"x": "\\ud800"}], "sizes": {}}', "f, line 1: a name or a number holds half a surrogate pair"),
    ],
)
def test_what_does_not_fit_is_named(text: str, sentence: str) -> None:
    with pytest.raises(EventsError, match=f"^{sentence}.*; restore it$"):
        DECODER.decode(text, where="f, line 1")


@pytest.mark.parametrize(("text", "whole"), [(b'{"a": 1}', True), (b'{"a": ', False), (b"", False), (b"NaN", False)])
def test_whole_json(text: bytes, whole: bool) -> None:
    assert is_json(text) is whole


def test_a_schema_of_several_types_is_any_of_them() -> None:
    schema = json_schema(Path, Point, name="paths-1", title="t", description="d")
    assert schema["$id"] == "https://pytest-swarm-router/schema/paths-1.json"
    assert schema["anyOf"] == [{"$ref": "#/$defs/Path"}, {"$ref": "#/$defs/Point"}]
    assert set(schema["$defs"]) == {"Path", "Point"}  # type: ignore[arg-type]
    assert json_schema(Point, name="point-1", title="t", description="d")["$ref"] == "#/$defs/Point"


def test_bytes_that_are_no_utf_8_are_refused_in_a_sentence() -> None:
    with pytest.raises(EventsError, match=r"^line 3: is not valid JSON: "):
        DECODER.decode(b'{"points": [{"x": 1, "label": "\xff"}], "sizes": {}}', where="line 3")


class Spot(Struct, frozen=True, kw_only=True):
    """A point without its label."""

    x: float


def test_a_field_that_the_other_type_lacks_is_an_error() -> None:
    with pytest.raises(TypeError, match="Spot lacks label of Point; add it there, or name it in `but`"):
        SharedFields(Point, Spot)
    assert SharedFields(Point, Spot, but=("label",)).of(Point(x=1.0, label="a")) == {"x": 1.0}
    assert SharedFields(Point, Spot, whole=False).of(Point(x=1.0, label="a")) == {"x": 1.0}
