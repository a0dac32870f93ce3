"""Profiles on top of others: `base = "a40"` in a file, and `like = "llama3.1:8b"` in one of its models.

Works on the parsed tables; what the values mean is the reader's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from pytest_swarm.domain.limits import full_tag
from pytest_swarm.fields import Fields

LAYER_KEYS: Final = ("base", "name", "source", "hardware", "behaviour", "planner", "models", "faults")


def layered(base: Mapping[str, object], top: Fields) -> dict[str, object]:
    """Return the tables of a base profile with those of a file on top of them.

    Tables override the base's key by key, other values replace the base's. A model of the file is added, or replaces
    the base's model of that name.

    Args:
        base: The tables of the base.
        top: The file that names the base.

    Raises:
        SwarmError: That of `top`, for a model that is like no model of the base.
    """
    merged = {**base}
    for key in (key for key in top if key not in ("base", "models")):
        below, value = base.get(key), top.raw(key)
        merged[key] = {**below, **value} if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    if "models" in top:
        merged["models"] = _models(Fields(base, where="the base", error=top.error), top)
    return merged


def _models(base: Fields, top: Fields) -> list[dict[str, object]]:
    """Return the models of the base, as far as the file does not replace them, and those of the file."""
    below = {full_tag(row.text("name")): {key: row.raw(key) for key in row} for row in base.tables("models")}
    rows = [_model(row, below) for row in top.tables("models")]
    replaced = {full_tag(str(row["name"])) for row in rows}
    return [*(row for tag, row in below.items() if tag not in replaced), *rows]


def _model(row: Fields, below: Mapping[str, dict[str, object]]) -> dict[str, object]:
    """Return the table of one model: that of the model it is like, with its own keys on top."""
    name, own = row.text("name"), {key: row.raw(key) for key in row if key != "like"}
    if "like" not in row:
        return own
    like = row.text("like")
    if full_tag(like) not in below:
        known = ", ".join(str(each["name"]) for each in below.values())
        raise row.fail(f"like {like!r} is no model of the base; its models are {known}")
    blob = hashlib.sha256(full_tag(name).encode()).hexdigest()[:16]  # a file of its own, so that both can be loaded
    return {**below[full_tag(like)], "source": f"assumed: as {like}, where not given", "blob": blob, **own}
