"""The workflows that a workflow may call: those in the same file, and those in the other files of its directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.dify import is_dify, read_dify
from pytest_swarm.workloads.importers.document_files import document_of
from pytest_swarm.workloads.importers.flowise import is_flowise, read_flowise
from pytest_swarm.workloads.importers.json_values import tables, text
from pytest_swarm.workloads.importers.n8n import is_n8n, read_n8n
from pytest_swarm.workloads.importers.yaml_text import parse_yaml

_READERS: Final = ((is_n8n, read_n8n), (is_dify, read_dify), (is_flowise, read_flowise))
_FLOWISE_LISTS: Final = ("AgentFlowV2", "AgentFlow", "ChatFlow", "AssistantFlow")


@dataclass(slots=True, kw_only=True)
class CalledWorkflows:
    """Finds called workflows by their names; they are read when the first is looked for.

    Attributes:
        path: The file of the workflow that calls.
        own: The document of that file.
    """

    path: Path
    own: Json = None
    _by_name: dict[str, AgentFlow] | None = field(default=None, init=False)

    def find(self, names: tuple[str, ...]) -> AgentFlow | None:
        """Return the workflow that goes by one of the names, None where there is none."""
        if self._by_name is None:
            self._by_name = {}
            for name, flow in self._all():
                self._by_name.setdefault(name, flow)
        return next((self._by_name[name] for name in names if name in self._by_name), None)

    def _all(self) -> Iterator[tuple[str, AgentFlow]]:
        yield from _callable(bundled(self.own), self.path.stem, str(self.path))
        for file in sorted(self.path.parent.glob(f"*{self.path.suffix}")):
            if file.resolve() != self.path.resolve():
                yield from _of_file(file)


def bundled(document: Json) -> list[Json]:
    """Return the workflows of a document that holds several: Flowise's export of all flows, or a list of n8n's."""
    if isinstance(document, list):
        return document if all(map(is_n8n, document)) else []
    rows = [row for name in _FLOWISE_LISTS for row in tables(document, name) if isinstance(row.get("flowData"), str)]
    return list(rows)


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


def _of_file(file: Path) -> Iterator[tuple[str, AgentFlow]]:
    """Yield name and workflow of a file; nothing where it cannot be read: it is refused where it is imported itself."""
    try:
        document = document_of(file)
    except GraphError:
        return
    rows = bundled(document)
    yield from _callable(rows or [document], file.stem if not rows else "", str(file))


def _callable(rows: list[Json], stem: str, where: str) -> Iterator[tuple[str, AgentFlow]]:
    """Yield name and workflow of documents that may be called."""
    for row in rows:
        try:
            document = unpacked(row, where)
            read = next((read for matches, read in _READERS if matches(document)), None)
            if read is None:
                continue
            flow = read(document, name=stem or text(document, "name"))
        except GraphError:  # it is refused where it is imported itself; the call is then listed as lost
            continue
        names = (*flow.called, stem) if len(rows) == 1 else flow.called
        yield from ((name, flow) for name in names if name)
