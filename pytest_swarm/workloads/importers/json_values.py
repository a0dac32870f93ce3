"""Reading of JSON that tools export: lenient where a tool leaves fields out, so that a wrong kind counts as missing."""

from __future__ import annotations

import json

from pytest_swarm.fields import Json

JsonTable = dict[str, Json]


def table(value: Json, *path: str) -> JsonTable:
    """Return the table at a path of keys; an empty one where there is none.

    Args:
        value: The value to begin at.
        path: Keys that lead to the table.
    """
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def tables(value: Json, *path: str) -> list[JsonTable]:
    """Return the tables of the list at a path of keys; none where there is no list.

    Args:
        value: The value to begin at.
        path: Keys that lead to the list.
    """
    found = at(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(value: Json, *path: str) -> str:
    """Return the text at a path of keys, a number as text; an empty one where there is none.

    Args:
        value: The value to begin at.
        path: Keys that lead to the text.
    """
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)


def texts(value: Json, *path: str) -> tuple[str, ...]:
    """Return the texts of the list at a path of keys, numbers as texts; none where there is no list.

    Args:
        value: The value to begin at.
        path: Keys that lead to the list.
    """
    found = at(value, *path)
    return tuple(text(row) for row in found) if isinstance(found, list) else ()


def at(value: Json, *path: str) -> Json:
    """Return the value at a path of keys; None where there is none.

    Args:
        value: The value to begin at.
        path: Keys that lead to it.
    """
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def first_text(value: Json, *keys: str) -> str:
    """Return the first text that is not blank under one of the keys, else an empty one.

    Args:
        value: The table.
        keys: The keys, in order.
    """
    return next((found for key in keys if (found := text(value, key)).strip()), "")


def as_text(value: Json) -> str:
    """Return a value of an input as it stands in a prompt: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
