"""Variables of a Dify app: `{{#NODE.field#}}` in texts, and selectors `[NODE, field]`.

The answer of a step stays a place for it; a template, an aggregator, a code node or an iteration between hands on what
it was given; everything else is an input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    FlowInput,
    Part,
    Parts,
    StepAnswer,
    filled,
    joined,
    within,
)
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text, texts
from pytest_swarm.workloads.importers.reference_memo import ReferenceMemo

_VARIABLE: Final = re.compile(r"\{\{#([^#{}]+)#\}\}")
_JINJA: Final = re.compile(r"\{\{-?\s*([^{}]+?)\s*-?\}\}")
_KEY = r"""\.\w+(?![\w(])|\[(?:\d+|'[^']*'|"[^"]*")\]"""
_JINJA_NAME: Final = re.compile(rf"(?P<name>[^\W\d]\w*)(?P<path>(?:{_KEY})*)")
_JINJA_KEY: Final = re.compile(r"""\.(\w+)|\[(?:(\d+)|'([^']*)'|"([^"]*)")\]""")
_JINJA_TAG: Final = re.compile(r"\{%.*?%\}|(?<!\{)\{#.*?#\}(?!\})", re.DOTALL)
_JINJA_NAMED: Final = re.compile(r"\{%-?\s*(?:for|set)\s+(\w+)\s*(?:in|=)\s*(\w+)")
NO_JINJA: Final = "templates are not computed: every branch is written out, and each loop once"
_WHOLE_FIELDS: Final = ("text", "output", "result", "class_name", "answer", "structured_output", "json")


@dataclass(frozen=True, slots=True)
class DifyReferences:
    """Resolves the variables of one app. `rows` are its nodes."""

    document: Json
    rows: dict[str, JsonTable]
    memo: ReferenceMemo[Parts] = field(default_factory=ReferenceMemo)
    context: tuple[str, ...] | None = None

    def of(self, node: str) -> DifyReferences:
        """Return the same for the texts of a step."""
        return replace(self, memo=self.memo.of(node))

    def with_context(self, data: JsonTable) -> DifyReferences:
        """Return the same with the selector that `{{#context#}}` stands for in one LLM node."""
        enabled = at(data, "context", "enabled") is True
        return replace(self, context=texts(data, "context", "variable_selector") if enabled else ())

    def message(self, row: JsonTable, data: JsonTable) -> Parts:
        """Return one message of an LLM node, in Dify's own form or in Jinja's.

        Args:
            row: The message.
            data: The node's data, with the variables of Jinja.
        """
        if text(row, "edition_type") == "jinja2":
            variables = tables(data, "prompt_config", "jinja2_variables")
            return self._jinja(text(row, "jinja2_text") or text(row, "text"), variables, text(data, "title"))
        return self.parts(text(row, "text"))

    def parts(self, template: str) -> Parts:
        """Return a text with its variables resolved."""
        return filled(template, _VARIABLE, lambda match: self._variable(match[1], match[0]))

    def selected(self, selector: tuple[str, ...]) -> Parts:
        """Return what a selector stands for; nothing for an empty one."""
        return self._resolve(selector, "{{#" + ".".join(selector) + "#}}") if selector else ()

    def _variable(self, name: str, raw: str) -> Parts:
        if name == "context" and self.context is not None:
            return self.selected(self.context)
        return self._resolve(tuple(name.split(".")), raw)

    def _resolve(self, selector: tuple[str, ...], raw: str) -> Parts:
        node, names = selector[0], selector[1:]
        if node == "sys":
            usual = (*names[:1], QUESTION) if names == ("query",) else names[:1]
            return (FlowInput(names=(*usual, ".".join(selector)), raw=raw),)
        if node in ("env", "conversation"):
            return self._variable_of(node, names, raw)
        if node not in self.rows:
            return (FlowInput(names=(".".join(selector),), raw=raw),)
        return self.memo.find((selector, raw), lambda: self._of_node(node, names, raw), lambda: (raw,), shown=raw)

    def _of_node(self, node: str, names: tuple[str, ...], raw: str) -> Parts:
        data = table(self.rows[node], "data")
        match text(data, "type"):
            case "llm" | "agent" | "parameter-extractor" | "question-classifier" as kind:
                return (StepAnswer(candidates=((node, _path(kind, names)),), raw=raw),)
            case "start":
                path = tuple(".".join(names).split("."))
                if path[0] == "sys":  # the system's variables, which older apps name as those of the start node
                    return self._resolve(path, raw)
                return (self._start(data, names, raw),)
            case "template-transform":
                return self._jinja(text(data, "template"), tables(data, "variables"), text(data, "title"))
            case "variable-aggregator" | "variable-assigner":
                return self._first(data, names, raw)
            case "code":
                given = [self.selected(texts(row, "value_selector")) for row in tables(data, "variables")]
                return joined(given) or (_outside(data, node, names, raw),)
            case "iteration" | "loop":
                return self._container(data, node, names, raw)
            case "document-extractor" | "list-operator":
                return self.selected(texts(data, "variable_selector") or texts(data, "variable"))
        return (_outside(data, node, names, raw),)

    def _start(self, data: JsonTable, names: tuple[str, ...], raw: str) -> Part:
        row = next((row for row in tables(data, "variables") if text(row, "variable") == "".join(names[:1])), {})
        is_optional = bool(row) and row.get("required") is not True
        default = text(row, "default") or None
        return FlowInput(names=(".".join(names) or "start",), raw=raw, default=default, is_optional=is_optional)

    def _first(self, data: JsonTable, names: tuple[str, ...], raw: str) -> Parts:
        """Return the first of an aggregator's variables that has a value."""
        groups = tables(data, "advanced_settings", "groups")
        ours = [row for row in groups if text(row, "group_name") == "".join(names[:1])]
        rows = at(ours[0] if ours else data, "variables")
        resolved = [self.selected(texts(row)) for row in rows] if isinstance(rows, list) else []
        answers = [each[0] for each in resolved if len(each) == 1 and isinstance(each[0], StepAnswer)]
        if not answers:
            return next((each for each in resolved if each), (raw,))
        others = next((each for each in resolved if each and (len(each) > 1 or each[0] not in answers)), None)
        candidates = tuple(candidate for answer in answers for candidate in answer.candidates)
        return (StepAnswer(candidates=candidates, raw=raw, default=others),)

    def _container(self, data: JsonTable, node: str, names: tuple[str, ...], raw: str) -> Parts:
        if names[:1] == ("item",):
            return self.selected(texts(data, "iterator_selector")) or (raw,)
        if names[:1] == ("output",) and (selector := texts(data, "output_selector")):
            return self.selected(selector)
        for row in tables(data, "loop_variables"):
            if text(row, "label") == "".join(names[:1]):
                value = row.get("value")
                first = self.selected(texts(value)) if isinstance(value, list) else (text(value),)
                assigned = self._assigned((node, *names[:1]), raw, first or None)
                return assigned or tuple(part for part in first if part != "")
        return (_outside(data, node, names, raw),)

    def _jinja(self, template: str, variables: list[JsonTable], title: str) -> Parts:
        """Return a Jinja text with its variables resolved; of one that computes, every branch and each loop once."""
        values = {text(row, "variable"): self.selected(texts(row, "value_selector")) for row in variables}
        values |= {match[1]: values.get(match[2], ()) for match in _JINJA_NAMED.finditer(template)}
        if "{%" in template:
            self.memo.lose(NO_JINJA, title)
            template = _JINJA_TAG.sub("", template)

        def fill(match: re.Match[str]) -> Iterator[Part]:
            name, path, rest = _jinja_name(match[1])
            if rest:
                self.memo.lose(NO_JINJA, title)
            value = values.get(name) or (FlowInput(names=(name,), raw=match[0]),)
            yield from within(value, path)

        return filled(template, _JINJA, fill)

    def _variable_of(self, kind: str, names: tuple[str, ...], raw: str) -> Parts:
        """Return a variable of the app: what was assigned last by a step before, else what is stored in the file."""
        stored = FlowInput(
            names=(*names[:1], ".".join((kind, *names))),
            raw=raw,
            default=self._stored(kind, names),
            is_optional=kind == "conversation",
        )
        return self._assigned((kind, *names[:1]), raw, (stored,)) or (stored,)

    def _assigned(self, selector: tuple[str, ...], raw: str, otherwise: Parts | None) -> Parts:
        """Return the answers that assigner nodes write into a variable; nothing where they write none."""
        found: list[tuple[str, tuple[str, ...]]] = []
        for row in self.rows.values():
            for target, value in assignments(table(row, "data")):
                if target == selector:
                    parts = self.memo.find((target, value), partial(self.selected, value), tuple, shown=raw)
                    found += [each for part in parts if isinstance(part, StepAnswer) for each in part.candidates]
        return (StepAnswer(candidates=tuple(reversed(found)), raw=raw, default=otherwise),) if found else ()

    def hands_on(self, data: JsonTable) -> bool:
        """Return whether all that an assigner node writes holds answers of steps; other values are not followed."""
        apart = replace(self, memo=ReferenceMemo())
        values = [apart.selected(value) for _, value in assignments(data)]
        return all(any(isinstance(part, StepAnswer) for part in parts) for parts in values)

    def _stored(self, kind: str, names: tuple[str, ...]) -> str | None:
        """Return the value of an environment or conversation variable that is in the file."""
        key = "environment_variables" if kind == "env" else "conversation_variables"
        for row in tables(self.document, "workflow", key):
            if text(row, "name") == "".join(names[:1]):
                return text(row, "value") or None
        return None


def assignments(data: JsonTable) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return (variable, selector of the value) of each variable that an assigner node writes, of both its versions."""
    if text(data, "type") != "assigner":
        return []
    rows = [(texts(row, "variable_selector"), texts(row, "value")) for row in tables(data, "items")]
    rows.append((texts(data, "assigned_variable_selector"), texts(data, "input_variable_selector")))
    return [(target, value) for target, value in rows if target and value]


def _jinja_name(expression: str) -> tuple[str, tuple[str, ...], str]:
    """Return the variable of a Jinja expression, the path of a field of it, and what it computes beside."""
    match = _JINJA_NAME.match(expression)
    if match is None:
        return expression, (), expression
    path = tuple(next(filter(None, keys)) for keys in _JINJA_KEY.findall(match["path"]) if any(keys))
    return match["name"], path, expression[match.end() :].strip()


def _path(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the field of a step's answer that a variable names; empty for the whole answer."""
    if kind == "parameter-extractor":
        return names
    return names[1:] if names[:1] and names[0] in _WHOLE_FIELDS else ()


def _outside(data: JsonTable, node: str, names: tuple[str, ...], raw: str) -> Part:
    """Return an input for what a node gets from outside, under the name of the node."""
    title = first_text(data, "title") or node
    return FlowInput(names=(".".join((title, *names)), ".".join((node, *names)), title), raw=raw, source=node)
