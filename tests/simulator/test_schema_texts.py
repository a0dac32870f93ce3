"""JSON by a schema: what comes out is what the schema allows."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest

from pytest_swarm.simulator.models.schema_texts import constrained_text

ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer", "minimum": 4}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/$defs/Item", "$defs": {"Item": ITEM}}, {"name": "unclear", "count": 4}),
        (
            {"properties": {"all": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/N"}}},
             "$defs": {"N": {"type": "integer", "minimum": 3, "maximum": 3}}},
            {"all": [3, 3]},
        ),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "x"}]}, [1, "x"]),
        ({"type": "string", "minLength": 10, "maxLength": 10}, "unclearunc"),
        ({"type": "string", "maxLength": 3}, "unc"),
        ({"type": "string", "minLength": 9, "maxLength": 3}, "unclearun"),
        ({"type": "integer", "minimum": 9, "maximum": 3}, 9),
        ({"type": "integer", "maximum": -7}, -7),
        ({"type": "integer", "exclusiveMinimum": 100}, 102),
        ({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7}, 6),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": 9, "exclusiveMaximum": 4}, 3),
        ({"type": "number", "exclusiveMaximum": 0}, -0.5),
        ({"type": "string", "format": "uuid1"}, "00000000-0000-1000-8000-000000000000"),
        ({"type": "array", "minItems": 3, "maxItems": 1, "items": {"const": 1}}, [1, 1, 1]),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"$ref": "#/$defs/Self", "$defs": {"Self": {"$ref": "#/$defs/Self"}}}, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_follows_the_schema(schema: Any, value: Any) -> None:
    assert json.loads(constrained_text(schema, Random(1))) == value


def test_a_text_matches_its_pattern() -> None:
    schema: Any = {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}
    texts = [json.loads(constrained_text(schema, Random(seed))) for seed in range(9)]
    assert all(re.fullmatch("[A-Z]{2}-[0-9]+", text) for text in texts)


def test_an_empty_list_of_choices_allows_no_text() -> None:
    """As on a real server; a list that has some is written without escapes, as there."""
    assert constrained_text({"type": "string", "enum": []}, Random(1)) == ""
    assert constrained_text({"enum": ["café"]}, Random(1)) == '"café"'
