"""Importing files of any known format. The contents of a file tell its format, not its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pytest_swarm.documents import make_folder, read_document
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.graph_files import read_graph, save_graph
from pytest_swarm.workloads.importers.dagbench import is_dagbench, read_dagbench
from pytest_swarm.workloads.importers.wfformat import is_wfformat, read_wfformat
from pytest_swarm.workloads.importers.worfbench import is_worfbench, read_worfbench

_MAX_NAME_CHARS: Final = 100


class GraphReader(Protocol):
    """A function that reads one graph of a format from parsed JSON or TOML; it raises GraphError with `where`."""

    def __call__(self, document: Json, /, *, where: str) -> TaskGraph:
        """Return the graph of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGraph:
    """A graph that was not imported: where it was found, and the reason in one sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGraph:
    """A graph that was imported: where it was found, its name and size, and the file that it was written to."""

    source: str
    graph: str
    tasks: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """All graphs that were imported or refused, in the order of the files."""

    imported: tuple[ImportedGraph, ...]
    refused: tuple[RefusedGraph, ...]

    def text(self) -> str:
        """Return one line per graph, then the counts."""
        lines = [f"{each.path}: {each.graph}, {each.tasks} tasks, from {each.source}" for each in self.imported]
        lines += [f"refused: {each.source}: {each.reason}" for each in self.refused]
        return "\n".join([*lines, f"{len(self.imported)} graphs imported, {len(self.refused)} refused"])


def import_graph(path: str | os.PathLike[str]) -> TaskGraph:
    """Return the one graph of a file in any known format; raise GraphError where it is refused or one of several."""
    found = list(import_graphs(path))
    if len(found) != 1:
        raise GraphError(f"{path}: contains {len(found)} graphs; import the file, then load one of the written files")
    if isinstance(found[0], RefusedGraph):
        raise GraphError(f"{found[0].source}: {found[0].reason}")
    return found[0]


def import_graphs(path: str | os.PathLike[str]) -> Iterator[TaskGraph | RefusedGraph]:
    """Yield each graph of a file, or why it was refused; never raise because of the file's contents."""
    where = str(path)
    try:
        document = read_document(path, GraphError)
    except GraphError as error:
        yield _refused(where, error)
        return
    for entry_where, entry, read in _entries(document, where):
        try:
            yield read(entry, where=entry_where)
        except GraphError as error:
            yield _refused(entry_where, error)


def import_files(paths: Iterable[str | os.PathLike[str]], out: str | os.PathLike[str]) -> ImportSummary:
    """Import every graph of the files into a directory, one TOML file each, named after the graph.

    An existing file is not overwritten. One invalid graph does not stop the others.

    Args:
        paths: The files.
        out: The directory to write to; it is created where it does not exist.

    Raises:
        GraphError: Where `out` cannot be created.
    """
    folder = make_folder(out, GraphError)
    imported: list[ImportedGraph] = []
    refused: list[RefusedGraph] = []
    for path in paths:
        for each in import_graphs(path):
            result = each if isinstance(each, RefusedGraph) else _write(each, str(path), folder)
            if isinstance(result, ImportedGraph):
                imported.append(result)
            else:
                refused.append(result)
    return ImportSummary(imported=tuple(imported), refused=tuple(refused))


def _entries(document: Json, where: str) -> Iterator[tuple[str, Json, GraphReader]]:
    """Yield the place, the value and the reader of each graph in a document."""
    if is_worfbench(document):
        rows = document if isinstance(document, list) else []
        yield from ((f"{where}[{number}]", row, read_worfbench) for number, row in enumerate(rows))
    elif is_wfformat(document):
        yield where, document, read_wfformat
    elif is_dagbench(document):
        yield where, document, read_dagbench
    elif isinstance(document, dict) and "tasks" in document:
        yield where, document, read_graph
    else:
        yield where, document, _refuse_format


def _refuse_format(_document: Json, *, where: str) -> TaskGraph:
    raise GraphError(
        f"{where}: the format is not known; supported are our own (with 'tasks'), WfFormat 1.5 ('workflow'), "
        "DAGBench ('task_graph') and WorfBench (a list of conversations)"
    )


def _refused(where: str, error: GraphError) -> RefusedGraph:
    return RefusedGraph(source=where, reason=str(error).removeprefix(f"{where}: "))


def _write(graph: TaskGraph, source: str, folder: Path) -> ImportedGraph | RefusedGraph:
    path = folder / f"{_file_stem(graph.name)}.toml"
    if path.exists():
        return RefusedGraph(
            source=f"{source} ({graph.name})", reason=f"{path} exists already; remove it, or choose another --out"
        )
    try:
        save_graph(graph, path)
    except GraphError as error:
        return RefusedGraph(source=f"{source} ({graph.name})", reason=str(error))
    return ImportedGraph(source=source, graph=graph.name, tasks=len(graph), path=str(path))


def _file_stem(name: str) -> str:
    """Return a file name of letters, digits, dots, dashes and underscores, never hidden and never too long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:_MAX_NAME_CHARS] or "graph"
