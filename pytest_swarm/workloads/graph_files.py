"""Task graphs from and to files: our TOML, and the same as JSON.

A file has `name`, `tasks` and `edges` (or `after` in a task), as `decode_graph` reads them. TOML has no null, so an
expectation that contains one is written as a JSON string: `expected = '{"kind": ...}'`. Both forms are read from
either format.
"""

from __future__ import annotations

import json
import os

from pytest_swarm.documents import parse_json, path_of, read_document, toml_line, toml_value_or_json, write_text
from pytest_swarm.domain.graph import TaskGraph, decode_graph, encode_graph
from pytest_swarm.domain.graph_fault import graph_fault
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.expected_files import with_expected_answers


def load_graph(path: str | os.PathLike[str]) -> TaskGraph:
    """Return the graph of a .toml or .json file, with the answers in `expected/` beside it.

    GraphError names file, task and rule in one sentence.
    """
    return with_expected_answers(read_graph(read_document(path, GraphError), where=str(path)), path)


def read_graph(document: Json, *, where: str) -> TaskGraph:
    """Return the graph of a parsed document.

    Args:
        document: The table of a graph file.
        where: What to call the document in an error, such as the file's path.

    Raises:
        GraphError: Where the document is not a valid graph, or a task expects what nearly every answer meets, or none,
            or has a formula that contradicts what it expects.
    """
    if isinstance(document, dict) and isinstance(tasks := document.get("tasks"), list):
        document = document | {"tasks": [_with_expected(task, where) for task in tasks]}
    fields = Fields(document, where=where, error=GraphError)
    graph = decode_graph(fields)
    if (fault := graph_fault(graph)) is not None:
        raise fields.fail(fault)
    return graph


def save_graph(graph: TaskGraph, path: str | os.PathLike[str]) -> None:
    """Write the graph as .toml or .json; `load_graph` reads an equal one.

    Args:
        graph: The graph.
        path: The file; it is overwritten where it exists.

    Raises:
        GraphError: Where the file cannot be written, or its suffix is another one.
    """
    suffix = path_of(path, GraphError).suffix.lower()
    if suffix == ".toml":
        write_text(path, dump_graph(graph), GraphError)
    elif suffix == ".json":
        write_text(path, json.dumps(encode_graph(graph), indent=2, ensure_ascii=False) + "\n", GraphError)
    else:
        raise GraphError(f"{path}: the file name must end in .toml or .json")


def dump_graph(graph: TaskGraph) -> str:
    """Return the graph as TOML, one table per task; parents are in `after` where that keeps the order of the edges."""
    lines = [toml_line("name", graph.name), toml_line("version", graph.version), toml_line("context", graph.context)]
    if graph.family is not None:
        lines.append(toml_line("family", graph.family))
    edges_from_parents = tuple((parent, task.id) for task in graph.tasks for parent in graph.parents(task.id))
    uses_after = edges_from_parents == graph.edges
    if not uses_after:
        lines.append(toml_line("edges", [list(edge) for edge in graph.edges]))
    rows = encode_graph(graph)["tasks"]
    assert isinstance(rows, list)  # encode_graph writes a list
    for row, task in zip(rows, graph.tasks, strict=True):
        assert isinstance(row, dict)  # encode_task writes a table
        lines += ["", "[[tasks]]"]
        lines += [f"{key} = {toml_value_or_json(value)}" for key, value in row.items() if value is not None]
        if uses_after and graph.parents(task.id):
            lines.append(toml_line("after", list(graph.parents(task.id))))
    return "\n".join(lines) + "\n"


def _with_expected(task: Json, where: str) -> Json:
    """Return the task; an expectation that was written as a JSON string is parsed."""
    expected = task.get("expected") if isinstance(task, dict) else None
    if isinstance(task, dict) and isinstance(expected, str) and expected.lstrip().startswith("{"):
        return task | {"expected": parse_json(expected, f"{where}, expected of task {task.get('id')!r}", GraphError)}
    return task
