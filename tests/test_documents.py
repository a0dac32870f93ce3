"""Documents: what is written is read again, and comments never break a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.documents import make_folder, parse_json, parse_toml, toml_line, write_text
from pytest_swarm.errors import FleetError
from pytest_swarm.fields import Json

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
scalars = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


@given(key=texts, value=values, comment=st.none() | texts)
def test_a_toml_line_gives_its_value_back(key: str, value: Json, comment: str | None) -> None:
    comment = None if comment is None else "".join(each for each in comment if each.isprintable() or each.isspace())
    assert parse_toml(toml_line(key, value, comment), "x", FleetError) == {key: value}


def test_a_comment_stays_on_its_line() -> None:
    assert toml_line("a", 1, "first\nsecond") == "a = 1  # first second"
    assert toml_line("a b", "c") == '"a b" = "c"'
    with pytest.raises(ValueError, match="null"):
        toml_line("a", None)


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (parse_json, "{", "x: is not valid JSON: "),
        (parse_json, "[-Infinity]", "x: is not valid JSON: -Infinity is not a JSON number"),
        (parse_json, "[1e999]", "x: inf is not a finite number"),
        (parse_toml, "a", "x: is not valid TOML: "),
        (parse_toml, "a = 07:30:00", "x: 07:30:00 is a date or time without quotes; put it in quotes"),
        (parse_json, "[" * 62 + "]" * 62, "x: is nested more than 60 levels deep"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(parse, text: str, sentence: str) -> None:
    with pytest.raises(FleetError) as raised:
        parse(text, "x", FleetError)
    assert str(raised.value).startswith(sentence)


def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FleetError, match=r"file: the directory cannot be created"):
        make_folder(tmp_path / "file", FleetError)
    with pytest.raises(FleetError, match=r"file.x: cannot be written"):
        write_text(tmp_path / "file" / "x", "text", FleetError)
    assert make_folder(tmp_path / "a" / "b", FleetError).is_dir()
