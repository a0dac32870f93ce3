"""Fields: checked values, and one sentence that names place, key and wrong value for everything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields


def fields(**data: object) -> Fields:
    return Fields(data, where="f.toml", error=GraphError)


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda: Fields([1], where="f.toml", error=GraphError), "f.toml: must be a table, not [1]"),
        (lambda: fields(a=1).only(("b", "c")), "f.toml: unknown key 'a'; known keys: b, c"),
        (
            lambda: fields(colour=1).only(("color", "size")),
            "f.toml: unknown key 'colour'; did you mean 'color'? Known keys: color, size",
        ),
        (lambda: fields().text("a"), "f.toml: 'a' is missing; it must be a string"),
        (lambda: fields(a=None).number("a", 3), "f.toml: 'a' is missing; it must be a number"),
        (lambda: fields(a=3).text("a"), "f.toml: 'a' must be a string, not 3"),
        (lambda: fields(a="x" * 99).flag("a"), f"f.toml: 'a' must be true or false, not '{'x' * 36}..."),
        (lambda: fields(a=True).number("a"), "f.toml: 'a' must be a number, not True"),
        (lambda: fields(a=10**400).number("a"), "f.toml: 'a' must be a number, not 1000000000000000"),
        (lambda: fields(a=10**5000).number("a"), "f.toml: 'a' must be a number, not int (too long to show)"),
        (lambda: fields(a=2).number("a", low=0, high=1), "f.toml: 'a' is 2, but must be from 0 to 1"),
        (lambda: fields(a=2).number("a", high=1), "f.toml: 'a' is 2, but must be at most 1"),
        (lambda: fields(a=0.5).whole("a"), "f.toml: 'a' must be a whole number, not 0.5"),
        (lambda: fields(a=0).whole("a", low=1), "f.toml: 'a' is 0, but must be at least 1"),
        (lambda: fields(a=["b", None]).texts("a"), "f.toml: 'a' must contain strings only, not null"),
        (lambda: fields(a={"b": "c"}).table("a").number("b"), "f.toml, 'a': 'b' must be a number, not 'c'"),
        (lambda: fields(a=[{}, 3]).tables("a"), "f.toml, a[1]: must be a table, not 3"),
        (lambda: fields(a=1).labeled("m:1b").text("a"), "f.toml (m:1b): 'a' must be a string, not 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(read: Callable[[], object], sentence: str) -> None:
    with pytest.raises(GraphError) as raised:
        read()
    assert str(raised.value).startswith(sentence)


def test_values_are_returned_as_they_are() -> None:
    row = fields(a=2**60 + 1, b=[1, 2], c=None, d={"x": 1, "y": 2.5})
    assert row.whole("a") == 2**60 + 1
    assert (row.optional_number("c"), row.optional_text("z"), row.optional_whole("z")) == (None, None, None)
    assert row.table("d").numbers() == {"x": 1.0, "y": 2.5}
    assert (row.tables("z"), row.texts("z"), list(row.table("z"))) == ((), (), [])
    assert row.raw("b") == [1, 2]
    assert ("a" in row, "c" in row, "z" in row) == (True, False, False)
