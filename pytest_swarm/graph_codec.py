"""Task graphs in machine files: the type of a graph in events and cassettes, and its encode/decode pair.

Graphs that people write are read by `workloads`; both kinds are checked by `domain.graph.decode_graph`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pytest_swarm.codec import to_json
from pytest_swarm.domain.graph import Context, TaskGraph, decode_graph, encode_graph
from pytest_swarm.errors import SwarmError
from pytest_swarm.fields import Fields


class TaskObject(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One task of a graph."""

    id: str
    type: str
    prompt: str
    estimated_tokens: Annotated[int, Meta(ge=1)]
    difficulty: Annotated[float, Meta(ge=1.0, le=5.0)]
    expected: Annotated[dict[str, Any] | None, Meta(description="its `kind`, and what the kind needs; null: unscored")]
    derive: Annotated[str | None, Meta(description="a formula over the answers of its parents")] = None
    system: Annotated[str | None, Meta(description="sent as a system message before the prompt")] = None
    source_model: Annotated[str | None, Meta(description="its model in the workflow that it was imported from")] = None
    reference_model: Annotated[str | None, Meta(description="the model whose answer is expected; null: truth")] = None


class GraphObject(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A task graph, as in a graph file."""

    name: str
    version: int
    context: Annotated[Context, Meta(description="whether children get the outputs of their parents")]
    tasks: tuple[TaskObject, ...]
    edges: Annotated[tuple[tuple[str, str], ...], Meta(description="pairs of parent and child")]
    family: Annotated[str | None, Meta(description="the template that the job is a variant of")] = None


def encode_graph_object(graph: TaskGraph) -> GraphObject:
    """Return the object of a graph."""
    return msgspec.convert(encode_graph(graph), GraphObject)


def decode_graph_object(value: GraphObject, *, where: str, error: type[SwarmError]) -> TaskGraph:
    """Return the graph of its object.

    Args:
        value: the object.
        where: file and line, as named in errors.
        error: what to raise for a graph that is not valid.
    """
    return decode_graph(Fields(to_json(value), where=f"{where}, 'graph'", error=error))
