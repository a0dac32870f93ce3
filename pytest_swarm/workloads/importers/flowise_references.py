"""Variables of Flowise: `{{ nodeId }}`, `{{ question }}`, `{{ $form.x }}`, `{{ $flow.state.x }}`, `{{ $iteration }}`.

Texts are HTML, and stay so. The answer of a step stays a place for it; a state is what the steps before wrote into it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    Conversation,
    FlowInput,
    Parts,
    StepAnswer,
    filled,
    joined,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text
from pytest_swarm.workloads.importers.reference_memo import ReferenceMemo

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_TAG: Final = re.compile(r"<[^<>]*>")
STEP_PREFIXES: Final = {"llmAgentflow": "llm", "agentAgentflow": "agent", "conditionAgentAgentflow": "conditionAgent"}
"""Kinds of LLM steps -> what the names of their inputs begin with."""
CALL_KIND: Final = "executeFlowAgentflow"
_ANSWER_FIELDS: Final = ("output", "content")
_STATE: Final = ("$flow", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """What a node writes into a state; `parts` are None where each reader finds them for itself."""

    node: str
    words: str
    parts: Parts | None


@dataclass(slots=True)
class _State:
    """The first value of a state, and what is written into it, in the order of the nodes."""

    first: str | None = None
    writes: list[_Write] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FlowiseReferences:
    """Resolves the variables of one flow; `node` is where a text is."""

    rows: dict[str, JsonTable]
    node: str = ""
    memo: ReferenceMemo[Parts] = field(default_factory=ReferenceMemo)
    states: dict[str, _State] = field(default_factory=dict)  # of the whole flow; filled at the first reference to one

    def of(self, node: str) -> FlowiseReferences:
        """Return the same for the texts of a node."""
        return replace(self, node=node, memo=self.memo if self.memo.reader else self.memo.of(node))

    def parts(self, template: str) -> Parts:
        """Return a text with its variables resolved."""
        return filled(template, _VARIABLE, lambda match: self._resolve(match[1], match[0]))

    def question(self, raw: str = "{{ question }}") -> Parts:
        """Return what the flow is asked: the message of the chat, or the fields of a form, one on each line."""
        starts = [row for row in self.rows.values() if text(row, "data", "name") == "startAgentflow"]
        inputs = table(starts[0], "data", "inputs") if starts else {}
        fields = [text(each, "name") for each in tables(inputs, "formInputTypes") if text(each, "name")]
        if text(inputs, "startInputType") != "formInput" or not fields:
            return (FlowInput(names=(QUESTION,), raw=raw),)
        rows: list[Parts] = [(f"{name}: ", FlowInput(names=(name,), raw=f"{{{{ $form.{name} }}}}")) for name in fields]
        return joined(rows, "\n")

    def _resolve(self, name: str, raw: str) -> Parts:
        key = (self.node, name, raw)
        return self.memo.find(key, lambda: self._resolved(name, raw), lambda: (raw,), shown=raw)

    def _resolved(self, name: str, raw: str) -> Parts:
        keys = tuple(name.split("."))
        if name in (QUESTION, "$flow.input"):
            return self.question(raw)
        if name == "chat_history":
            return (Conversation(is_transcript=True, raw=raw),)
        if keys[0] == "$form":
            return (FlowInput(names=(".".join(keys[1:]) or "form", name), raw=raw),)
        if keys[:2] == _STATE and len(keys) > 2:
            return self._state(keys[2], keys[3:], raw)
        if keys[0] == "$iteration":
            return self._iteration() or (FlowInput(names=(name.removeprefix("$"),), raw=raw),)
        if keys[0] in self.rows:
            return self._of_node(keys[0], keys[1:], raw)
        if name == "output" or keys[0] == "output":
            return self._of_node(self.node, keys, raw)
        return (FlowInput(names=(name.removeprefix("$"),), raw=raw),)

    def _of_node(self, node: str, path: tuple[str, ...], raw: str) -> Parts:
        row = self.rows.get(node, {})
        kind, label = text(row, "data", "name"), text(row, "data", "label").strip() or node
        if kind in STEP_PREFIXES:
            field_path = path[1:] if path[:1] and path[0] in _ANSWER_FIELDS else path
            return (StepAnswer(candidates=((node, field_path),), raw=raw),)
        if kind == "iterationAgentflow":
            inside = [each for each, child in self.rows.items() if text(child, "parentNode") == node]
            steps = [each for each in inside if text(self.rows[each], "data", "name") in STEP_PREFIXES]
            if steps:
                return (StepAnswer(candidates=tuple((each, ()) for each in reversed(steps)), raw=raw),)
        if kind == "customFunctionAgentflow":
            variables = tables(row, "data", "inputs", "customFunctionInputVariables")
            if given := joined(self.of(node).parts(_words(text(each, "variableValue"))) for each in variables):
                return given
        if kind == "startAgentflow":
            return self.question(raw)
        source = node if kind == CALL_KIND else None
        return (FlowInput(names=(label, node), raw=raw, source=source),)

    def _state(self, key: str, path: tuple[str, ...], raw: str) -> Parts:
        """Return what was written into a state: the last step that comes before counts, else its first value."""
        if not self.states:
            self._read_states()
        state = self.states.get(key, _State())
        candidates: list[tuple[str, tuple[str, ...]]] = []
        for write in state.writes:
            written = self.of(write.node).parts(write.words) if write.parts is None else write.parts
            for part in written:
                if isinstance(part, StepAnswer):
                    candidates += [(step, (*found, *path)) for step, found in part.candidates]
        first = state.first
        if candidates:
            last_first = tuple(reversed(candidates))
            return (StepAnswer(candidates=last_first, raw=raw, default=None if first is None else (first,)),)
        return (FlowInput(names=(key, f"flow.state.{key}"), raw=raw, default=first or None),)

    def _read_states(self) -> None:
        """Note who writes what into which state, once: each of a thousand steps may read what all of them wrote."""
        for node, row in self.rows.items():
            inputs = table(row, "data", "inputs")
            for start in tables(inputs, "startState"):
                self.states.setdefault(text(start, "key"), _State()).first = _words(text(start, "value"))
            for update in _updates(inputs):
                write = self._write(node, _words(text(update, "value")))
                self.states.setdefault(text(update, "key"), _State()).writes.append(write)

    def _write(self, node: str, words: str) -> _Write:
        """Return what a node writes; with its parts where they are answers of steps, alike for every reader."""
        named = (name.partition(".")[0] for name in _VARIABLE.findall(words))
        sources = {node if name == "output" else name for name in named}
        alike = all(text(self.rows.get(each), "data", "name") in STEP_PREFIXES for each in sources)
        parts = replace(self, node=node, memo=self.memo.of(self.memo.reader)).parts(words) if alike else None
        return _Write(node=node, words=words, parts=parts)

    def _iteration(self) -> Parts:
        container = text(self.rows.get(self.node, {}), "parentNode")
        return self.of(container).parts(_words(text(self.rows.get(container, {}), "data", "inputs", "iterationInput")))


def _updates(inputs: JsonTable) -> list[JsonTable]:
    """Return the entries of all lists of a node that write into the state, such as `llmUpdateState`."""
    found: list[Json] = [rows for key, rows in inputs.items() if key.endswith("UpdateState")]
    return [row for rows in found for row in tables(rows)]


def _words(html: str) -> str:
    """Return the words of a short HTML value, such as a state's, without its tags."""
    return _TAG.sub("", html).strip()
