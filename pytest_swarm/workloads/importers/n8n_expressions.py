"""Expressions of n8n: `{{ ... }}` in a value that begins with `=`, as JavaScript that refers to nodes.

JavaScript is not run. What an expression refers to is filled in: the answer of a step, a field that a node sets, or an
input. Anything it computes with that is lost, and said so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from pytest_swarm.workloads.importers.agent_flow import MAX_PARTS, QUESTION, FlowInput, Part, Parts, StepAnswer
from pytest_swarm.workloads.importers.json_values import JsonTable, table, tables, text
from pytest_swarm.workloads.importers.n8n_nodes import N8nNodes, is_llm_step, kind_of

_PASSING: Final = frozenset(
    {
        *("if", "switch", "filter", "merge", "limit", "sort", "splitInBatches", "wait", "noOp", "removeDuplicates"),
        *("code", "function", "functionItem", "textClassifier", "stopAndError", "executeWorkflowTrigger"),
    }
)
MAX_DEPTH: Final = 12  # fields that refer to fields
_EXPRESSION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_KEY = r"""(?:\??\.?\[\s*(?:'[^']*'|"[^"]*"|\d+)\s*\]|\??\.\w+)"""
_NAME = r"""(?P<q>['"`])(?P<name>.+?)(?P=q)"""
_NODE = rf"""\$(?:node|items)?\s*[\[(]\s*{_NAME}\s*[\])]"""
_WHICH = r"item|itemMatching\([^)]*\)|first\(\)|last\(\)|all\(\)(?:\[\d+\])?|pairedItem\(\)"
_ITEM = rf"(?:\??\.(?:{_WHICH}))?(?:\??\.json)?"
_REFERENCE: Final = re.compile(
    rf"(?:{_NODE}{_ITEM}|(?P<own>\$json|\$input{_ITEM})|(?P<other>\$\w+(?:\(\s*['\"][^'\"]*['\"][^)]*\))?))"
    rf"(?P<path>{_KEY}*)(?P<call>\()?"
)
_SEGMENT: Final = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]|\.(\w+)""")
_HARMLESS: Final = re.compile(r"""\s|\?\?|\|\||''|""|JSON\.stringify|\.?\b(?:toJsonString|toString|trim)\b|[(),;]""")
_ANSWER_PATHS: Final = (
    *(("message", "content"), ("response", "text"), ("content", "0", "text"), ("content", "parts", "0", "text")),
    *(("output", "0", "content", "0", "text"), ("output",), ("text",), ("response",), ("content",)),
)


@dataclass(frozen=True, slots=True)
class N8nExpressions:
    """Resolves the expressions of one workflow; `losses` fills with what cannot be computed."""

    nodes: N8nNodes
    losses: list[str] = field(default_factory=list)

    def parts(self, value: str, node: str, depth: int = 0) -> Parts:
        """Return a value with what its expressions refer to; without a leading `=` it is plain text.

        Args:
            value: The value, as in the file.
            node: The node that it belongs to.
            depth: How many fields were followed to come here.
        """
        if not value.startswith("="):
            return (value,) if value else ()
        found: list[Part] = []
        at_char = 1
        for match in _EXPRESSION.finditer(value):
            found += [value[at_char : match.start()], *self._expression(match[0], match[1], node, depth)]
            at_char = match.end()
        return tuple(part for part in [*found, value[at_char:]] if part != "")[:MAX_PARTS]

    def _expression(self, raw: str, script: str, node: str, depth: int) -> Parts:
        references = list(_REFERENCE.finditer(script))
        if not references:
            return (raw,)
        rest = _HARMLESS.sub("", _REFERENCE.sub("", script))
        if rest:
            shown = " ".join(raw.split())
            self._lose(f"{node!r}: {shown[:60]} is not computed; it is replaced by what it refers to ({rest[:20]})")
        resolved = [self._reference(match, raw, node, depth) for match in references]
        if not rest and (alternatives := _alternatives(resolved, raw)):
            return alternatives
        parts: list[Part] = []
        for each in resolved:
            parts += [part for part in ((" ", *each) if parts else each) if part == " " or part not in parts]
        return tuple(parts)

    def _reference(self, match: re.Match[str], raw: str, node: str, depth: int) -> Parts:
        path = tuple(next(filter(None, keys)) for keys in _SEGMENT.findall(match["path"]) if any(keys))
        if match["call"] and path:
            path = path[:-1]  # the last key is a method that is called
        if match["other"]:
            return (_global(match["other"], path, raw),)
        if match["own"]:
            return self._incoming(node, path, raw, depth)
        return self._output(match["name"], path, raw, depth)

    def _incoming(self, node: str, path: tuple[str, ...], raw: str, depth: int) -> Parts:
        """Return what a node gets under a path: from each node before it, the first that has it."""
        parents = self.nodes.parents(node)
        resolved = [self._output(each, path, raw, depth + 1) for each in parents] if depth < MAX_DEPTH else []
        answers = [each[0] for each in resolved if len(each) == 1 and isinstance(each[0], StepAnswer)]
        if answers:
            candidates = tuple(dict.fromkeys(pair for answer in answers for pair in answer.candidates))
            return (StepAnswer(candidates=candidates, raw=raw),)
        return next(iter(resolved), (_input(node, path, raw, is_trigger=True),))

    def _output(self, node: str, path: tuple[str, ...], raw: str, depth: int) -> Parts:
        """Return what a node hands on under a path."""
        row = self.nodes.by_name.get(node)
        if row is None or depth > MAX_DEPTH:
            return (_input(node, path, raw, is_trigger=False),)
        kind, is_off = kind_of(row), row.get("disabled") is True
        if is_llm_step(row) and kind != "textClassifier":  # that one hands on its items
            return (StepAnswer(candidates=((node, _field(path)),), raw=raw),)
        if kind == "set" and not is_off:
            value, hands_on = _set_field(table(row, "parameters"), path)
            if value is not None:
                return self.parts(value, node, depth + 1)
            if hands_on:
                return self._incoming(node, path, raw, depth)
        if not self.nodes.parents(node):
            return (_input(node, path, raw, is_trigger=True),)
        if is_off or kind in _PASSING:
            return self._incoming(node, () if kind in ("code", "function") else path, raw, depth)
        return (_input(node, path, raw, is_trigger=False),)

    def _lose(self, sentence: str) -> None:
        if sentence not in self.losses:
            self.losses.append(sentence)


def _alternatives(resolved: list[Parts], raw: str) -> Parts:
    """Return `a || b` as one place, for the first that has a value; nothing where they are not places of one kind."""
    parts = [each[0] for each in resolved if len(each) == 1]
    answers = [part for part in parts if isinstance(part, StepAnswer)]
    inputs = [part for part in parts if isinstance(part, FlowInput)]
    if answers:
        candidates = tuple(dict.fromkeys(pair for answer in answers for pair in answer.candidates))
        return (StepAnswer(candidates=candidates, raw=raw),)
    if inputs and len(inputs) == len(resolved):
        default = next((each.default for each in inputs if each.default is not None), None)
        names = tuple(dict.fromkeys(name for each in inputs for name in each.names))
        sources = {each.source for each in inputs}
        return (FlowInput(names=names, raw=raw, default=default, source=sources.pop() if len(sources) == 1 else None),)
    return ()


def _field(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the field of a step's answer under a path of its output."""
    for prefix in _ANSWER_PATHS:
        if path[: len(prefix)] == prefix:
            return path[len(prefix) :]
    return path


def _set_field(parameters: JsonTable, path: tuple[str, ...]) -> tuple[str | None, bool]:
    """Return the value of a field that a node sets, None where it does not; and whether it hands on other fields."""
    rows = [
        *tables(parameters, "assignments", "assignments"),
        *tables(parameters, "fields", "values"),
        *(row for rows in table(parameters, "values") for row in tables(parameters, "values", rows)),
    ]
    wanted = ".".join(path)
    for row in rows:
        name = text(row, "name")
        if path and (name == wanted or wanted.startswith(f"{name}.")):
            return text(row, "value") or text(row, "stringValue"), False
    is_new = "assignments" in parameters
    hands_on = parameters.get("includeOtherFields") is True if is_new else parameters.get("keepOnlySet") is not True
    return None, hands_on or not rows


def _input(node: str, path: tuple[str, ...], raw: str, *, is_trigger: bool) -> FlowInput:
    """Return an input for what a node gets from outside; that of a trigger goes by the name of the field."""
    whole = ".".join((node, *path))
    if not is_trigger or not path:
        return FlowInput(names=(whole, ".".join(path) or node, node), raw=raw, source=node)
    chat = (QUESTION,) if path[-1] == "chatInput" else ()
    return FlowInput(names=(path[-1], *chat, ".".join(path), whole, node), raw=raw)


def _global(name: str, path: tuple[str, ...], raw: str) -> FlowInput:
    """Return an input for `$now`, `$vars.x`, `$fromAI('x')` and the like."""
    call = re.match(r"\$\w+\(\s*['\"]([^'\"]*)", name)
    base = call[1] if call else name.removeprefix("$")
    return FlowInput(names=(".".join((base, *path)), base), raw=raw)
