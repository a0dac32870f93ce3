"""What the model's process refuses, with its messages: images, options out of range, schemas without a grammar.

It turns a JSON schema into a grammar, in the order of llama.cpp's `json-schema-to-grammar.cpp`: first all references,
then the schema from the outside in. Knows no texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.go_values import int32, overflows_float32
from pytest_swarm.simulator.server.model_library import VOCABULARY
from pytest_swarm.simulator.server.request_error import RequestError, runner_error
from pytest_swarm.simulator.server.request_parsing import ParsedRequest

# in the order in which the server writes them
_FLOATS: Final = (
    *("temperature", "top_p", "min_p"),
    *("repeat_penalty", "frequency_penalty", "presence_penalty", "typical_p"),
)
_RANGES: Final = (("num_keep", "n_keep", -1), ("repeat_last_n", "repeat_last_n", 0))
_PRIMITIVES: Final = ("boolean", "number", "integer", "object", "array", "string", "null")
_NO_GRAMMAR: Final = "Failed to initialize samplers: failed to parse grammar"
_FIELD: Final = "Field 'json_schema': \"json_schema\": "
_BAD_COUNT: Final = re.compile(r"\{(?![0-9]+\}|[0-9]*,[0-9]*\})")
_ESCAPE: Final = r'\\(?:[nrt"\\\[\]]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}'  # that the grammar knows
_KNOWN_ESCAPES: Final = re.compile(rf"(?:[^\\\[]|\[(?:[^\\\]]|{_ESCAPE}))*\]|{_ESCAPE}|[$^.()|{{}}*+?]))*", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_CLASS: Final = re.compile(r"\[[^\]]*\]")
_UNIONS: Final = ("oneOf", "anyOf")
_BOUNDS: Final = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
"""The bounds that the grammar of a type reads."""


def check_by_runner(parsed: ParsedRequest) -> None:
    """Raise RequestError 500 for what cannot be passed to the model's process, and 400 for what that refuses."""
    fault = parsed.format_fault or _number_fault(parsed.options)
    if fault is not None:
        raise RequestError(500, fault, in_stream=parsed.stream)
    if parsed.images:
        fault = "Multimodal data provided, but model does not support multimodal requests."
    fault = fault or _range_fault(parsed) or schema_fault(parsed.json_format[0])
    if fault in (None, _NO_GRAMMAR):  # the grammar is the last of the samplers
        fault = penalty_fault(parsed.options.get("repeat_penalty")) or fault
    if fault is not None:
        raise runner_error(fault, in_stream=parsed.stream)


def _number_fault(options: Mapping[str, Json]) -> str | None:
    """Return why the server cannot write the options as JSON: it keeps 32 bits of a number, and knows no infinity."""
    for name in _FLOATS:
        value = options.get(name)
        if isinstance(value, int | float) and overflows_float32(value):
            return f"failed to marshal completion request: json: unsupported value: {'+' if value > 0 else '-'}Inf"
    return None


def _range_fault(parsed: ParsedRequest) -> str | None:
    for option, field, least in _RANGES:
        value = int32(parsed.whole_option(option, 0))
        if value < least:
            return f"Field '{field}': Value must be between {least} <= value <= 2147483647, but got {value}"
    return None


def penalty_fault(penalty: Json) -> str | None:
    """Return why the model's process refuses an option `repeat_penalty`; None where it takes it."""
    refused = isinstance(penalty, int | float) and penalty <= 0
    return "Failed to initialize samplers: penalty_repeat must be finite and greater than 0" if refused else None


def context_fault(tokens: Sequence[int]) -> str | None:
    """Return why the model's process cannot read a context: the first token that it does not know; None for none.

    It keeps 32 bits of each.
    """
    for token in tokens:
        number = int32(token)
        if not 0 <= number < VOCABULARY:
            place = f"__n (which is {number % 2**64}) >= this->size() (which is {VOCABULARY})"
            error = {"code": 500, "message": f"vector::_M_range_check: {place}", "type": "server_error"}
            return "detokenize error: " + json.dumps({"error": error}, separators=(",", ":"))
    return None


def schema_fault(schema: Json) -> str | None:
    """Return why the model's process refuses a JSON schema; None where it takes it."""
    if not isinstance(schema, dict):
        return None
    try:
        faults = [*_reference_faults(schema, schema), *_faults(schema)]
    except _WrongKindError as error:
        return f"{_FIELD}[json.exception.type_error.302] {error}"
    if faults:
        return _FIELD + "JSON schema conversion failed:\n" + "\n".join(faults)
    return None if _has_grammar(schema) else _NO_GRAMMAR


class _WrongKindError(Exception):
    """A keyword whose value is of the wrong kind; the message names both kinds."""

    def __init__(self, wanted: str, value: Json) -> None:
        super().__init__(f"type must be {wanted}, but is {_kind(value)}")


