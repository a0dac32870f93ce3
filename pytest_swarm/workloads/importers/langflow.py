"""LangFlow (JSON): components, of which the model components are LLM steps. A component's Python is never run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowLoss,
    FlowNode,
    LlmStep,
    Part,
    Parts,
    StepAnswer,
    joined,
    limited,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text
from pytest_swarm.workloads.importers.reference_memo import TOO_DEEP, ReferenceMemo

_PLACE: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")  # a doubled brace is a brace
_PARSED: Final = re.compile(r"\{(?:text|data)\}")
_STEP_KINDS: Final = ("LanguageModelComponent", "Agent")


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
            losses=(*_lost(rows, reader, edges), *reader.losses),
        )
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


_CARRIED: Final = ("ChatInput", "TextInput", "ChatOutput", "TextOutput", "Prompt", "Prompt Template")
_NOT_RUN: Final = "components are not run, and what they are given stands for their result"
_NO_TEXTS: Final = ("", "tools", "llm", "model", "memory", "embedding", "embedding_model", "language_model")
_SETTINGS: Final = ("temperature", "top_p", "top_k", "max_tokens", "seed", "model_kwargs", "json_mode", "num_ctx")


def _lost(rows: dict[str, JsonTable], reader: _Components, edges: list[JsonTable]) -> Iterator[FlowLoss]:
    for node, row in rows.items():
        kind, fields = text(row, "data", "type"), table(row, "data", "node", "template")
        if not reader.is_step(node):
            if kind not in _CARRIED:
                users = tuple(text(edge, "target") for edge in edges if text(edge, "source") == node)
                yield FlowLoss(reason=_NOT_RUN, what=f"{node} ({kind})", nodes=(node, *users))
            continue
        if found := [key for key in _SETTINGS if table(fields, key).get("value") not in (None, "", False, {}, [])]:
            yield FlowLoss(reason="settings of models are not sent", what=f"{node} ({', '.join(found)})", nodes=(node,))
        if table(fields, "output_schema").get("value"):
            yield FlowLoss(reason="structured output is not asked for", what=node, nodes=(node,))


@dataclass(frozen=True, slots=True)
class _Components:
    """The components of one flow, and what is wired to their fields."""

    rows: dict[str, JsonTable]
    edges: list[JsonTable]
    losses: list[FlowLoss] = field(default_factory=list)
    memo: ReferenceMemo[Parts] = field(default_factory=ReferenceMemo)

    def is_step(self, node: str) -> bool:
        kind = text(self.rows.get(node, {}), "data", "type")
        return kind.endswith("Model") or kind in _STEP_KINDS

    def step(self, node: str) -> LlmStep | None:
        if not self.is_step(node):
            return None
        fields = self._fields(node)
        model = at(fields, "model_name", "value") or at(fields, "model", "value")
        name = first_text(model[0], "name") if isinstance(model, list) and model else text(model)
        return LlmStep(
            system=joined([self._field(node, "system_message"), self._field(node, "system_prompt")]),
            prompt=self._field(node, "input_value"),
            model=name.strip() or None,
        )

    def _fields(self, node: str) -> JsonTable:
        return table(self.rows.get(node, {}), "data", "node", "template")

    def _field(self, node: str, name: str) -> Parts:
        """Return the text of a field: what is wired to it, else what is written into it."""
        wired = [text(row, "source") for row in self.edges if text(row, "target") == node and _field_name(row) == name]
        if wired and not self.memo.is_too_deep():
            return self.memo.find(
                (node, name), lambda: joined(self._output(source) for source in wired), lambda: (f"{{{name}}}",)
            )
        if wired:
            self.losses.append(FlowLoss(reason=TOO_DEEP, what=f"{name} of {node}"))
        value = text(self._fields(node), name, "value")
        return (value,) if value else ()

    def _output(self, node: str) -> Parts:
        """Return what a component hands on."""
        kind = text(self.rows.get(node, {}), "data", "type")
        raw = f"{{{node}}}"
        if self.is_step(node):
            return (StepAnswer(candidates=((node, ()),), raw=raw),)
        if kind.startswith("Prompt"):
            return self._template(node)
        value = self._field(node, "input_value")
        if kind in ("ChatInput", "TextInput"):
            written = "".join(part for part in value if isinstance(part, str))
            chat = (QUESTION,) if kind == "ChatInput" else ()
            label = text(self.rows[node], "data", "node", "display_name") or kind
            names = (*chat, node, label)
            return (FlowInput(names=names, raw=raw, default=written or None),)
        return value or self._given(node, kind) or (FlowInput(names=(node, kind), raw=raw),)

    def _given(self, node: str, kind: str) -> Parts:
        """Return what a component that is not run is given, in the pattern that a parser writes it in."""
        wired = dict.fromkeys(_field_name(row) for row in self.edges if text(row, "target") == node)
        given = joined(self._field(node, name) for name in wired if name not in _NO_TEXTS)
        fields = self._fields(node)
        pattern = first_text(fields.get("pattern"), "value") or first_text(fields.get("template"), "value")
        if not kind.startswith("Parse") or not given or not pattern:
            return given
        first, *others = _PARSED.split(pattern)
        return limited((first, *(part for other in others for part in (*given, other))))

    def _template(self, node: str) -> Parts:
        template = text(self._fields(node), "template", "value")
        found: list[Part] = []
        at_char = 0
        for match in _PLACE.finditer(template):
            found.append(template[at_char : match.start()])
            at_char = match.end()
            if match[1] is None:
                found.append(match[0][0])
                continue
            value = tuple(
                replace(part, raw=match[0]) if isinstance(part, FlowInput) else part
                for part in self._field(node, match[1])
            )
            found += value or (FlowInput(names=(match[1],), raw=match[0]),)
        return limited(part for part in [*found, template[at_char:]] if part != "")


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
