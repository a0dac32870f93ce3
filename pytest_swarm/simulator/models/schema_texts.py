"""JSON that a schema allows, for requests of which only the form of the answer is known."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from random import Random
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.regex_texts import matching_text

_DEEPEST: Final = 8  # nesting of schemas; ends a schema that refers to itself
_MOST_ITEMS: Final = 100
_WORD: Final = "unclear"
_FORMATS: Final = {
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    **{f"uuid{version}": f"00000000-0000-{version}000-8000-000000000000" for version in range(1, 6)},
}


def constrained_text(schema: Json, rng: Random) -> str:
    """Return JSON that the schema allows: all properties, the fewest items, numbers in the middle of their range.

    Of a minimum that is above the maximum the minimum counts.

    Args:
        schema: The JSON schema; None for plain JSON mode.
        rng: Generator of the choices.
    """
    if isinstance(schema, dict) and schema.get("enum") == []:
        return ""  # as the grammar of a real server has it
    value = {} if schema is None else _Draw(root=schema, rng=rng).value(schema, _DEEPEST)
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    """Draws values; `root` is the whole schema, into which references lead."""

    root: Json
    rng: Random

    def value(self, schema: Json, depth: int) -> Json:
        """Return a value that the schema allows; None below `depth` more levels."""
        if not isinstance(schema, dict) or depth == 0:
            return None
        reference, choices = schema.get("$ref"), schema.get("enum")
        if isinstance(reference, str):
            return self.value(self._referred(reference), depth - 1)
        if isinstance(choices, list) and choices:
            return self.rng.choice(choices)
        if "const" in schema:
            return schema["const"]
        for key in ("anyOf", "oneOf"):
            options = schema.get(key)
            if isinstance(options, list) and options:
                return self.value(options[0], depth - 1)
        return self._of_kind(_kind(schema), schema, depth)

    def _of_kind(self, kind: Json, schema: dict[str, Json], depth: int) -> Json:
        match kind:
            case "object":
                return {key: self.value(each, depth - 1) for key, each in self._properties(schema, depth).items()}
            case "array":
                return self._items(schema, depth)
            case "number":
                return _middle(schema, apart=0)
            case "integer":
                return round(_middle(schema, apart=1))
            case "boolean":
                return self.rng.random() < 0.5
            case "string":
                return self._text(schema)
        return None

    def _referred(self, reference: str) -> Json:
        """Return the part of the whole schema that a reference such as `#/$defs/Item` names; None if there is none."""
        target = self.root
        for part in reference.removeprefix("#").split("/")[1:]:
            target = target.get(part) if isinstance(target, dict) else None
        return target

    def _properties(self, schema: Json, depth: int) -> dict[str, Json]:
        """Return the properties of a schema and of all schemas of its `allOf`."""
        if not isinstance(schema, dict) or depth == 0:
            return {}
        reference, parts = schema.get("$ref"), schema.get("allOf")
        if isinstance(reference, str):
            return self._properties(self._referred(reference), depth - 1)
        properties = schema.get("properties")
        found = dict(properties) if isinstance(properties, dict) else {}
        for part in parts if isinstance(parts, list) else []:
            found |= self._properties(part, depth - 1)
        return found

    def _items(self, schema: dict[str, Json], depth: int) -> Json:
        first = schema.get("prefixItems")
        if isinstance(first, list):
            return [self.value(each, depth - 1) for each in first]
        least = schema.get("minItems")
        count = min(least, _MOST_ITEMS) if isinstance(least, int) and least > 0 else 0
        return [self.value(schema.get("items"), depth - 1) for _ in range(count)]

    def _text(self, schema: dict[str, Json]) -> str:
        pattern, form = schema.get("pattern"), schema.get("format")
        if isinstance(pattern, str):
            try:
                return matching_text(pattern, self.rng)
            except re.error:
                return _WORD
        if isinstance(form, str) and form in _FORMATS:
            return _FORMATS[form]
        least, most = schema.get("minLength"), schema.get("maxLength")
        size = min(len(_WORD), most) if isinstance(most, int) and most >= 0 else len(_WORD)
        size = max(size, least) if isinstance(least, int) else size
        return (_WORD * (size // len(_WORD) + 1))[:size]


def _kind(schema: dict[str, Json]) -> Json:
    """Return the type of a schema; without one, the type that its keywords belong to."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return kind[0] if kind else None
    if kind is None:
        if "properties" in schema or "allOf" in schema:
            return "object"
        return "array" if "items" in schema or "prefixItems" in schema else None
    return kind


def _middle(schema: dict[str, Json], *, apart: int) -> float:
    """Return the middle of a schema's range; `apart` is how far from an exclusive bound the range begins."""
    lower = _bound(schema, "minimum", "exclusiveMinimum", apart)
    upper = _bound(schema, "maximum", "exclusiveMaximum", -apart)
    if lower is None:
        lower = 0.0 if upper is None or upper > 0.0 else upper - 1.0 + apart
    return (lower + (lower + 1.0 if upper is None else max(lower, upper))) / 2.0


def _bound(schema: dict[str, Json], name: str, exclusive_name: str, apart: int) -> float | None:
    """Return a bound of a schema's range: an exclusive one counts where there is no other, as on a real server."""
    bound, exclusive = schema.get(name), schema.get(exclusive_name)
    if isinstance(bound, int | float):
        return float(bound)
    return float(exclusive) + apart if isinstance(exclusive, int | float) else None
