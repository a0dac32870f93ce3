"""Documents: what is written is read again, and comments never break a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm import load_fleet, load_graph, load_policy
from pytest_swarm.documents import make_folder, parse_json, parse_toml, toml_line, write_text
from pytest_swarm.errors import FleetError, SwarmError
from pytest_swarm.fields import Json
from pytest_swarm.gate.baseline_codec import read_baseline
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.telemetry.reader import read_run

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
scalars = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


@given(key=texts, value=values, comment=st.none() | texts)
def test_a_toml_line_gives_its_value_back(key: str, value: Json, comment: str | None) -> None:
    assert parse_toml(toml_line(key, value, comment), "x", FleetError) == {key: value}


def test_a_comment_stays_on_its_line() -> None:
    assert toml_line("a", 1, "first\nsecond") == "a = 1  # first second"
    assert toml_line("a", 1, "\x1b[31m\ud800") == r"a = 1  # \u001b[31m\ud800"
    assert toml_line("a b", "c") == '"a b" = "c"'
    with pytest.raises(ValueError, match="null"):
        toml_line("a", None)


@pytest.mark.parametrize("read", [read_run, read_baseline, read_cassette, load_fleet, load_graph, load_policy])
@pytest.mark.parametrize("given", [None, 3])
def test_what_is_no_path_is_named_in_one_sentence(read: Callable[[Any], object], given: object) -> None:
    with pytest.raises(SwarmError, match=f"^a file is named by its path, a str or a Path, not by {given}$"):
        read(given)


@pytest.mark.parametrize("read", [read_run, read_baseline, read_cassette, load_fleet, load_graph, load_policy])
def test_a_path_may_be_a_text(read: Callable[[Any], object]) -> None:
    with pytest.raises(SwarmError, match=r"nowhere[.]json: there is no such file"):
        read("nowhere.json")


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (parse_json, "{", "x: is not valid JSON: "),
        (parse_json, "[-Infinity]", "x: is not valid JSON: -Infinity is not a JSON number"),
        (parse_json, "[1e999]", "x: inf is not a finite number"),
        (parse_toml, "a", "x: is not valid TOML: "),
        (parse_toml, "a = 07:30:00", "x: 'a': 07:30:00 is a date or time without quotes; put it in quotes"),
        (parse_toml, "[[model]]\nvram_gb = nan", "x: 'vram_gb': nan is not a finite number"),
        (parse_toml, "[a]\nb = [1, inf]", "x: 'b': inf is not a finite number"),
        *((parse_json, "[" * n + "]" * n, "x: is nested more than 60 levels deep; write it") for n in (62, 5_000)),
        (parse_toml, f"a = {'[' * 5_000}{']' * 5_000}", "x: is nested more than 60 levels deep; write it with fewer"),
        (parse_json, '{"model": [{"name": "a", "vram_gb": 1, "vram_gb": 2}]}', "x: gives 'vram_gb' twice; remove one"),
        (parse_toml, "a = 1\na = 2", "x: is not valid TOML: Cannot overwrite a value"),
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
