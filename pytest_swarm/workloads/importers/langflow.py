"""LangFlow (JSON): components, of which the model components are LLM steps. A component's Python is never run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    MAX_PARTS,
    QUESTION,
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowNode,
    LlmStep,
    Part,
    Parts,
    StepAnswer,
    joined,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text

_PLACE: Final = re.compile(r"\{(\w+)\}")
_STEP_KINDS: Final = ("LanguageModelComponent", "Agent")
MAX_DEPTH: Final = 12  # prompts that are wired to prompts


def is_langflow(document: Json) -> bool:
    """Return whether the document is a flow of LangFlow."""
    return isinstance(at(document, "data", "nodes"), list) and isinstance(at(document, "data", "edges"), list)


def read_langflow(document: Json, *, name: str, where: str) -> AgentFlow:
    """Return a flow of LangFlow.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where an edge leads to a component that does not exist.
    """
    rows = {text(row, "id"): row for row in tables(document, "data", "nodes") if text(row, "data", "type")}
    edges = tables(document, "data", "edges")
    reader = _Components(rows, edges)
    notes = {text(row, "id") for row in tables(document, "data", "nodes")} - set(rows)
    links = [FlowLink(source=text(row, "source"), target=text(row, "target")) for row in edges]
    try:
        return AgentFlow(
            name=text(document, "name").strip() or name,
            nodes=tuple(FlowNode(id=node, name=node, step=reader.step(node)) for node in rows),
            links=tuple(link for link in links if link.source not in notes and link.target not in notes),
        )
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Components:
    """The components of one flow, and what is wired to their fields."""

    rows: dict[str, JsonTable]
    edges: list[JsonTable]

    def step(self, node: str) -> LlmStep | None:
        kind = text(self.rows[node], "data", "type")
        if not kind.endswith("Model") and kind not in _STEP_KINDS:
            return None
        fields = self._fields(node)
        model = at(fields, "model_name", "value") or at(fields, "model", "value")
        name = first_text(model[0], "name") if isinstance(model, list) and model else text(model)
        return LlmStep(
            system=joined([self._field(node, "system_message", 0), self._field(node, "system_prompt", 0)]),
            prompt=self._field(node, "input_value", 0),
            model=name.strip() or None,
        )

    def _fields(self, node: str) -> JsonTable:
        return table(self.rows.get(node, {}), "data", "node", "template")

    def _field(self, node: str, name: str, depth: int) -> Parts:
        """Return the text of a field: what is wired to it, else what is written into it."""
        wired = [text(row, "source") for row in self.edges if text(row, "target") == node and _field_name(row) == name]
        if wired and depth < MAX_DEPTH:
            return joined(self._output(source, depth + 1) for source in wired)
        value = text(self._fields(node), name, "value")
        return (value,) if value else ()

    def _output(self, node: str, depth: int) -> Parts:
        """Return what a component hands on."""
        kind = text(self.rows.get(node, {}), "data", "type")
        raw = f"{{{node}}}"
        if kind.endswith("Model") or kind in _STEP_KINDS:
            return (StepAnswer(candidates=((node, ()),), raw=raw),)
        if kind.startswith("Prompt"):
            return self._template(node, depth)
        value = self._field(node, "input_value", depth)
        if kind in ("ChatInput", "TextInput"):
            written = "".join(part for part in value if isinstance(part, str))
            chat = (QUESTION,) if kind == "ChatInput" else ()
            label = text(self.rows[node], "data", "node", "display_name") or kind
            names = (*chat, node, label)
            return (FlowInput(names=names, raw=raw, default=written or None),)
        return value or (FlowInput(names=(node, kind), raw=raw),)

    def _template(self, node: str, depth: int) -> Parts:
        template = text(self._fields(node), "template", "value")
        found: list[Part] = []
        at_char = 0
        for match in _PLACE.finditer(template):
            value = tuple(
                replace(part, raw=match[0]) if isinstance(part, FlowInput) else part
                for part in self._field(node, match[1], depth)
            )
            found += [template[at_char : match.start()], *(value or (FlowInput(names=(match[1],), raw=match[0]),))]
            at_char = match.end()
        return tuple(part for part in [*found, template[at_char:]] if part != "")[:MAX_PARTS]


def _field_name(row: JsonTable) -> str:
    """Return the field that an edge leads to; older files have it only in a handle with œ for quotation marks."""
    if name := text(row, "data", "targetHandle", "fieldName"):
        return name
    handle = text(row, "targetHandle").replace("œ", '"')
    try:
        parsed: Json = json.loads(handle)
    except (ValueError, RecursionError):
        return ""
    return text(parsed, "fieldName")
