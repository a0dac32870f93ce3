"""LangGraph: `get_graph().to_json()`. It holds the structure alone: no prompts, no models, no conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.agent_flow import AgentFlow, FlowLink, FlowNode, LlmStep
from pytest_swarm.workloads.importers.flow_contraction import reached
from pytest_swarm.workloads.importers.flow_graphs import step_type
from pytest_swarm.workloads.importers.flow_rows import edge_rows, rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text, texts
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost

_ENDS: Final = ("__start__", "__end__")
_TOOLS: Final = "ToolNode"
_NOT_LED_TO: Final = (
    "no way leads from the start to these steps, so what comes before them is not known; give the conditions and "
    "commands of the program their targets, as a type or a map, and export it again"
)
_DRAWN: Final = ("runnable", "schema")  # types of the nodes that LangChain draws


def is_langgraph(document: Json) -> bool:
    """Return whether the document is a graph of LangGraph."""
    rows = tables(document, "nodes")
    return any(_is_end(row) or ("data" in row and text(row, "type") in _DRAWN) for row in rows)


def read_langgraph(document: Json, *, name: str) -> AgentFlow:
    """Return a graph of LangGraph; every node but start, end and tool nodes is an LLM step.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.

    Raises:
        GraphError: Where a node has no ID, an edge leads to a node that does not exist, or nothing starts the graph.
    """
    rows = rows_at(document, "nodes")
    for place, row in enumerate(rows):
        if not text(row, "id"):
            raise GraphError(f"nodes[{place}] has no 'id'; it is {shown(row)}")
    if not any(map(_is_end, rows)):
        raise GraphError(
            f"it has no node {_ENDS[0]!r}: it is a runnable of LangChain or a part of a graph of LangGraph; "
            "export the compiled graph, `json.dumps(graph.get_graph().to_json())`"
        )
    edges = edge_rows(document, "edges")
    return AgentFlow(
        name=text(document, "name").strip() or name,
        nodes=tuple(_node(row) for row in rows),
        links=tuple(_link(row) for row in edges),
        losses=(FlowLoss(reason="the format holds no prompts and no models"), *_lost(rows, edges)),
    )


def _node(row: JsonTable) -> FlowNode:
    """Return a node; its type is that of its own name, not of the graph that it is a part of."""
    node = text(row, "id")
    step = LlmStep(type=step_type(node.rsplit(":", 1)[-1], "")) if _is_step(row) else None
    return FlowNode(id=node, name=node, step=step)


def _lost(rows: list[JsonTable], edges: list[JsonTable]) -> Iterator[FlowLoss]:
    """Yield the tools, and the steps that the program goes to without an edge: by `Command` or an untyped condition."""
    following: dict[str, list[str]] = defaultdict(list)
    for row in edges:
        following[text(row, "source")].append(text(row, "target"))
    led_to = reached([_ENDS[0]], following)
    for row in rows:
        node = text(row, "id")
        if _is_step(row) and node not in led_to:
            yield FlowLoss(reason=_NOT_LED_TO, what=node, nodes=(node,))
        elif not _is_step(row) and not _is_end(row):
            yield FlowLoss(reason=Lost.TOOLS, what=node, nodes=(node,))


def _is_end(row: JsonTable) -> bool:
    """Return whether a node is the start or the end of a graph, or of one within it."""
    return text(row, "id").rsplit(":", 1)[-1] in _ENDS


def _is_step(row: JsonTable) -> bool:
    classes = texts(table(row, "data"), "id")
    return not _is_end(row) and not (classes and classes[-1].endswith(_TOOLS))


def _link(row: JsonTable) -> FlowLink:
    source, target = text(row, "source"), text(row, "target")
    branch = (text(row, "data") or target) if row.get("conditional") is True else None
    return FlowLink(source=source, target=target, branch=branch)
