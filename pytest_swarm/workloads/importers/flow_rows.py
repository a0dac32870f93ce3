"""Nodes and edges of an exported flow, read strictly: an edge that counted as missing would make a wrong graph.

Everything else of such a file is read leniently, by `json_values`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.json_values import JsonTable, at, text


def rows_at(document: Json, *path: str) -> list[JsonTable]:
    """Return the tables of the list at a path of keys.

    Args:
        document: The parsed file.
        path: Keys that lead to the list.

    Raises:
        GraphError: Where there is no list, or it holds something else than tables.
    """
    key, found = path[-1], at(document, *path)
    if not isinstance(found, list):
        raise GraphError(f"there is no list {key!r}, so the graph is not complete; export it again")
    for place, row in enumerate(found):
        if not isinstance(row, dict):
            raise GraphError(f"{key}[{place}] is {shown(row)}, but must be an object")
    return [row for row in found if isinstance(row, dict)]


def edge_rows(document: Json, *path: str) -> list[JsonTable]:
    """Return the edges of the list at a path of keys: tables with `source` and `target`.

    Args:
        document: The parsed file.
        path: Keys that lead to the list.

    Raises:
        GraphError: Where there is no list, or an edge of it does not say where it begins or ends.
    """
    rows = rows_at(document, *path)
    for place, row in enumerate(rows):
        for end in ("source", "target"):
            if not text(row, end):
                raise GraphError(f"{path[-1]}[{place}] has no {end!r} that names a node; it is {shown(row)}")
    return rows


def by_id(rows: Iterable[JsonTable]) -> dict[str, JsonTable]:
    """Return nodes by their `id`.

    Raises:
        GraphError: Where two of them have one ID.
    """
    found: dict[str, JsonTable] = {}
    for row in rows:
        if text(row, "id") in found:
            raise GraphError(f"two nodes have the id {text(row, 'id')!r}")
        found[text(row, "id")] = row
    return found
