"""Schemas that the model's process refuses, with its messages; recorded from a real server (llama.cpp b10434)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_swarm.simulator.server.runner_checks import schema_fault

CONVERSION = "Field 'json_schema': \"json_schema\": JSON schema conversion failed:\n"
KIND = "Field 'json_schema': \"json_schema\": [json.exception.type_error.302] "
GRAMMAR = "Failed to initialize samplers: failed to parse grammar"
UNKNOWN_ESCAPES = ("^\\d+$", "^a\\-b$", "^[\\.]$", "^(\\/)?$", "^\\x4$")


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "nope"}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"type": "object", "properties": {"a": 5}}, CONVERSION + "Unrecognized schema: 5"),
        ({"properties": [5]}, CONVERSION + "Unrecognized schema: 5"),
        ({"properties": [{"type": "nope"}]}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"properties": "x"}, CONVERSION + 'Unrecognized schema: "x"'),
        ({"anyOf": [{"type": "integer"}, {"type": "nope"}]}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"type": "array", "items": {"type": "nope"}}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"items": [{"type": "integer"}, {"type": "nope"}]}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"prefixItems": [{"type": "nope"}]}, CONVERSION + 'Unrecognized schema: {"type":"nope"}'),
        ({"$ref": "#/x"}, CONVERSION + 'Error resolving ref #/x: x not in {"$ref":"#/x"}'),
        ({"$ref": "http://x/y"}, CONVERSION + "Unsupported ref: http://x/y"),
        ({"type": "string", "pattern": "[a-z]{2}"}, CONVERSION + "Pattern must start with '^' and end with '$'"),
        ({"type": "string", "pattern": "^[a$"}, CONVERSION + "Unbalanced square brackets"),
        ({"type": "string", "pattern": "^a{x}$"}, CONVERSION + "Invalid number in curly brackets"),
        *(({"type": "string", "pattern": pattern}, GRAMMAR) for pattern in UNKNOWN_ESCAPES),
        ({"type": []}, GRAMMAR),
        ({"type": "array", "items": {"oneOf": []}}, GRAMMAR),
        ({"type": "array", "minItems": -1, "items": {"type": "integer"}}, GRAMMAR),
        ({"anyOf": "x"}, KIND + "type must be array, but is string"),
        ({"$ref": 5}, KIND + "type must be string, but is number"),
        ({"$ref": None}, KIND + "type must be string, but is null"),
        ({"type": "integer", "minimum": "x"}, KIND + "type must be number, but is string"),
        ({"type": "integer", "exclusiveMinimum": "x"}, KIND + "type must be number, but is string"),
        ({"type": "string", "minLength": None}, KIND + "type must be number, but is null"),
        ({"items": {}, "minItems": "x"}, KIND + "type must be number, but is string"),
        ({"const": 1, "format": None}, KIND + "type must be string, but is null"),
        ({"enum": ["x"], "anyOf": ["x"]}, CONVERSION + 'Unrecognized schema: "x"'),
    ],
    ids=str,
)
def test_a_schema_without_a_grammar_is_refused(schema: Any, fault: str) -> None:
    assert schema_fault(schema) == fault


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}},
        {"enum": []},
        {"const": None},
        {"allOf": [5]},
        {"title": "x"},
        {"not": {"type": "integer"}},
        {"type": "object", "properties": {"a": None}},
        {"type": "object", "properties": {"a": []}},
        {"type": "object", "properties": None},
        {"items": None},
        {"oneOf": [[]]},
        {"type": "string", "pattern": "^[a-z]{2,3}(x|y)*\\.$"},
        {"type": "string", "pattern": "^\\+[^{[\\]]\\\\\\[\\x41\\{$"},
        {"type": "array", "minItems": 3, "maxItems": 1, "items": {"type": "integer"}},
        {"type": "array", "minItems": "x"},
        {"items": {}, "maxItems": None},
        {"maximum": None, "minLength": None},
        {"type": "number", "minimum": "x"},
        None,
    ],
    ids=str,
)
def test_other_schemas_are_taken(schema: Any) -> None:
    assert schema_fault(schema) is None
