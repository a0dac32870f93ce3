"""A task graph drawn in layers from left to right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.graph import TaskGraph

BOX_TASKS: Final = 40  # beyond this a graph of boxes is wider than any screen: dots
MAX_TASKS: Final = 400  # beyond this a drawing says nothing; the table of tasks does
_BOX: Final = (122, 44, 34, 12)  # width, height, gap between layers, gap between rows
_DOT: Final = (14, 14, 22, 6)
MARGIN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A task and its upper left corner."""

    task: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphDrawing:
    """Nodes and edges in pixels; `boxes` is False where nodes are too many to be labeled."""

    width: float
    height: float
    box_width: float
    box_height: float
    boxes: bool
    nodes: tuple[Node, ...]
    edges: tuple[str, ...]


def draw_graph(graph: TaskGraph) -> GraphDrawing | None:
    """Return the drawing; None for a graph that is too large to be drawn."""
    if len(graph) > MAX_TASKS:
        return None
    boxes = len(graph) <= BOX_TASKS
    width, height, gap_x, gap_y = _BOX if boxes else _DOT
    layers = graph.layers()
    tallest = max(map(len, layers))
    full = tallest * (height + gap_y) - gap_y
    places: dict[str, Node] = {}
    for n, layer in enumerate(layers):
        top = (full - (len(layer) * (height + gap_y) - gap_y)) / 2
        for k, task in enumerate(_ordered(layer, graph, places)):
            places[task] = Node(task=task, x=MARGIN + n * (width + gap_x), y=MARGIN + top + k * (height + gap_y))
    edges = tuple(_edge(places[a], places[b], width, height) for a, b in dict.fromkeys(graph.edges))
    return GraphDrawing(
        width=2 * MARGIN + len(layers) * (width + gap_x) - gap_x,
        height=2 * MARGIN + full,
        box_width=width,
        box_height=height,
        boxes=boxes,
        nodes=tuple(places[task] for task in graph.order),
        edges=edges,
    )


def _ordered(layer: tuple[str, ...], graph: TaskGraph, places: Mapping[str, Node]) -> list[str]:
    """Return a layer by the mean height of its parents, which keeps most edges from crossing."""

    def height(task: str) -> float:
        parents = [places[each].y for each in graph.parents(task)]
        return sum(parents) / len(parents) if parents else 0.0

    return sorted(layer, key=height)


def _edge(start: Node, end: Node, width: float, height: float) -> str:
    """Return a curve from the right side of one node to the left side of another."""
    x1, y1 = start.x + width, start.y + height / 2
    x2, y2 = end.x, end.y + height / 2
    bend = (x2 - x1) / 2
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
