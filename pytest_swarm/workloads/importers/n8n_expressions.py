"""Expressions of n8n: `{{ ... }}` in a value that begins with `=`, as JavaScript that refers to nodes.

JavaScript is not run. Texts that are joined stay joined, and what an expression refers to is filled in: the answer of a
step, a field that a node sets, or an input. Anything it computes with that is lost, and said so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    FlowInput,
    Part,
    Parts,
    StepAnswer,
    filled,
    joined,
    limited,
    within,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, table, text
from pytest_swarm.workloads.importers.n8n_choices import Found, all_of, alternatives, item_of, surest
from pytest_swarm.workloads.importers.n8n_items import (
    CODE_KINDS,
    PASSING,
    Path,
    as_manual,
    given_path,
    makes_field,
    merge_rule,
    set_field,
    set_texts,
    unescaped,
    written_field,
)
from pytest_swarm.workloads.importers.n8n_nodes import GUARDRAILS, N8nNodes, kind_of
from pytest_swarm.workloads.importers.n8n_scripts import literal, split_script, template, ternary, unwrapped
from pytest_swarm.workloads.importers.reference_memo import ReferenceMemo

_EXPRESSION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_SINGLE, _DOUBLE = r"(?:[^'\\]|\\.)*", r'(?:[^"\\]|\\.)*'  # what stands in quotation marks
_KEY = rf"""(?:\??\.?\[\s*(?:'{_SINGLE}'|"{_DOUBLE}"|\d+)\s*\]|\??\.\w+)"""
_NAME = r"""(?P<q>['"`])(?P<name>(?:\\.|(?!(?P=q)).)+)(?P=q)"""
_NODE = rf"""(?:\$item\([^()]*\)\.)?\$(?:node|items)?\s*[\[(]\s*{_NAME}\s*[\])]"""
_WHICH = r"item|itemMatching\([^)]*\)|first\(\)|last\(\)|all\(\)(?:\[\d+\])?|pairedItem\(\)"
_ITEM = rf"(?:\??\.(?:{_WHICH}))?(?:\[\d+\])?(?:\??\.json)?"
_REFERENCE: Final = re.compile(
    rf"(?:{_NODE}{_ITEM}|(?P<own>\$json|\$input{_ITEM})|(?P<other>\$\w+(?:\(\s*['\"][^'\"]*['\"][^)]*\))?))"
    rf"(?P<path>{_KEY}*)(?P<call>\()?"
)
_IS_EXECUTED: Final = re.compile(rf"{_NODE}\??\.isExecuted")
_SEGMENT: Final = re.compile(rf"""\[\s*(?:'({_SINGLE})'|"({_DOUBLE})"|(\d+))\s*\]|\.(\w+)""")
_HARMLESS: Final = re.compile(r"""\s|\?\?|\|\||''|""|JSON\.stringify|\.?\b(?:toJsonString|toString|trim)\b|[(),;]""")
_CHAT_FIELDS: Final = ("chatInput", "chat_input", "input")  # of the triggers of a chat, in the order of their age
_ANSWER_PATHS: Final = (
    *(
        ("message", "content"),
        ("response", "text"),
        ("response", "output_text"),
        ("content", "0", "text"),
        ("content", "parts", "0", "text"),
    ),
    *(("choices", "0", "message", "content"), ("choices", "0", "text")),
    *(("output", "0", "content", "0", "text"), ("output",), ("text",), ("response",), ("content",)),
)


@dataclass(frozen=True, slots=True)
class N8nExpressions:
    """Resolves the expressions of one workflow."""

    nodes: N8nNodes
    collects: bool = False  # whether the items of all inputs are looked at, as by a node that makes one item of them
    memo: ReferenceMemo[Found] = field(default_factory=ReferenceMemo)

    def of(self, step: str) -> N8nExpressions:
        """Return the same for the texts of a step."""
        return replace(self, memo=self.memo.of(step))

    def parts(self, value: str, node: str) -> Parts:
        """Return a value with what its expressions refer to; without a leading `=` it is plain text.

        Args:
            value: The value, as in the file.
            node: The node that it belongs to.
        """
        if not value.startswith("="):
            if (found := _EXPRESSION.search(value)) and "$" in found[1]:
                self._lose("expressions in texts that n8n does not mark with '=' are sent as written", node, found[0])
            return (value,) if value else ()
        return filled(value[1:], _EXPRESSION, lambda match: self._expression(match[0], match[1], node))

    def _expression(self, raw: str, script: str, node: str) -> Parts:
        """Return an expression that joins texts with its pieces resolved, any other as what it refers to."""
        pieces = split_script(unwrapped(script), "+")
        if not any(literal(each) is not None or template(each) is not None for each in pieces) or all(
            each.replace(".", "").isdecimal() for each in pieces[1:] or ("",)
        ):
            return self._value(raw, unwrapped(script), node)
        parts: list[Part] = []
        for piece in map(unwrapped, pieces):
            if (text := literal(piece)) is not None:
                parts.append(text)
            elif (inside := template(piece)) is not None:
                for each, is_script in inside:
                    parts += self._expression(f"${{{each}}}", each, node) if is_script else (each,)
            else:
                parts += self._value(raw if len(pieces) == 1 else f"{{{{ {piece} }}}}", piece, node)
        return limited(part for part in parts if part != "")

    def _value(self, raw: str, script: str, node: str) -> Parts:
        if (text := literal(script)) is not None:
            return (text,) if text else ()
        if chosen := self._chosen(raw, script, node):
            return chosen
        choices = split_script(script, "||", "??")
        default = literal(choices[-1]) if len(choices) > 1 else None
        asked = choices[:-1] if default is not None else choices
        references = [match for each in asked for match in _REFERENCE.finditer(each)]
        rest = "".join(_HARMLESS.sub("", _REFERENCE.sub("", each)) for each in asked)
        if not references:
            self._lose("expressions that compute stay as written", node, raw)
            return (raw,)
        if rest:
            self._lose("expressions that compute are replaced by what they refer to", node, raw)
        resolved = [self._reference(match, raw, node) for match in references]
        if not rest and (place := alternatives(resolved, raw, default)):
            return place
        if len(references) > 1:  # each without a value stays as itself, not as the whole expression again
            resolved = [self._reference(match, f"{{{{ {match[0]} }}}}", node) for match in references]
        parts: list[Part] = []
        for each in resolved:
            parts += [part for part in ((" ", *each) if parts else each) if part == " " or part not in parts]
        return tuple(parts)

    def _chosen(self, raw: str, script: str, node: str) -> Parts:
        """Return what `a ? b : c` stands for: both values, or of those that were executed the first that comes before.

        Nothing for any other script.
        """
        found = ternary(script)
        if found is None:
            return ()
        values = [self._expression(raw, each, node) for each in found[1:]]
        if _IS_EXECUTED.fullmatch(found[0].strip()):
            return alternatives(values, raw, None) or values[0] or values[1]
        self._lose("expressions that choose are written out with both values", node, raw)
        return joined(values, " ")

    def _reference(self, match: re.Match[str], raw: str, node: str) -> Parts:
        keys = [next(filter(None, each)) for each in _SEGMENT.findall(match["path"]) if any(each)]
        path = tuple(unescaped(each) for each in keys)
        if match["call"] and path:
            path = path[:-1]  # the last key is a method that is called
        if match["other"]:
            return (_global(match["other"], path, raw),)
        if match["own"]:
            return self._incoming(node, path, raw).parts
        return self._output(unescaped(match["name"]), path, raw).parts

    def _incoming(self, node: str, path: Path, raw: str) -> Found:
        """Return what a node gets under a path: from the nodes before it, what has it most certainly."""
        inputs = self.nodes.inputs(node)
        if not inputs:
            return Found(2, (_input(node, path, raw, is_trigger=True),))
        if kind_of(self.nodes.by_name[node]) == "merge":
            return self._merged(node, path, raw)
        return surest([self._output(each, path, raw) for each in self.nodes.parents(node)], raw)

    def _merged(self, node: str, path: Path, raw: str) -> Found:
        """Return a field behind a merge node: of the first input that certainly has it."""
        inputs = self.nodes.inputs(node)
        rule = merge_rule(self.nodes.by_name[node], max(index for index, _ in inputs) + 1)
        by_index = {index: [each for at, each in inputs if at == index] for index, _ in inputs}
        wanted = {index: path for index in rule.inputs if index in by_index}
        if rule.adds_suffix and path:
            name, _, number = path[0].rpartition("_")
            wanted = {index: (name, *path[1:]) for index in wanted if str(index + 1) == number}
        found = [
            surest([self._output(each, keys, raw) for each in by_index[index]], raw) for index, keys in wanted.items()
        ]
        if not found:
            return Found(0, (_input(node, path, raw, is_trigger=False),))
        if rule.kind == "append" and self.collects:
            return all_of(found) or surest(found, raw)
        if rule.kind != "combine":
            return surest(found, raw)
        if not path:
            return Found(3, joined(each.parts for each in reversed(found)))
        return max(found)  # of equal ones, the first: its field replaces those of the others

    def _output(self, node: str, path: Path, raw: str) -> Found:
        """Return what a node hands on under a path."""
        unknown = Found(2, (_input(node, path, raw, is_trigger=False),))
        if node not in self.nodes.by_name:
            return unknown
        key = (node, path, raw, self.collects)
        itself = replace(unknown, rank=0)
        return self.memo.find(key, lambda: self._computed(node, path, raw), lambda: itself, shown=self.memo.reader)

    def _computed(self, node: str, path: Path, raw: str) -> Found:
        row = self.nodes.by_name[node]
        kind, is_off = kind_of(row), row.get("disabled") is True
        if kind == GUARDRAILS and path[:1] == ("guardrailsInput",):
            return Found(3, self.parts(text(row, "parameters", "text"), node))
        if self.nodes.is_step(node) and kind not in PASSING:  # some steps hand on their items
            return self._answer(row, node, path, raw)
        if is_off or kind in PASSING or kind == "merge":
            return self._incoming(node, path, raw)
        if kind == "set":
            return self._set(as_manual(table(row, "parameters")), node, path, raw)
        if not self.nodes.parents(node):
            return Found(2, (_input(node, path, raw, is_trigger=True),))
        if kind in CODE_KINDS:
            return replace(self._incoming(node, (), raw), rank=2)
        if kind in ("splitOut", "aggregate", "itemLists", "renameKeys"):
            source = given_path(row, path)
            if source is None:
                return Found(0, (_input(node, path, raw, is_trigger=False),))
            if kind == "aggregate":
                return item_of(replace(self, collects=True)._incoming(node, source, raw), path[1:2])
            return self._incoming(node, source, raw)
        written = written_field(row, path)
        if written.hands_on:
            return self._incoming(node, path, raw)
        said = self.parts(written.value, node) if written.value else ()
        is_answer = any(isinstance(part, StepAnswer) for part in said)
        return Found(2, said if is_answer else (_input(node, path, raw, is_trigger=False),))

    def _answer(self, row: JsonTable, node: str, path: Path, raw: str) -> Found:
        kind = kind_of(row)
        if kind == "sentimentAnalysis" and path and not makes_field(kind, path) and self.nodes.parents(node):
            return self._incoming(node, path, raw)
        rank = 3 if makes_field(kind, path) else 2 if self.nodes.helpers(node, "ai_outputParser") else 1
        return Found(rank, (StepAnswer(candidates=((node, _field(path)),), raw=raw),))

    def _set(self, parameters: JsonTable, node: str, path: Path, raw: str) -> Found:
        """Return a field behind a Set node; for the whole item, everything that it sets and hands on."""
        found = set_field(parameters, path)
        if not path:
            own = [self.parts(each, node) for each in set_texts(parameters)]
            given = self._incoming(node, path, raw).parts if found.hands_on and self.nodes.parents(node) else ()
            whole = joined((given, *own))
            return Found(3, whole) if whole else Found(1, (_input(node, path, raw, is_trigger=False),))
        if found.value is not None:
            return Found(3, within(self.parts(found.value, node), found.rest))
        if found.hands_on:
            return self._incoming(node, path, raw)
        return Found(0, (_input(node, path, raw, is_trigger=False),))

    def _lose(self, reason: str, node: str, raw: str) -> None:
        shown = " ".join(raw.split())
        self.memo.lose(reason, f"{shown[:60]} in {node}")


def _field(path: Path) -> Path:
    """Return the field of a step's answer under a path of its output."""
    for prefix in _ANSWER_PATHS:
        if path[: len(prefix)] == prefix:
            return path[len(prefix) :]
    return path


def _input(node: str, path: tuple[str, ...], raw: str, *, is_trigger: bool) -> FlowInput:
    """Return an input for what a node gets from outside; that of a trigger goes by the name of the field."""
    whole = ".".join((node, *path))
    chat = (QUESTION,) if path and path[-1] in _CHAT_FIELDS else ()
    if not is_trigger or not path:
        return FlowInput(names=(whole, ".".join(path) or node, *chat, node), raw=raw, source=node)
    return FlowInput(names=(path[-1], *chat, ".".join(path), whole, node), raw=raw)


def _global(name: str, path: tuple[str, ...], raw: str) -> FlowInput:
    """Return an input for `$now`, `$vars.x`, `$fromAI('x')` and the like."""
    call = re.match(r"\$\w+\(\s*['\"]([^'\"]*)", name)
    base = call[1] if call else name.removeprefix("$")
    return FlowInput(names=(".".join((base, *path)), base), raw=raw)
