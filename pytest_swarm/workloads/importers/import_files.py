"""Importing files of any known format: told apart by what they hold, not by their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.documents import read_document
from pytest_swarm.workloads.graph_files import read_graph, save_graph
from pytest_swarm.workloads.importers.dagbench import is_dagbench, read_dagbench
from pytest_swarm.workloads.importers.import_result import ImportedGraph, ImportSummary, RefusedGraph
from pytest_swarm.workloads.importers.wfformat import is_wfformat, read_wfformat
from pytest_swarm.workloads.importers.worfbench import is_worfbench, read_worfbench


def import_graph(path: str | os.PathLike[str]) -> TaskGraph:
    """The one graph of a file in any known format; GraphError where it is refused, or holds several."""
    found = list(import_graphs(path))
    if len(found) != 1:
        raise GraphError(f"{path}: holds {len(found)} graphs; import the file and load one of them")
    if isinstance(found[0], RefusedGraph):
        raise GraphError(f"{found[0].source}: {found[0].reason}")
    return found[0]


def import_graphs(path: str | os.PathLike[str]) -> Iterator[TaskGraph | RefusedGraph]:
    """Each graph of a file, or why it was refused. Never raises for what the file holds."""
    where = str(path)
    try:
        document = read_document(path, GraphError)
        if is_worfbench(document):
            yield from read_worfbench(document, where=where)
        else:
            yield _read_one(document, where)
    except GraphError as error:
        yield RefusedGraph(source=where, reason=str(error).removeprefix(f"{where}: "))


def import_files(paths: Iterable[str | os.PathLike[str]], out: str | os.PathLike[str]) -> ImportSummary:
    """Import every graph of the files into `out`, one TOML file each, named after the graph.

    A file that is there already is not overwritten. One bad graph does not stop the others. Raises GraphError only
    where `out` cannot be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GraphError(f"{out}: cannot be made a directory: {error.strerror}") from error
    taken: list[ImportedGraph] = []
    refused: list[RefusedGraph] = []
    for path in paths:
        for each in import_graphs(path):
            result = each if isinstance(each, RefusedGraph) else _write(each, str(path), folder)
            if isinstance(result, ImportedGraph):
                taken.append(result)
            else:
                refused.append(result)
    return ImportSummary(taken=tuple(taken), refused=tuple(refused))


def _read_one(document: Json, where: str) -> TaskGraph:
    if is_wfformat(document):
        return read_wfformat(document, where=where)
    if is_dagbench(document):
        return read_dagbench(document, where=where)
    if isinstance(document, dict) and "tasks" in document:
        return read_graph(document, where=where)
    raise GraphError(
        f"{where}: no known format; known are our own (tasks), WfFormat 1.5 (workflow), DAGBench (task_graph) and "
        "WorfBench (a list of conversations)"
    )


def _write(graph: TaskGraph, source: str, folder: Path) -> ImportedGraph | RefusedGraph:
    path = folder / f"{_slug(graph.name)}.toml"
    if path.exists():
        return RefusedGraph(
            source=f"{source} ({graph.name})", reason=f"{path} exists already; remove it, or name another --out"
        )
    try:
        save_graph(graph, path)
    except GraphError as error:
        return RefusedGraph(source=f"{source} ({graph.name})", reason=str(error))
    return ImportedGraph(source=source, graph=graph.name, tasks=len(graph), path=str(path))


def _slug(name: str) -> str:
    """A file name of letters, digits, dots, dashes and underscores, never hidden and never longer than 100."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:100] or "graph"
