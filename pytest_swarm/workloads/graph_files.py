"""Task graphs from and to files: our TOML, and the same as JSON.

A file has `name`, `tasks` and `edges` (or `after` in a task), as `decode_graph` reads them. TOML has no null, so an
expectation that holds one is written as a JSON text: `expected = '{"kind": ...}'`; both ways of writing are read from
either format.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pytest_swarm.domain.graph import TaskGraph, decode_graph, encode_graph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.documents import parse_json, read_document, write_text
from pytest_swarm.workloads.toml_writer import toml_text, toml_value


def load_graph(path: str | os.PathLike[str]) -> TaskGraph:
    """The graph of a .toml or .json file; GraphError names file, task and rule in one sentence."""
    return read_graph(read_document(path, GraphError), where=str(path))


def read_graph(document: Json, *, where: str) -> TaskGraph:
    """The graph of a parsed document; GraphError with `where` in front."""
    if isinstance(document, dict) and isinstance(tasks := document.get("tasks"), list):
        document = document | {"tasks": [_with_expected(task, where) for task in tasks]}
    return decode_graph(Fields(document, where=where, error=GraphError))


def save_graph(graph: TaskGraph, path: str | os.PathLike[str]) -> None:
    """Write the graph as .toml or .json; `load_graph` gives an equal one back. GraphError where it cannot be."""
    suffix = Path(path).suffix.lower()
    if suffix == ".toml":
        write_text(path, dump_graph(graph), GraphError)
    elif suffix == ".json":
        write_text(path, json.dumps(encode_graph(graph), indent=2, ensure_ascii=False) + "\n", GraphError)
    else:
        raise GraphError(f"{path}: must end in .toml or .json")


def dump_graph(graph: TaskGraph) -> str:
    """The graph as TOML, one table per task; parents stand in `after` where that keeps the order of edges."""
    lines = [f"name = {toml_text(graph.name)}", f"version = {graph.version}", f"context = {toml_text(graph.context)}"]
    spread = tuple((parent, task.id) for task in graph.tasks for parent in graph.parents(task.id)) == graph.edges
    if not spread:
        lines.append(f"edges = {toml_value([list(edge) for edge in graph.edges])}")
    rows = encode_graph(graph)["tasks"]
    assert isinstance(rows, list)  # encode_graph writes a list
    for row, task in zip(rows, graph.tasks, strict=True):
        assert isinstance(row, dict)  # encode_task writes a table
        lines += ["", "[[tasks]]"]
        lines += [f"{key} = {_value(value)}" for key, value in row.items() if value is not None]
        if spread and graph.parents(task.id):
            lines.append(f"after = {toml_value(list(graph.parents(task.id)))}")
    return "\n".join(lines) + "\n"


def _value(value: Json) -> str:
    try:
        return toml_value(value)
    except ValueError:
        return toml_text(json.dumps(value))


def _with_expected(task: Json, where: str) -> Json:
    """The task with an expectation that was written as a JSON text read into its table."""
    if isinstance(task, dict) and isinstance(expected := task.get("expected"), str):
        return task | {"expected": parse_json(expected, f"{where}, expected of task {task.get('id')!r}", GraphError)}
    return task
