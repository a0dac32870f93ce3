"""JSON that a schema allows, for requests that are neither a task nor a planner prompt."""

from __future__ import annotations

import json
from random import Random
from typing import Final

from pytest_swarm.fields import Json

_DEEPEST: Final = 8  # nesting of schemas; ends a schema that refers to itself


def constrained_text(schema: Json, rng: Random) -> str:
    """Return JSON that the schema allows: all properties, the fewest items, numbers in the middle of their range.

    Args:
        schema: The JSON schema; None for plain JSON mode.
        rng: Generator of the choices.
    """
    value: Json = {} if schema is None else _value(schema, rng, _DEEPEST)
    return json.dumps(value)


def _value(schema: Json, rng: Random, depth: int) -> Json:
    if not isinstance(schema, dict) or depth == 0:
        return None
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return rng.choice(choices)
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            return _value(options[0], rng, depth - 1)
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            return _object(schema, rng, depth)
        case "array":
            return [_value(schema.get("items"), rng, depth - 1) for _ in range(_count(schema))]
        case "number":
            return _middle(schema)
        case "integer":
            return round(_middle(schema))
        case "boolean":
            return rng.random() < 0.5
        case "string":
            return "unclear"
    return None


def _object(schema: dict[str, Json], rng: Random, depth: int) -> Json:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {key: _value(each, rng, depth - 1) for key, each in properties.items()}


def _count(schema: dict[str, Json]) -> int:
    least = schema.get("minItems")
    return min(least, 100) if isinstance(least, int) and least > 0 else 0


def _middle(schema: dict[str, Json]) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    lower = float(low) if isinstance(low, int | float) else 0.0
    upper = float(high) if isinstance(high, int | float) else lower + 1.0
    return (lower + upper) / 2.0
