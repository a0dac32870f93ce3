"""Groups of LangFlow: a component that holds a flow of its own is replaced by what it holds.

Its fields and outputs say whose they are (`proxy`), as langflow/graph/graph/utils.py reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_swarm.workloads.importers.flow_rows import edge_rows, rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, at, table, tables, text
from pytest_swarm.workloads.importers.langflow_edges import handle


def ungrouped(rows: list[JsonTable], edges: list[JsonTable]) -> tuple[list[JsonTable], list[JsonTable]]:
    """Return components and edges with the contents of each group in its place.

    Args:
        rows: The components.
        edges: The edges.

    Raises:
        GraphError: Where a component or an edge of a group cannot be read.
    """
    groups = {text(row, "id"): row for row in rows if isinstance(at(_flow(row), "nodes"), list)}
    if not groups:
        return rows, edges
    found: list[JsonTable] = []
    inside: list[JsonTable] = []
    for row in rows:
        if text(row, "id") in groups:
            contents = [_with_values(each, row) for each in rows_at(_flow(row), "nodes")]
            wires = edge_rows(_flow(row), "edges")
            inner, more = ungrouped(contents, wires)
            found += inner
            inside += more
        else:
            found.append(row)
    return found, [*inside, *(_led(_begun(edge, groups), groups) for edge in edges)]


def _flow(row: JsonTable) -> JsonTable:
    return table(row, "data", "node", "flow", "data")


def _with_values(row: JsonTable, group: JsonTable) -> JsonTable:
    """Return a component of a group with the values that the group's fields have for it."""
    own = text(row, "id")
    fields = table(group, "data", "node", "template").values()
    values = {text(each, "proxy", "field"): each for each in fields if text(each, "proxy", "id") == own}
    data, node = table(row, "data"), table(row, "data", "node")
    return {**row, "data": {**data, "node": {**node, "template": {**table(node, "template"), **values}}}}


def _led(edge: JsonTable, groups: Mapping[str, JsonTable]) -> JsonTable:
    """Return an edge that leads to a group as one to the component whose field it is."""
    group = groups.get(text(edge, "target"))
    if group is None:
        return edge
    end = handle(edge, "targetHandle")
    name = text(end, "fieldName")
    proxy = table(end, "proxy") or table(group, "data", "node", "template", name, "proxy")
    inner: JsonTable = {"fieldName": proxy.get("field")}
    data: JsonTable = {**table(edge, "data"), "targetHandle": inner}
    return _led({**edge, "target": text(proxy, "id"), "data": data}, _groups_in(group))


def _begun(edge: JsonTable, groups: Mapping[str, JsonTable]) -> JsonTable:
    """Return an edge that begins at a group as one from the component whose output it is."""
    group = groups.get(text(edge, "source"))
    if group is None:
        return edge
    name = text(handle(edge, "sourceHandle"), "name")
    outputs = tables(group, "data", "node", "outputs")
    proxy = next((table(each, "proxy") for each in outputs if text(each, "name") == name), {})
    inner: JsonTable = {"name": proxy.get("name")}
    data: JsonTable = {**table(edge, "data"), "sourceHandle": inner}
    return _begun({**edge, "source": text(proxy, "id") or _last(group), "data": data}, _groups_in(group))


def _groups_in(group: JsonTable) -> dict[str, JsonTable]:
    return {text(row, "id"): row for row in tables(_flow(group), "nodes") if _flow(row)}


def _last(group: JsonTable) -> str:
    """Return the component of a group that no other follows."""
    sources = {text(edge, "source") for edge in tables(_flow(group), "edges")}
    return next((own for row in tables(_flow(group), "nodes") if (own := text(row, "id")) not in sources), "")
