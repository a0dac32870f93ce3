"""The workflows that a workflow may call: those in the same file, and those in the other files of its directory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.dify import is_dify, read_dify
from pytest_swarm.workloads.importers.document_files import document_of
from pytest_swarm.workloads.importers.flow_calls import Lookup
from pytest_swarm.workloads.importers.flowise import is_flowise, read_flowise
from pytest_swarm.workloads.importers.json_values import at, tables, text
from pytest_swarm.workloads.importers.n8n import is_n8n, read_n8n
from pytest_swarm.workloads.importers.worfbench import is_worfbench
from pytest_swarm.workloads.importers.yaml_text import parse_yaml

_READERS: Final = ((is_n8n, read_n8n), (is_dify, read_dify), (is_flowise, read_flowise))
_FLOWISE_LISTS: Final = ("AgentFlowV2", "AgentFlow", "ChatFlow", "AssistantFlow")


def called_from(path: Path, document: Json) -> Lookup:
    """Return what finds the workflows that a file calls by their names; they are read when the first is looked for.

    Args:
        path: The file of the workflow that calls.
        document: The document of that file.
    """

    @cache
    def by_name() -> dict[str, AgentFlow]:
        return dict(reversed(list(_callable(path, document))))  # of two with one name, the first counts

    return lambda names: next((by_name()[name] for name in names if name in by_name()), None)


def bundled(document: Json) -> list[Json]:
    """Return the workflows of a document that holds several; none where it is one itself.

    They are a list of WorfBench or n8n, Flowise's export of all flows, or the `flows` of LangFlow.
    """
    if isinstance(document, list):
        return document if is_worfbench(document) or all(map(is_n8n, document)) else []
    rows = [row for name in _FLOWISE_LISTS for row in tables(document, name) if isinstance(row.get("flowData"), str)]
    several = at(document, "flows")
    return [*rows] or (several if isinstance(several, list) else [])


def unpacked(row: Json, where: str) -> Json:
    """Return a workflow without its envelope: Flowise's text of JSON beside name and ID, or Dify's text of YAML.

    Args:
        row: The document.
        where: What to call it in an error.

    Raises:
        GraphError: The text is not valid.
    """
    if isinstance(row, dict) and list(row) == ["data"] and isinstance(row["data"], str):  # what Dify's API answers
        return parse_yaml(row["data"], f"{where}, 'data'")
    if not isinstance(row, dict) or not isinstance(row.get("flowData"), str):
        return row
    flow = parse_json(str(row["flowData"]), f"{where}, 'flowData'", GraphError)
    return {**flow, "name": row.get("name"), "id": row.get("id")} if isinstance(flow, dict) else flow


def _callable(path: Path, own: Json) -> Iterator[tuple[str, AgentFlow]]:
    """Yield name and workflow of all that may be called; what cannot be read is refused where it is imported itself."""
    for row in bundled(own):
        yield from _named(row, path.stem, alone=len(bundled(own)) == 1)
    for file in sorted(path.parent.glob(f"*{path.suffix}")):
        try:
            document = None if file.resolve() == path.resolve() else document_of(file)
        except GraphError:
            continue
        rows = bundled(document)
        for row in rows or [document]:
            yield from _named(row, "" if rows else file.stem, alone=len(rows) < 2)


def _named(row: Json, stem: str, *, alone: bool) -> Iterator[tuple[str, AgentFlow]]:
    """Yield each name of a document that may be called, with its workflow; the file's stem is one where it is alone."""
    try:
        document = unpacked(row, stem)
        for matches, read in _READERS:
            if matches(document):
                flow = read(document, name=stem or text(document, "name"))
                yield from ((name, flow) for name in (*flow.called, stem if alone else "") if name)
                return
    except GraphError:  # the call is then listed as lost
        return
