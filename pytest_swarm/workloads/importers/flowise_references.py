"""Variables of Flowise: `{{ nodeId }}`, `{{ question }}`, `{{ $form.x }}`, `{{ $flow.state.x }}`, `{{ $iteration }}`.

Texts are HTML, and stay so. The answer of a step stays a place for it; a state is what the steps before wrote into it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import MAX_PARTS, QUESTION, FlowInput, Part, Parts, StepAnswer, joined
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_TAG: Final = re.compile(r"<[^<>]*>")
_STEP_KINDS: Final = {"llmAgentflow": "llm", "agentAgentflow": "agent", "conditionAgentAgentflow": "conditionAgent"}
CALL_KIND: Final = "executeFlowAgentflow"
_ANSWER_FIELDS: Final = ("output", "content")
_STATE: Final = ("$flow", "state")
MAX_DEPTH: Final = 12  # values that refer to values


@dataclass(frozen=True, slots=True)
class FlowiseReferences:
    """Resolves the variables of one flow; `losses` fills with what cannot be computed. `node` is where a text is."""

    rows: dict[str, JsonTable]
    losses: list[str] = field(default_factory=list)
    node: str = ""
    depth: int = 0

    def of(self, node: str) -> FlowiseReferences:
        """Return the same for the texts of a node."""
        return replace(self, node=node)

    def parts(self, template: str) -> Parts:
        """Return a text with its variables resolved."""
        found: list[Part] = []
        at_char = 0
        for match in _VARIABLE.finditer(template):
            found += [template[at_char : match.start()], *self._resolve(match[1], match[0])]
            at_char = match.end()
        return tuple(part for part in [*found, template[at_char:]] if part != "")[:MAX_PARTS]

    def _resolve(self, name: str, raw: str) -> Parts:
        keys = tuple(name.split("."))
        if self.depth > MAX_DEPTH:
            return (raw,)
        deeper = replace(self, depth=self.depth + 1)
        if name == QUESTION:
            return (FlowInput(names=(QUESTION,), raw=raw),)
        if keys[0] == "$form":
            return (FlowInput(names=(".".join(keys[1:]) or "form", name), raw=raw),)
        if keys[:2] == _STATE and len(keys) > 2:
            return deeper._state(keys[2], keys[3:], raw)
        if keys[0] == "$iteration":
            return deeper._iteration() or (FlowInput(names=(name.removeprefix("$"),), raw=raw),)
        if keys[0] in self.rows:
            return deeper._of_node(keys[0], keys[1:], raw)
        if name == "output" or keys[0] == "output":
            return deeper._of_node(self.node, keys, raw)
        return (FlowInput(names=(name.removeprefix("$"),), raw=raw),)

    def _of_node(self, node: str, path: tuple[str, ...], raw: str) -> Parts:
        row = self.rows.get(node, {})
        kind, label = text(row, "data", "name"), text(row, "data", "label").strip() or node
        if kind in _STEP_KINDS:
            field_path = path[1:] if path[:1] and path[0] in _ANSWER_FIELDS else path
            return (StepAnswer(candidates=((node, field_path),), raw=raw),)
        if kind == "iterationAgentflow":
            inside = [each for each, child in self.rows.items() if text(child, "parentNode") == node]
            steps = [each for each in inside if text(self.rows[each], "data", "name") in _STEP_KINDS]
            if steps:
                return (StepAnswer(candidates=tuple((each, ()) for each in reversed(steps)), raw=raw),)
        if kind == "customFunctionAgentflow":
            variables = tables(row, "data", "inputs", "customFunctionInputVariables")
            if given := joined(self.of(node).parts(_words(text(each, "variableValue"))) for each in variables):
                self._lose(f"the result of the code {label!r} is replaced by what it is given")
                return given
        if kind == "startAgentflow":
            return (FlowInput(names=(QUESTION,), raw=raw),)
        source = node if kind == CALL_KIND else None
        return (FlowInput(names=(label, node), raw=raw, source=source),)

    def _state(self, key: str, path: tuple[str, ...], raw: str) -> Parts:
        """Return what was written into a state: the last step that comes before counts, else its first value."""
        candidates: list[tuple[str, tuple[str, ...]]] = []
        first: str | None = None
        for node, row in self.rows.items():
            inputs = table(row, "data", "inputs")
            for start in tables(inputs, "startState"):
                if text(start, "key") == key:
                    first = _words(text(start, "value")) or None
            for update in _updates(inputs):
                if text(update, "key") == key:
                    written = self.of(node).parts(_words(text(update, "value")))
                    answers = [part for part in written if isinstance(part, StepAnswer)]
                    candidates += [(step, (*found, *path)) for each in answers for step, found in each.candidates]
        if candidates:
            return (StepAnswer(candidates=tuple(reversed(candidates)), raw=raw, default=first),)
        return (FlowInput(names=(key, f"flow.state.{key}"), raw=raw, default=first),)

    def _iteration(self) -> Parts:
        container = text(self.rows.get(self.node, {}), "parentNode")
        return self.of(container).parts(_words(text(self.rows.get(container, {}), "data", "inputs", "iterationInput")))

    def _lose(self, sentence: str) -> None:
        if sentence not in self.losses:
            self.losses.append(sentence)


def _updates(inputs: JsonTable) -> list[JsonTable]:
    """Return the entries of all lists of a node that write into the state, such as `llmUpdateState`."""
    found: list[Json] = [rows for key, rows in inputs.items() if key.endswith("UpdateState")]
    return [row for rows in found for row in tables(rows)]


def _words(html: str) -> str:
    """Return the words of a short HTML value, such as a state's, without its tags."""
    return _TAG.sub("", html).strip()
