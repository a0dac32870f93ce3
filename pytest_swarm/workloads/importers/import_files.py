"""Importing files and folders of any known format into TOML files."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_swarm.documents import make_folder
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.files import files_below
from pytest_swarm.units import plural
from pytest_swarm.workloads.graph_files import save_graph
from pytest_swarm.workloads.importers.flow_graphs import graph_of_flow
from pytest_swarm.workloads.importers.formats import SUFFIXES, Content, entries, is_agents_file
from pytest_swarm.workloads.importers.import_cases import ImportOptions
from pytest_swarm.workloads.importers.offered_names import OfferedNames

_MAX_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGraph:
    """A graph that was not imported: where it was found, and the reason in one sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGraph:
    """A graph that was read: where it was found, and what of it could not be carried over."""

    source: str
    graph: TaskGraph
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGraph:
    """A graph that was imported: where it was found, its name and size, and the file that it was written to."""

    source: str
    graph: str
    tasks: int
    path: str
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """All graphs that were imported or refused, in the order of the files."""

    imported: tuple[ImportedGraph, ...]
    refused: tuple[RefusedGraph, ...]

    def text(self) -> str:
        """Return a table of the graphs, what could not be carried over, what was refused, and the counts."""
        width = max((len(each.path) for each in self.imported), default=0)
        lines = [
            f"{each.path:<{width}}  {plural(each.tasks, 'task'):>11}  from {each.source}" for each in self.imported
        ]
        losses: dict[str, dict[str, None]] = {}
        for each in self.imported:
            losses.setdefault(each.source, {}).update(dict.fromkeys(each.losses))
        for source, sentences in losses.items():
            lines += [f"not carried over from {source}:"] * bool(sentences) + [f"  {each}" for each in sentences]
        lines += [f"refused: {each.source}: {each.reason}" for each in self.refused]
        lines.append(f"{plural(len(self.imported), 'graph')} imported, {len(self.refused)} refused")
        return "\n".join(map(_one_line, lines))


def import_graph(path: str | os.PathLike[str]) -> TaskGraph:
    """Return the one graph of a file in any known format; raise GraphError where it is refused or one of several."""
    found = list(import_graphs(path))
    if len(found) != 1:
        raise GraphError(f"{path}: contains {len(found)} graphs; import the file, then load one of the written files")
    if isinstance(found[0], RefusedGraph):
        raise GraphError(f"{found[0].source}: {found[0].reason}")
    return found[0].graph


def import_graphs(
    path: str | os.PathLike[str], options: ImportOptions | None = None, *, offered: OfferedNames | None = None
) -> Iterator[FoundGraph | RefusedGraph]:
    """Yield each graph of a file, or why it was refused; never raise because of the file's contents.

    Args:
        path: The file.
        options: Inputs, cases, branches and rounds of workflows; None for none of them.
        offered: Is told what names the workflows have; None where nobody asks.
    """
    offered = offered or OfferedNames()
    try:
        for entry in entries(path):
            try:
                yield from _graphs(entry.read(), options or ImportOptions(), entry.where, offered)
            except GraphError as error:
                offered.is_complete = False
                yield _refused(entry.where, error)
    except GraphError as error:
        offered.is_complete = False
        yield _refused(str(path), error)


def _graphs(content: Content, options: ImportOptions, where: str, offered: OfferedNames) -> list[FoundGraph]:
    """Return the graph of a graph, or one graph for each case of a workflow that uses the inputs of a case."""
    if isinstance(content, TaskGraph):
        return [FoundGraph(source=where, graph=content)]
    offered.add(content)
    made = [graph_of_flow(content, each) for each in options.of_cases()]
    for each in made:
        offered.add_graph(each)
    names = {name for case in options.cases for name in case}
    if not any(each.used & names for each in made):
        return [FoundGraph(source=where, graph=made[0].graph, losses=made[0].losses)]
    width = len(str(len(made)))
    return [
        FoundGraph(
            source=where, graph=replace(each.graph, name=f"{each.graph.name}-{number:0{width}}"), losses=each.losses
        )
        for number, each in enumerate(made, 1)
    ]


