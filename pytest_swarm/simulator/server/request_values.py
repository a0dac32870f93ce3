"""Values of a checked request, as the kind that a reader expects; another kind, such as null, is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pytest_swarm.domain.prompt import Message
from pytest_swarm.fields import Json

JsonObject: TypeAlias = Mapping[str, Json]


def text_field(data: JsonObject, name: str) -> str:
    """Return the text of a field; "" if it is missing or not a text.

    Args:
        data: The request.
        name: The name of the field.
    """
    value = data.get(name)
    return value if isinstance(value, str) else ""


def model_field(data: JsonObject) -> str:
    """Return the model's name from `model`, or from the older `name`."""
    return text_field(data, "model") or text_field(data, "name")


def object_of(value: Json) -> JsonObject:
    """Return an object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def items_of(value: Json) -> list[Json]:
    """Return the items of a list; none of any other value."""
    return value if isinstance(value, list) else []


def rows_of(value: Json) -> list[JsonObject]:
    """Return the items of a list as objects."""
    return list(map(object_of, items_of(value)))


def messages_of(value: Json) -> tuple[Message, ...]:
    """Return the messages of a list in the server's own form."""
    return tuple(
        Message(role=text_field(row, "role").lower(), content=text_field(row, "content")) for row in rows_of(value)
    )
