"""A text generator of fixed length: `num_predict` words, or the smallest JSON that a schema allows.

For the launcher and for tests: its models never end a text by themselves.
"""

from __future__ import annotations

import json
from typing import Final

from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.token_stream import GeneratedText, GenerationRequest

_WORDS: Final = ("The", " small", " harbour", " slept", " under", " rain", " while", " boats", " rocked", " softly")
_LONG: Final = 128  # tokens where the request sets no limit
_LONGEST: Final = 100_000  # limit, so that no request exhausts the memory
_DEEPEST: Final = 20  # nesting of schemas; ends a schema that refers to itself


class FixedLengthGenerator:
    """Generates `num_predict` tokens of varying words (128 without a limit); with a format, its smallest instance."""

    def prompt_tokens(self, request: GenerationRequest) -> int:
        """Return the tokens of a prompt: its characters / 4, and an earlier context."""
        tokens = sum(tokens_by_length(message["content"]) for message in request.messages)
        return 1 + request.context_tokens + int(tokens)

    def generate(self, request: GenerationRequest) -> GeneratedText:
        """Return the text for one request; equal requests get equal texts."""
        if request.schema is not None or request.json_mode:
            value: Json = {"answer": "text"} if request.schema is None else instance(request.schema)
            text = json.dumps(value)
            return GeneratedText(text=text, completion_tokens=max(1, int(tokens_by_length(text))))
        endless = request.num_predict is None and request.options.get("num_predict") is not None
        count = min(request.num_predict or (_LONGEST if endless else _LONG), _LONGEST)
        words = [_WORDS[n % len(_WORDS)] for n in range(count)]
        return GeneratedText(text="".join(words), completion_tokens=count)


def instance(schema: Json, depth: int = 0) -> Json:
    """Return a small value that a JSON schema allows; None (null) if the schema is not understood.

    Args:
        schema: The schema; understood are types, const, default, enum, anyOf, oneOf, required, minItems and minimum.
        depth: Nesting of the schema within the whole one.
    """
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "anyOf", "oneOf"):
        choices = schema.get(key)
        if isinstance(choices, list) and choices:
            return choices[0] if key == "enum" else instance(choices[0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else None)
    if kind == "object":
        properties = schema.get("properties")
        required = schema.get("required")
        names = required if isinstance(required, list) else []
        known = properties if isinstance(properties, dict) else {}
        return {str(name): instance(known.get(str(name)), depth + 1) for name in names}
    if kind == "array":
        least = schema.get("minItems", 0)
        count = int(least) if isinstance(least, int | float) else 0
        return [instance(schema.get("items"), depth + 1) for _ in range(min(count, _LONG))]
    least = schema.get("minimum", 0)
    plain: dict[str, Json] = {"string": "text", "boolean": True, "integer": least, "number": least}
    return plain.get(kind) if isinstance(kind, str) else None
