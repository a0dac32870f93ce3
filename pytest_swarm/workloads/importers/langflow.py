"""LangFlow (JSON): components, of which those that ask a model are LLM steps. A component's Python is never run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    AgentFlow,
    FlowInput,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    StepAnswer,
    filled,
    joined,
    limited,
)
from pytest_swarm.workloads.importers.flow_rows import by_id, edge_rows, rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, text
from pytest_swarm.workloads.importers.langflow_edges import branch, field_name
from pytest_swarm.workloads.importers.langflow_groups import ungrouped
from pytest_swarm.workloads.importers.langflow_kinds import (
    ASKED_FIELDS,
    EXTRACTING,
    SYSTEM_FIELDS,
    asks_model,
    hands_on,
    is_model_kind,
    kind_of,
    own_request,
)
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost
from pytest_swarm.workloads.importers.reference_memo import ReferenceMemo

_PLACE: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")  # a doubled brace is a brace
_MUSTACHE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FILLED: Final = re.compile(r"\{(current_date|model_name|optional_user_context)\}")
_PARSED: Final = re.compile(r"\{(\w+)\}")
_WHOLE_NAMES: Final = ("text", "data")  # of what a parser is given
_MODEL_FIELDS: Final = (  # to which a model is wired, and no text
    *("llm", "model", "agent_llm", "language_model", "judge_llm", "models", "manager_llm", "function_calling_llm"),
)
_NOTE: Final = "note"


def is_langflow(document: Json) -> bool:
    """Return whether the document is a flow of LangFlow."""
    return isinstance(at(document, "data", "nodes"), list) and isinstance(at(document, "data", "edges"), list)


def read_langflow(document: Json, *, name: str) -> AgentFlow:
    """Return a flow of LangFlow.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.

    Raises:
        GraphError: Where an edge leads to a component that does not exist.
    """
    contents, edges = ungrouped(rows_at(document, "data", "nodes"), edge_rows(document, "data", "edges"))
    every = by_id(contents)
    rows = {node: row for node, row in every.items() if kind_of(row) not in ("", _NOTE)}
    reader = _Components(rows, edges)
    reader.check_version()
    notes = set(every) - set(rows)
    links = [
        FlowLink(source=text(row, "source"), target=text(row, "target"), branch=branch(rows, row)) for row in edges
    ]
    return AgentFlow(
        name=text(document, "name").strip() or name,
        nodes=tuple(FlowNode(id=node, name=node, step=reader.step(node)) for node in rows),
        links=tuple(link for link in links if link.source not in notes and link.target not in notes),
        losses=(*_lost(rows, reader, edges), *reader.memo.losses),
    )


_CARRIED: Final = ("ChatInput", "TextInput", "ChatOutput", "TextOutput", "Prompt", "Prompt Template")
_BY_ROW: Final = "BatchRunComponent"
_BUILT_IN_TOOLS: Final = ("add_current_date_tool", "add_calculator_tool")
_NOT_RUN: Final = "components are not run, and what they are given stands for their result"
_NO_TEXTS: Final = ("", "tools", "memory", "embedding", "embedding_model", *_MODEL_FIELDS)
_SETTINGS: Final = ("temperature", "top_p", "top_k", "max_tokens", "seed", "model_kwargs", "json_mode", "num_ctx")


def _lost(rows: dict[str, JsonTable], reader: _Components, edges: list[JsonTable]) -> Iterator[FlowLoss]:
    for node, row in rows.items():
        kind, fields = kind_of(row), table(row, "data", "node", "template")
        if not reader.is_step(node):
            users = tuple(text(edge, "target") for edge in edges if text(edge, "source") == node)
            if reader.is_model(node):
                yield from _settings(node, fields, users)
            elif reader.is_tool(node):
                yield FlowLoss(reason=Lost.TOOLS, what=f"{node} ({kind})", nodes=users)
            elif kind not in _CARRIED:
                yield FlowLoss(reason=_NOT_RUN, what=f"{node} ({kind})", nodes=(node, *users))
            continue
        yield from _settings(node, fields, (node,))
        if built_in := [key for key in _BUILT_IN_TOOLS if table(fields, key).get("value") is True]:
            yield FlowLoss(reason=Lost.TOOLS, what=f"{node} ({', '.join(built_in)})", nodes=(node,))
        if kind == _BY_ROW:
            yield FlowLoss(reason=Lost.ROUNDS, what=node, nodes=(node,))
        if kind not in EXTRACTING and table(fields, "output_schema").get("value"):
            yield FlowLoss(reason=Lost.STRUCTURE, what=node, nodes=(node,))


def _settings(node: str, fields: JsonTable, users: tuple[str, ...]) -> Iterator[FlowLoss]:
    if found := [key for key in _SETTINGS if table(fields, key).get("value") not in (None, "", False, {}, [])]:
        yield FlowLoss(reason=Lost.SETTINGS, what=f"{node} ({', '.join(found)})", nodes=users)


@dataclass(frozen=True, slots=True)
class _Components:
    """The components of one flow, and what is wired to their fields."""

    rows: dict[str, JsonTable]
    edges: list[JsonTable]
    memo: ReferenceMemo[Parts] = field(default_factory=ReferenceMemo)
    wired: dict[str, dict[str, list[str]]] = field(init=False)  # component -> field -> what is wired to it
    led_to: dict[str, set[str]] = field(init=False)  # component -> the fields of others that it is wired to

    def __post_init__(self) -> None:
        wired: dict[str, dict[str, list[str]]] = {}
        led_to: dict[str, set[str]] = {}
        for edge in self.edges:
            source, target, name = text(edge, "source"), text(edge, "target"), field_name(edge)
            wired.setdefault(target, {}).setdefault(name, []).append(source)
            led_to.setdefault(source, set()).add(name)
        object.__setattr__(self, "wired", wired)
        object.__setattr__(self, "led_to", led_to)

    def check_version(self) -> None:
        """Raise GraphError for a file whose components do not tell what they give, so that no step is to be seen."""
        if any(self.is_step(node) for node in self.rows):
            return
        for node, row in self.rows.items():
            own = table(row, "data", "node")
            if "template" in own and "outputs" not in own:
                raise GraphError(
                    f"no step is to be seen: {node} ({kind_of(row)}) does not tell what it gives, as in files of "
                    "LangFlow before 1.0; open the flow in a newer LangFlow, and export it again"
                )

    def is_step(self, node: str) -> bool:
        """Return whether a component asks a model for a text; one that is only the model or tool of others does not."""
        row = self.rows.get(node, {})
        if is_model_kind(kind_of(row)):
            return not self.is_model(node)
        return asks_model(row) and not self.is_tool(node)

    def is_model(self, node: str) -> bool:
        """Return whether a component is only the model of others, and is asked nothing itself."""
        led_to = self.led_to.get(node, set())
        return is_model_kind(kind_of(self.rows.get(node, {}))) and bool(led_to) and led_to.issubset(_MODEL_FIELDS)

    def is_tool(self, node: str) -> bool:
        """Return whether a component is only a tool of agents."""
        return self.led_to.get(node) == {"tools"}

    def step(self, node: str) -> LlmStep | None:
        if not self.is_step(node):
            return None
        row = self.rows[node]
        others = () if is_model_kind(kind_of(row)) else (self._field(node, name) for name in SYSTEM_FIELDS)
        return LlmStep(
            system=joined([self._field(node, "system_message"), self._system(node), *others, own_request(row)]),
            prompt=joined(self._field(node, name) for name in ASKED_FIELDS),
            model=self._model(node),
            type=TaskType.EXTRACTION if kind_of(row) in EXTRACTING else None,
        )

    def _system(self, node: str) -> Parts:
        """Return the system prompt of a step; in that of an agent, LangFlow fills three places itself."""
        found = self._field(node, "system_prompt")
        if kind_of(self.rows[node]) != "Agent":
            return found
        known = {"model_name": self._model(node), "optional_user_context": ""}

        def fill(match: re.Match[str]) -> Parts:
            return (FlowInput(names=(match[1],), raw=match[0], default=known.get(match[1])),)

        texts = (filled(part, _FILLED, fill) if isinstance(part, str) else (part,) for part in found)
        return limited(part for each in texts for part in each)

    def _model(self, node: str) -> str | None:
        """Return the model that is wired to a step, else the one that it names itself."""
        wired = [
            each for name, sources in self.wired.get(node, {}).items() if name in _MODEL_FIELDS for each in sources
        ]
        for each in (*wired, node):
            fields = self._fields(each)
            model = at(fields, "model_name", "value") or at(fields, "model", "value")
            name = first_text(model[0], "name") if isinstance(model, list) and model else text(model)
            if name.strip():
                return name.strip()
        return None

    def _fields(self, node: str) -> JsonTable:
        return table(self.rows.get(node, {}), "data", "node", "template")

    def _field(self, node: str, name: str) -> Parts:
        """Return the text of a field: what is wired to it, else what is written into it."""
        wired = self.wired.get(node, {}).get(name)
        if wired:
            return self.memo.find(
                (node, name),
                lambda: joined(map(self._output, wired)),
                lambda: (f"{{{name}}}",),
                shown=f"{name} of {node}",
            )
        value = text(self._fields(node), name, "value")
        return (value,) if value else ()

    def _output(self, node: str) -> Parts:
        """Return what a component hands on."""
        kind = kind_of(self.rows.get(node, {}))
        raw = f"{{{node}}}"
        if hands_on(kind):
            return self._field(node, "input_text")
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
        """Return what a component that is not run is given, in the pattern of a parser that does not hand on all."""
        given = joined(self._field(node, name) for name in self.wired.get(node, {}) if name not in _NO_TEXTS)
        fields = self._fields(node)
        pattern = first_text(fields.get("pattern"), "value") or first_text(fields.get("template"), "value")
        hands_on_all = not kind.lower().startswith("parse") or first_text(fields.get("mode"), "value") == "Stringify"
        if hands_on_all or not given or not pattern:
            return given

        def fill(match: re.Match[str]) -> Parts:
            name = match[1]
            if name in _WHOLE_NAMES:
                return given
            found = [self._column(part, name) for part in given if isinstance(part, StepAnswer)]
            return tuple(filter(None, found)) or (FlowInput(names=(f"{node}.{name}", name), raw=match[0]),)

        return filled(pattern, _PARSED, fill)

    def _column(self, answer: StepAnswer, name: str) -> StepAnswer | None:
        """Return a field of an answer; of the rows of a batch, the answer is one, and the others are not known."""
        step = answer.candidates[0][0]
        if kind_of(self.rows[step]) != _BY_ROW:
            return answer.within((name,))
        own = text(self._fields(step), "output_column_name", "value") or "model_response"
        return answer if name == own else None

    def _template(self, node: str) -> Parts:
        template = text(self._fields(node), "template", "value")

        def fill(match: re.Match[str]) -> Parts:
            if match[1] is None:
                return (match[0][0],)
            value = self._field(node, match[1])
            written = tuple(replace(part, raw=match[0]) if isinstance(part, FlowInput) else part for part in value)
            return written or (FlowInput(names=(match[1],), raw=match[0]),)

        is_mustache = table(self._fields(node), "use_double_brackets").get("value") is True
        return filled(template, _MUSTACHE if is_mustache else _PLACE, fill)