def _reference_faults(node: Json, root: dict[str, Json]) -> Iterator[str]:
    """Yield a sentence for each reference of a schema that leads nowhere."""
    if isinstance(node, list):
        for item in node:
            yield from _reference_faults(item, root)
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if "$ref" not in node:
        for item in node.values():
            yield from _reference_faults(item, root)
    elif not isinstance(reference, str):
        raise _WrongKindError("string", reference)
    elif not reference.startswith("#/"):
        yield f"Unsupported ref: {reference}"
    else:
        yield from _unresolved(reference, root)


def _unresolved(reference: str, root: dict[str, Json]) -> Iterator[str]:
    target: Json = root
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(target, dict) or part not in target:
            yield f"Error resolving ref {reference}: {part} not in {_shown(target)}"
            return
        target = target[part]


def _faults(schema: Json) -> Iterator[str]:
    """Yield a sentence for each part of a schema that has no grammar. null and an empty list are an empty schema."""
    if schema is None or schema == []:
        return
    if not isinstance(schema, dict):
        yield f"Unrecognized schema: {_shown(schema)}"
        return
    if not isinstance(schema.get("format", ""), str):
        raise _WrongKindError("string", schema["format"])
    kind, union = schema.get("type"), next((name for name in _UNIONS if name in schema), None)
    if "$ref" in schema:
        return
    if union is not None:
        yield from _faults_of_all(schema[union])
    elif isinstance(kind, list):
        for each in kind:
            yield from _faults({**schema, "type": each})
    elif "const" in schema or "enum" in schema:
        return
    elif kind in (None, "object") and ("properties" in schema or schema.get("additionalProperties", True) is not True):
        yield from _property_faults(schema)
    elif kind in (None, "object", "string") and "allOf" in schema:
        return
    elif kind in (None, "array") and ("items" in schema or "prefixItems" in schema):
        items = schema.get("items", schema.get("prefixItems"))
        yield from _faults_of_all(items) if isinstance(items, list) else _item_faults(items, schema)
    elif kind in (None, "string") and "pattern" in schema:
        yield from _pattern_faults(schema["pattern"])
    elif kind is not None and kind not in _PRIMITIVES:
        yield f"Unrecognized schema: {_shown(schema)}"
    else:
        _check_numbers(schema, _BOUNDS.get(kind or "", ()))


def _faults_of_all(schemas: Json) -> Iterator[str]:
    if not isinstance(schemas, list):
        raise _WrongKindError("array", schemas)
    for each in schemas:
        yield from _faults(each)


def _item_faults(items: Json, schema: dict[str, Json]) -> Iterator[str]:
    yield from _faults(items)
    _check_numbers(schema, ("minItems",))


def _property_faults(schema: dict[str, Json]) -> Iterator[str]:
    properties, more = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(properties, dict):
        properties = list(properties.values())
    for each in properties if isinstance(properties, list) else [properties]:
        yield from _faults(each)
    if isinstance(more, dict):
        yield from _faults(more)


def _pattern_faults(pattern: Json) -> Iterator[str]:
    if not isinstance(pattern, str):
        raise _WrongKindError("string", pattern)
    outside = _CLASS.sub("_", _ESCAPED.sub("_", pattern))
    if not (pattern.startswith("^") and pattern.endswith("$")):
        yield "Pattern must start with '^' and end with '$'"
    elif "[" in outside:
        yield "Unbalanced square brackets"
    elif _BAD_COUNT.search(outside):
        yield "Invalid number in curly brackets"


def _check_numbers(schema: dict[str, Json], names: Sequence[str]) -> None:
    """Raise _WrongKindError for a bound that is no number."""
    for name in names:
        if not isinstance(schema.get(name, 0), int | float):
            raise _WrongKindError("number", schema[name])


def _has_grammar(schema: Json) -> bool:
    """Return whether the grammar of a schema can be read: no choice is empty, no count negative, no class of letters.

    The grammar has no `\\d`, `\\w` and `\\s`, and no escape of a sign that needs none, such as `\\-`.
    """
    if not isinstance(schema, dict) or "const" in schema or "enum" in schema:
        return True
    if schema.get("type") == [] or any(schema.get(name) == [] for name in _UNIONS):
        return False
    if any(isinstance(count := schema.get(name), int) and count < 0 for name in ("minItems", "minLength")):
        return False
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _KNOWN_ESCAPES.fullmatch(pattern):
        return False
    parts = [schema.get("items"), schema.get("additionalProperties")]
    for name in (*_UNIONS, "allOf", "prefixItems"):
        found = schema.get(name)
        parts += found if isinstance(found, list) else []
    properties = schema.get("properties")
    parts += properties.values() if isinstance(properties, dict) else []
    return all(map(_has_grammar, parts))


def _kind(value: Json) -> str:
    """Return the name of a JSON value's kind, as the process says it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object"


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
