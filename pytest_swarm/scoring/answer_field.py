"""The answer of a reply that is a JSON object: its field for the answer, or the only field that can be one."""

from __future__ import annotations

import json
from typing import Final

from pytest_swarm.scoring.fences import unfenced

_MAX_CHARS: Final = 4000  # of an object that is an answer
_NAMES: Final = ("answer", "final_answer", "finalanswer", "result", "output", "label")


def answer_field(text: str) -> str | None:
    """Return the value of an object's field for the answer, else of its only field; None for any other text."""
    table = _table(text)
    found = [table[name] for name in _NAMES if isinstance(table.get(name), str | int | float)]
    if not found and len(table) == 1:
        found = [value for value in table.values() if isinstance(value, str | int | float)]
    return str(found[0]) if len(found) == 1 else None


def only_truth_value(text: str) -> bool | None:
    """Return the one truth value among the fields of an object: `{"is_spam": false, "topic": "mail"}`."""
    found = [said for value in _table(text).values() if (said := _truth(value)) is not None]
    return found[0] if len(found) == 1 else None


def _truth(value: object) -> bool | None:
    """A truth value, also as a word."""
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _table(text: str) -> dict[str, object]:
    """The object that a text is; empty where it is something else."""
    text = unfenced(text)
    if not text.startswith("{") or len(text) > _MAX_CHARS:
        return {}
    try:
        table: dict[str, object] = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return table