def import_files(
    paths: Iterable[str | os.PathLike[str]], out: str | os.PathLike[str], options: ImportOptions | None = None
) -> ImportSummary:
    """Import every graph of the files into a directory, one TOML file each, named after the graph.

    Graphs of one name are named after their files, and a file that is named twice is read once. An existing file is not
    overwritten. One invalid graph does not stop the others.

    Args:
        paths: Files, and directories, which are searched for files of the known suffixes at any depth.
        out: The directory to write to; it is created where there is something to write.
        options: Inputs, cases, branches and rounds of workflows; None for none of them.

    Raises:
        GraphError: Where `out` cannot be created, or an option names what no workflow has.
    """
    found: list[tuple[Path, FoundGraph]] = []
    refused: list[RefusedGraph] = []
    offered = OfferedNames()
    seen: set[Path] = set()
    for path in _files(paths, refused):
        if (place := path.absolute()) in seen:
            continue
        seen.add(place)
        for each in import_graphs(path, options, offered=offered):
            if isinstance(each, RefusedGraph):
                refused.append(each)
            else:
                found.append((path, each))
    if options is not None and (found or offered.branches):
        offered.check(options.flow)
    folder = make_folder(out, GraphError) if found else Path(out)
    imported: list[ImportedGraph] = []
    for each in _unique_names(found):
        result = _write(each, folder)
        if isinstance(result, ImportedGraph):
            imported.append(result)
        else:
            refused.append(result)
    return ImportSummary(imported=tuple(imported), refused=tuple(refused))


def _files(paths: Iterable[str | os.PathLike[str]], refused: list[RefusedGraph]) -> Iterator[Path]:
    """Yield the files, and those in the directories; a path that is not there, or holds none, is refused."""
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        locked: list[OSError] = []
        inside = [each for each in files_below(path, locked.append) if each.is_file()]
        refused += [RefusedGraph(source=error.filename, reason=f"cannot be read: {error.strerror}") for error in locked]
        known = [each for each in inside if each.suffix.lower() in SUFFIXES and not is_agents_file(each)]
        if not inside and not locked:
            refused.append(RefusedGraph(source=str(path), reason="the directory is empty; name one with files in it"))
        elif inside and not known:
            reason = f"none of the {len(inside)} files in the directory ends in one of {', '.join(SUFFIXES)}"
            refused.append(RefusedGraph(source=str(path), reason=reason))
        yield from known


def _unique_names(found: list[tuple[Path, FoundGraph]]) -> Iterator[FoundGraph]:
    """Yield the graphs under names that differ as file names: one that occurs twice gives way to the file's path.

    Of the path counts what tells two files apart, and a graph's own name where the file has several.
    """
    counts = Counter(_key(each.graph.name) for _, each in found)
    per_file = Counter(path for path, _ in found)
    places = [path.resolve() for path, _ in found]
    base = os.path.commonpath([place.parent for place in places]) if places else ""
    taken: set[str] = set()
    for place, (path, each) in zip(places, found, strict=True):
        wanted = each.graph.name
        if counts[_key(wanted)] > 1:
            own = f"-{wanted}" if per_file[path] > 1 else ""
            wanted = "-".join(place.relative_to(base).with_suffix("").parts) + own
        name, number = wanted, 1
        while _key(name) in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(_key(name))
        yield each if name == each.graph.name else replace(each, graph=replace(each.graph, name=name))


def _key(name: str) -> str:
    """Return what two names must not share: the file's name, in lower case."""
    return _file_stem(name).lower()


def _refused(where: str, error: GraphError) -> RefusedGraph:
    message = str(error)
    for mark in (": ", ", "):
        message = message.removeprefix(where + mark)
    return RefusedGraph(source=where, reason=_one_line(message))


def _one_line(text: str) -> str:
    """Return a text without line breaks, which names and values in a file may have."""
    return re.sub(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*", " ", text)


def _write(found: FoundGraph, folder: Path) -> ImportedGraph | RefusedGraph:
    graph = found.graph
    path = folder / f"{_file_stem(graph.name)}.toml"
    source = f"{found.source} ({graph.name})"
    if path.exists():
        return RefusedGraph(source=source, reason=f"{path} exists already; remove it, or choose another --out")
    try:
        save_graph(graph, path)
    except GraphError as error:
        return RefusedGraph(source=source, reason=str(error))
    return ImportedGraph(source=found.source, graph=graph.name, tasks=len(graph), path=str(path), losses=found.losses)


def _file_stem(name: str) -> str:
    """Return a file name of letters, digits, dots, dashes and underscores, never hidden and never too long."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:_MAX_NAME_CHARS] or "graph"
