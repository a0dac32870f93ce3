"""The formats that can be imported, and how the contents of a file tell which one it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Final, TypeAlias

from pytest_swarm.documents import path_of, read_text
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.expected_files import with_expected_answers
from pytest_swarm.workloads.graph_files import read_graph
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.called_workflows import bundled, called_from, unpacked
from pytest_swarm.workloads.importers.crewai import is_crewai, is_crewai_agents, read_crewai
from pytest_swarm.workloads.importers.crewai_project import is_crewai_agent, is_crewai_project, read_crewai_project
from pytest_swarm.workloads.importers.dagbench import is_dagbench, read_dagbench
from pytest_swarm.workloads.importers.dify import is_dify, read_dify
from pytest_swarm.workloads.importers.document_files import DOCUMENT_SUFFIXES, JSON_SUFFIXES, YAML_SUFFIXES, document_of
from pytest_swarm.workloads.importers.dot import read_dot
from pytest_swarm.workloads.importers.flow_calls import inlined
from pytest_swarm.workloads.importers.flowise import is_flowise, read_flowise
from pytest_swarm.workloads.importers.langflow import is_langflow, read_langflow
from pytest_swarm.workloads.importers.langgraph import is_langgraph, read_langgraph
from pytest_swarm.workloads.importers.n8n import is_n8n, read_n8n
from pytest_swarm.workloads.importers.plain_graphs import is_node_link, read_graphml, read_node_link
from pytest_swarm.workloads.importers.wfformat import is_wfformat, read_wfformat
from pytest_swarm.workloads.importers.worfbench import is_worfbench, read_worfbench

DOT_SUFFIXES: Final = (".dot", ".gv")
GRAPHML_SUFFIXES: Final = (".graphml", ".xml")
SUFFIXES: Final = (*DOCUMENT_SUFFIXES, *DOT_SUFFIXES, *GRAPHML_SUFFIXES)
_AGENTS: Final = ("agents.yaml", "agents.yml")
_AGENTS_WORD, _TASKS_WORD = "agents", "tasks"  # in the names of the two files of a crew
Content: TypeAlias = TaskGraph | AgentFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One graph or workflow of a file: where it is, and a function that reads it or raises GraphError without that."""

    where: str
    read: Callable[[], Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a document comes from."""

    where: str
    path: Path
    document: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of JSON, TOML and YAML files.

    Attributes:
        name: Its name in messages, in the help of the command and in docs/importing.md.
        matches: Whether a document looks like it.
        read: What reads a document, or raises GraphError; it is told where the document comes from.
    """

    name: str
    matches: Callable[[Json], bool]
    read: Callable[[Json, _Place], Content]


def entries(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """Yield the graphs and workflows of a file: its suffix tells how it is read, its contents tell the format.

    Raises:
        GraphError: Where the file cannot be read as what its suffix says.
    """
    place = _Place(where=str(path), path=path_of(path, GraphError))
    suffix, where, stem = place.path.suffix.lower(), place.where, place.path.stem
    if not os.path.lexists(path):
        raise GraphError(f"{where}: there is no such file or directory")
    if suffix not in SUFFIXES:
        raise GraphError(f"{where}: the file name must end in one of {', '.join(SUFFIXES)}")
    if suffix in DOCUMENT_SUFFIXES:
        yield from _documents(document_of(place.path), place)
        return
    text = read_text(path, GraphError)
    if suffix in DOT_SUFFIXES:
        yield Entry(where=where, read=lambda: read_dot(text, name=stem))
    else:
        yield Entry(where=where, read=lambda: read_graphml(text, name=stem))


def _documents(document: Json, place: _Place) -> Iterator[Entry]:
    """Yield the entries of a document, which may be a list or a bundle of several workflows."""
    place = replace(place, document=document)
    rows = bundled(document)
    for number, row in enumerate(rows):
        yield _entry(row, replace(place, where=f"{place.where}[{number}]"))
    if not rows:
        yield _entry(document, place)


def _entry(document: Json, place: _Place) -> Entry:
    return Entry(where=place.where, read=lambda: _read(unpacked(document, place.where), place))


def _read(document: Json, place: _Place) -> Content:
    """Return the graph or workflow of a document in the first format that it looks like."""
    found = format_of(document)
    if found is not None:
        return found.read(document, place)
    if is_crewai_agents(document):
        raise GraphError(f"{place.where}: holds the agents of a CrewAI crew; import the tasks.yaml beside it")
    if is_crewai_agent(document):
        raise GraphError(f"{place.where}: holds one agent of a CrewAI crew; import the crew.jsonc or crew.json of it")
    known = ", ".join(each.name for each in FORMATS)
    raise GraphError(f"{place.where}: the format is not known; supported are {known}, GraphML and DOT")


def format_of(document: Json) -> Format | None:
    """Return the format that a document looks like, None for an unknown one."""
    return next((each for each in FORMATS if each.matches(document)), None)


def is_agents_file(path: Path) -> bool:
    """Return whether a file holds the agents of a crew whose tasks are beside it: it is read with them.

    Several crews may share agents.yaml, each with a file of its own, such as tasks_billing.yaml; or each may have its
    own, such as billing_agents.yaml beside billing_tasks.yaml. Those of crew.jsonc are in the folder agents beside it.
    """
    if path.suffix in JSON_SUFFIXES and path.parent.name == _AGENTS_WORD:
        return any((path.parent.parent / f"crew{suffix}").is_file() for suffix in JSON_SUFFIXES)
    tasks = [f"*{_TASKS_WORD}*{suffix}" for suffix in YAML_SUFFIXES] if path.name in _AGENTS else []
    if not tasks and _AGENTS_WORD in path.name and path.suffix in YAML_SUFFIXES:
        tasks = [escape(path.name.replace(_AGENTS_WORD, _TASKS_WORD))]
    return any(any(path.parent.glob(each)) for each in tasks)


def _is_our_own(document: Json) -> bool:
    return isinstance(document, dict) and "tasks" in document


def _our_own(document: Json, place: _Place) -> TaskGraph:
    return with_expected_answers(read_graph(document, where=place.where), place.path)


def _is_crew(document: Json) -> bool:
    return is_crewai_project(document) or is_crewai(document)


def _crew(document: Json, place: _Place) -> AgentFlow:
    if is_crewai_project(document):
        files = _agent_files(place.path.parent / _AGENTS_WORD)
        return read_crewai_project(
            document,
            lambda agent: document_of(files[agent]) if agent in files else None,
            name=_crew_name(place.path),
        )
    return read_crewai(document, _agents_beside(place.path), name=_crew_name(place.path))


def _agents_beside(path: Path) -> Json:
    names = (path.name.replace(_TASKS_WORD, _AGENTS_WORD), *_AGENTS)
    found = next((each for name in names if (each := path.parent / name).is_file() and each != path), None)
    return None if found is None else document_of(found)


def _agent_files(folder: Path) -> dict[str, Path]:
    """Return the files of the agents of a crew.jsonc by their names; .jsonc counts before .json."""
    return {path.stem: path for suffix in JSON_SUFFIXES for path in folder.glob(f"*{suffix}") if path.is_file()}


def _crew_name(path: Path) -> str:
    """Return the name of a crew: that of its folder, because its files are all called tasks.yaml."""
    folder = path.resolve().parent
    return (folder.parent if folder.name == "config" else folder).name or path.stem


def _graph(read: Callable[..., TaskGraph]) -> Callable[[Json, _Place], Content]:
    """Return the reader of a format whose files are task graphs with a name of their own."""
    return lambda document, place: read(document, where=place.where)


def _flow(read: Callable[..., AgentFlow]) -> Callable[[Json, _Place], Content]:
    """Return the reader of a format whose files are agent workflows, with those that they call."""
    return lambda document, place: inlined(
        read(document, name=place.path.stem), called_from(place.path, place.document)
    )


FORMATS: Final = (
    Format(name="WorfBench", matches=lambda document: is_worfbench([document]), read=_graph(read_worfbench)),
    Format(name="Dify", matches=is_dify, read=_flow(read_dify)),
    Format(name="WfFormat", matches=is_wfformat, read=_graph(read_wfformat)),
    Format(name="DAGBench", matches=is_dagbench, read=_graph(read_dagbench)),
    Format(name="n8n", matches=is_n8n, read=_flow(read_n8n)),
    Format(name="LangFlow", matches=is_langflow, read=_flow(read_langflow)),
    Format(name="Flowise", matches=is_flowise, read=_flow(read_flowise)),
    Format(name="LangGraph", matches=is_langgraph, read=_flow(read_langgraph)),
    Format(name="node-link JSON", matches=is_node_link, read=_flow(read_node_link)),
    Format(name="CrewAI", matches=_is_crew, read=_crew),
    Format(name="our own (with 'tasks')", matches=_is_our_own, read=_our_own),
)
"""The formats of documents. One that looks like several is read in the first of them."""
