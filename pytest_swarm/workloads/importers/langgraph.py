"""LangGraph: `get_graph().to_json()`. It holds the structure alone: no prompts, no models, no conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import AgentFlow, FlowLink, FlowLoss, FlowNode, LlmStep
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text, texts

_ENDS: Final = ("__start__", "__end__")
_TOOLS: Final = "ToolNode"


def is_langgraph(document: Json) -> bool:
    """Return whether the document is a graph of LangGraph."""
    rows = tables(document, "nodes")
    return any(text(row, "id").rsplit(":", 1)[-1] in _ENDS for row in rows)


def read_langgraph(document: Json, *, name: str, where: str) -> AgentFlow:
    """Return a graph of LangGraph; every node but start, end and tool nodes is an LLM step.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where an edge leads to a node that does not exist.
    """
    rows = [row for row in tables(document, "nodes") if text(row, "id")]
    try:
        return AgentFlow(
            name=text(document, "name").strip() or name,
            nodes=tuple(_node(row) for row in rows),
            links=tuple(_link(row) for row in tables(document, "edges")),
            losses=(FlowLoss(reason="the format holds no prompts and no models"), *_lost(rows)),
        )
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


def _node(row: JsonTable) -> FlowNode:
    return FlowNode(id=text(row, "id"), name=text(row, "id"), step=LlmStep() if _is_step(row) else None)


def _lost(rows: list[JsonTable]) -> Iterator[FlowLoss]:
    for row in rows:
        if not _is_step(row) and text(row, "id").rsplit(":", 1)[-1] not in _ENDS:
            yield FlowLoss(reason="tools are not called", what=text(row, "id"), nodes=(text(row, "id"),))


def _is_step(row: JsonTable) -> bool:
    name = text(row, "id").rsplit(":", 1)[-1]
    classes = texts(table(row, "data"), "id")
    return name not in _ENDS and not (classes and classes[-1].endswith(_TOOLS))


def _link(row: JsonTable) -> FlowLink:
    source, target = text(row, "source"), text(row, "target")
    branch = (text(row, "data") or target) if row.get("conditional") is True else None
    return FlowLink(source=source, target=target, branch=branch)
