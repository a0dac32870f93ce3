"""Plain graphs: node-link JSON of networkx and D3, and GraphML. Attributes of a node are the fields of a task."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from pytest_swarm.domain.placeholders import PLACEHOLDER, fill, reference_of
from pytest_swarm.domain.task import MAX_DIFFICULTY, MIN_DIFFICULTY, type_name
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json, shown
from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    StepAnswer,
    filled,
)
from pytest_swarm.workloads.importers.flow_rows import edge_rows, rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, at, table, text
from pytest_swarm.workloads.importers.losses import FlowLoss
from pytest_swarm.workloads.importers.task_rules import type_from_text

MAX_TOKENS: Final = 10**7
NO_DIRECTION: Final = "is an undirected graph, so it does not say which task comes first; export it as a directed one"
_CANVAS: Final = (
    "the file is a canvas of a tool that is not known: each of its nodes is a task, also those that ask no model"
)
GRAPHML_NEEDS: Final = "GraphML is read by networkx, which is not installed: pip install networkx"


@dataclass(slots=True)
class PlainGraph:
    """A graph as its file has it: attributes of each node by its ID, and edges."""

    name: str
    nodes: dict[str, dict[str, Json]] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def flow(self) -> AgentFlow:
        """Return the graph with every node as an LLM step; its ID is the name.

        Raises:
            GraphError: For an edge that leads nowhere, and for a task's field with a wrong value.
        """
        nodes = tuple(FlowNode(id=node, name=node, step=self._step(node, row)) for node, row in self.nodes.items())
        links = tuple(FlowLink(source=source, target=target) for source, target in dict.fromkeys(self.edges))
        return AgentFlow(name=self.name, nodes=nodes, links=links)

    def _step(self, node: str, row: Mapping[str, Json]) -> LlmStep:
        fields = Fields(_numbers(row), where=f"node {node!r}", error=GraphError)
        label = text(dict(row), "label").strip()
        written = text(dict(row), "prompt").strip()
        called = f"{node} ({label})" if label and label != node else node
        own = f"You carry out the step {called} of the workflow {self.name}. Give its result in a few sentences."
        kind = text(dict(row), "type").strip().lower()
        tokens = fields.optional_whole("estimated_tokens")
        if tokens is not None and not 1 <= tokens <= MAX_TOKENS:
            raise fields.fail(f"'estimated_tokens' is {tokens}, but must be from 1 to {MAX_TOKENS}")
        difficulty = fields.number("difficulty", MIN_DIFFICULTY, low=MIN_DIFFICULTY, high=MAX_DIFFICULTY)
        return LlmStep(
            system=self._parts(text(dict(row), "system").strip(), fields),
            prompt=self._parts(written, fields) if written else (own,),
            model=text(dict(row), "model").strip() or None,
            type=type_name(kind) or type_from_text(" ".join((kind, label or node, written))),
            estimated_tokens=tokens,
            difficulty=difficulty if "difficulty" in fields else None,
        )

    def _parts(self, written: str, fields: Fields) -> Parts:
        """Return a text with its placeholders, which are those of a graph file."""

        def place(match: re.Match[str]) -> Parts:
            answer = reference_of(match)
            if answer.task not in self.nodes:
                raise fields.fail(f"refers to the answer of {answer.task!r}, which is no node")
            return (StepAnswer(candidates=((answer.task, answer.path),), raw=match[0]),)

        parts = filled(written, PLACEHOLDER, place)
        return tuple(fill(part, {}) if isinstance(part, str) else part for part in parts)


def is_node_link(document: Json) -> bool:
    """Return whether the document is node-link JSON."""
    lists = isinstance(at(document, "links"), list) or isinstance(at(document, "edges"), list)
    return lists and isinstance(at(document, "nodes"), list)


def read_node_link(document: Json, *, name: str) -> AgentFlow:
    """Return the graph of node-link JSON, with the edges under `links` or `edges`.

    Args:
        document: The parsed file.
        name: Name of the graph where the file has none.

    Raises:
        GraphError: For an undirected graph, a node without an ID, an edge without ends, and one that leads nowhere.
    """
    if at(document, "directed") is False:
        raise GraphError(NO_DIRECTION)
    graph = PlainGraph(text(document, "graph", "name") or text(document, "name") or name)
    key = "links" if isinstance(at(document, "links"), list) else "edges"
    nodes = rows_at(document, "nodes")
    is_canvas = any("position" in row and isinstance(row.get("data"), dict) for row in nodes)
    for place, row in enumerate(nodes):
        node = text(row, "id") or text(row, "name")
        if not node:
            raise GraphError(f"nodes[{place}] has no 'id'; it is {shown(row)}")
        if node in graph.nodes:
            raise GraphError(f"two nodes have the id {node!r}")
        graph.nodes[node] = _fields_on_canvas(row) if is_canvas else row
    rows = edge_rows(document, key)
    graph.edges = [(_end(row, "source", graph.nodes), _end(row, "target", graph.nodes)) for row in rows]
    flow = graph.flow()
    return replace(flow, losses=(FlowLoss(reason=_CANVAS),)) if is_canvas else flow


def _fields_on_canvas(row: JsonTable) -> JsonTable:
    """Return what a canvas says of a task, under `data`; its `type` says how the node is drawn."""
    return {key: value for key, value in table(row, "data").items() if key in ("label", "prompt", "system", "model")}


def _end(row: Json, side: str, nodes: Mapping[str, Mapping[str, Json]]) -> str:
    """Return the node where an edge begins or ends; older D3 counts nodes without IDs from 0."""
    place, named = at(row, side), text(row, side)
    if (
        named in nodes
        or isinstance(place, bool)
        or not isinstance(place, int)
        or any("id" in each for each in nodes.values())
    ):
        return named
    return list(nodes)[place] if 0 <= place < len(nodes) else named


def read_graphml(xml: str, *, name: str) -> AgentFlow:
    """Return the graph of a GraphML text.

    Args:
        xml: The text.
        name: Name of the graph where the file has none.

    Raises:
        GraphError: Where networkx is missing, cannot read the text, or finds an undirected graph.
    """
    try:
        import networkx
    except ImportError as error:
        raise GraphError(GRAPHML_NEEDS) from error
    try:
        _check_graphml(fromstring(xml))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keys without a type are texts, which is what a task's fields are
            found = networkx.parse_graphml(xml)
    except (ParseError, networkx.NetworkXError) as error:
        raise GraphError(f"is not valid GraphML: {error}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:  # networkx checks neither keys nor types
        raise GraphError(f"is not valid GraphML: {error}") from error
    graph = PlainGraph(str(found.graph.get("name") or found.graph.get("id") or name))
    defaults = found.graph.get("node_default", {})
    graph.nodes = {
        str(node): {str(key): _plain(each) for key, each in {**defaults, **row}.items()}
        for node, row in found.nodes(True)
    }
    graph.edges = [(str(source), str(target)) for source, target in found.edges()]
    return graph.flow()


def _check_graphml(root: Element) -> None:
    """Raise GraphError for what networkx leaves out or makes up: nested graphs, edges to nodes that do not exist."""
    tags = [(each.tag.rpartition("}")[2], each) for each in root.iter() if isinstance(each.tag, str)]
    graphs = [each for tag, each in tags if tag == "graph"]
    if any(each.get("edgedefault") == "undirected" for each in graphs):
        raise GraphError(NO_DIRECTION)
    if len(graphs) > 1:
        raise GraphError(f"holds {len(graphs)} graphs, nested or one after another; export one graph alone")
    nodes = {each.get("id") for tag, each in tags if tag == "node"}
    for end in (each.get(side) for tag, each in tags if tag == "edge" for side in ("source", "target")):
        if end not in nodes:
            raise GraphError(f"an edge ends at node {end!r}, which does not exist")


def _plain(value: object) -> Json:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _numbers(row: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields that are numbers, which some formats write as text."""
    return {key: _number(row[key]) for key in ("estimated_tokens", "difficulty") if key in row}


def _number(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
