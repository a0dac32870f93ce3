"""Edges of LangFlow: the field that one leads to, and the way out that it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text
from pytest_swarm.workloads.importers.langflow_kinds import chooses


def field_name(row: JsonTable) -> str:
    """Return the field that an edge leads to."""
    return text(handle(row, "targetHandle"), "fieldName")


def branch(rows: Mapping[str, JsonTable], edge: JsonTable) -> str | None:
    """Return the way out that an edge takes of a component which chooses one, by its name for people.

    Args:
        rows: The components by their IDs.
        edge: The edge.
    """
    row, name = rows.get(text(edge, "source"), {}), text(handle(edge, "sourceHandle"), "name")
    if not chooses(row) or not name:
        return None
    labels = {text(each, "name"): text(each, "display_name") for each in tables(row, "data", "node", "outputs")}
    return labels.get(name) or name


def handle(edge: JsonTable, side: str) -> JsonTable:
    """Return an end of an edge; older files have it only as a text with œ for quotation marks.

    Args:
        edge: The edge.
        side: `sourceHandle` or `targetHandle`.
    """
    if found := table(edge, "data", side):
        return found
    try:
        parsed: Json = json.loads(text(edge, side).replace("œ", '"'))
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
