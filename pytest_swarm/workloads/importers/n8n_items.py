"""Fields of n8n's items: which ones a node makes, renames or hands on, and how a merge node combines them.

The rules are those of the nodes' sources (packages/nodes-base/nodes: Merge, Set, Transform). No expression is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.json_values import JsonTable, at, table, tables, text
from pytest_swarm.workloads.importers.n8n_nodes import kind_of

Path = tuple[str, ...]

PASSING: Final = frozenset(
    {
        *("if", "switch", "filter", "limit", "sort", "splitInBatches", "wait", "noOp", "removeDuplicates"),
        *("textClassifier", "guardrails", "stopAndError", "executeWorkflowTrigger", "respondToWebhook", "dateTime"),
        *("evaluation", "executionData"),
    }
)
"""Kinds of nodes that hand on the items that they are given."""
_WRITING: Final[Mapping[str, str]] = {"markdown": "destinationKey", "crypto": "dataPropertyName"}
"""Kinds of nodes that hand on their items with one field more -> the parameter that names it, else it is `data`."""
CODE_KINDS: Final = frozenset({"code", "function", "functionItem"})
_VENDOR_KEYS: Final = frozenset({"message", "content", "text", "output", "choices", "candidates"})
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "agent": frozenset({"output"}),
    "chainLlm": frozenset({"text", "output", "response"}),
    "chainSummarization": frozenset({"response", "output"}),
    "chainRetrievalQa": frozenset({"response", "output", "answer"}),
    "informationExtractor": frozenset({"output"}),
    "sentimentAnalysis": frozenset({"sentimentAnalysis"}),
    "openAiAssistant": frozenset({"output"}),
}
_NO_TEXTS: Final = ("number", "boolean", "numberValue", "booleanValue")
_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PLACE: Final = "\ue000{}\ue001"  # characters for private use
_SET_VALUES: Final = ("value", "stringValue", "numberValue", "booleanValue", "arrayValue", "objectValue")


def makes_field(kind: str, path: Path) -> bool:
    """Return whether an LLM step of a kind makes the field at a path; the whole item, it always makes."""
    return not path or path[0] in _KEYS.get(kind, _VENDOR_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """What a merge node hands on: the items of all inputs, of one, or one item of the fields of all.

    `inputs` are the numbers of the inputs, from 0, in the order in which they are looked through for a field.
    """

    kind: Literal["append", "choose", "combine"]
    inputs: tuple[int, ...]
    adds_suffix: bool = False


def merge_rule(row: JsonTable, inputs: int) -> MergeRule:
    """Return the rule of a merge node.

    Args:
        row: The node, of any of the three versions.
        inputs: Number of its connected inputs.
    """
    parameters = table(row, "parameters")
    mode, order = text(parameters, "mode") or "append", tuple(range(inputs))
    clash = text(parameters, "options", "clashHandling", "values", "resolveClash")
    if mode in ("chooseBranch", "passThrough", "keepKeyMatches", "removeKeyMatches"):
        given = text(parameters, "useDataOfInput") or text(parameters, "output")
        digits = "".join(char for char in given if char.isdecimal())
        return MergeRule(kind="choose", inputs=(int(digits[:3]) - 1 if digits else 0,))
    if mode in ("combine", "mergeByIndex", "mergeByKey", "multiplex", "combineBySql"):
        source = text(parameters, "outputDataFrom")
        if text(parameters, "joinMode") == "keepNonMatches" or source in ("input1", "input2"):
            return MergeRule(kind="choose", inputs=(1 if source == "input2" else 0,))
        last_first = tuple(reversed(order))
        enriches_second = text(parameters, "joinMode") == "enrichInput2" and not clash
        preferred = int(clash[-1]) - 1 if clash.startswith("preferInput") and clash[-1].isdecimal() else None
        preferred = 0 if enriches_second else preferred
        first = () if preferred is None else (preferred,)
        looked = tuple(dict.fromkeys((*first, *last_first)))
        return MergeRule(kind="combine", inputs=looked, adds_suffix=clash == "addSuffix")
    return MergeRule(kind="append", inputs=order)


def as_manual(parameters: JsonTable) -> JsonTable:
    """Return the parameters of a Set node that is written as JSON with a row for each field; others as they are."""
    written = text(parameters, "jsonOutput") if text(parameters, "mode") == "raw" else ""
    if not written.strip():
        return parameters
    places: list[str] = []

    def place(match: re.Match[str]) -> str:
        places.append(match[0])
        inside = written[: match.start()].count('"') % 2 == 1
        return _PLACE.format(len(places) - 1) if inside else f'"{_PLACE.format(len(places) - 1)}"'

    try:
        fields = json.loads(_EXPRESSION.sub(place, written.removeprefix("=")))
    except (ValueError, RecursionError):
        return parameters
    rows: list[Json] = [{"name": key, "value": _with_places(value, places)} for key, value in table(fields).items()]
    return parameters | {"assignments": {"assignments": rows}}


def _with_places(value: Json, places: list[str]) -> str:
    """Return a value of written JSON as that of a row, with its expressions back in place."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    found = re.sub(r"\ue000(\d+)\ue001", lambda match: places[int(match[1])], shown)
    return f"={found}" if found != shown else found


_BRACKETS: Final = re.compile(r"""\[(['"])(.*)\1\]""", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField:
    """What a Set node does with a field: the value that it writes, and the rest of the path within it.

    `value` is None where it does not write it; `hands_on` tells whether it hands on the field that it was given.
    """

    value: str | None = None
    rest: Path = ()
    hands_on: bool = False


def set_field(parameters: JsonTable, path: Path) -> SetField:
    """Return what a Set node of any version does with the field at a path.

    Args:
        parameters: The node's parameters.
        path: The path; an empty one is the whole item.
    """
    rows = _rows(parameters)
    for row in rows:
        name = text(row, "name")
        keys = tuple(name.split("."))
        if name and path and (path[0] == name or path[: len(keys)] == keys):
            rest = path[1:] if path[0] == name else path[len(keys) :]
            return SetField(value=_written(row), rest=rest)
    return SetField(hands_on=_hands_on(parameters) or not rows)


def _hands_on(parameters: JsonTable) -> bool:
    if "include" in parameters and parameters.get("include") != "none":
        return True
    is_new = "assignments" in parameters or "fields" in parameters or text(parameters, "mode") in ("manual", "raw")
    return parameters.get("includeOtherFields") is True if is_new else parameters.get("keepOnlySet") is not True


def _written(row: JsonTable) -> str:
    for key in _SET_VALUES:
        value = row.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if found := text(row, key):
            return found
    return ""


def written_field(row: JsonTable, path: Path) -> SetField:
    """Return what a node that writes one text does with the field at a path: the text as it is given, unconverted.

    Args:
        row: The node.
        path: The path; an empty one is the whole item.
    """
    parameters, kind = table(row, "parameters"), kind_of(row)
    if kind == "html" and (text(parameters, "operation") or "generateHtmlTemplate") == "generateHtmlTemplate":
        return SetField(value="=" + text(parameters, "html").removeprefix("=")) if path == ("html",) else SetField()
    if kind not in _WRITING or not path:
        return SetField()
    if path[0] != (text(parameters, _WRITING[kind]) or "data").split(".")[0]:
        return SetField(hands_on=True)
    given = "markdown" if text(parameters, "mode") == "markdownToHtml" else "html"
    return SetField(value=text(parameters, given)) if kind == "markdown" else SetField()


def set_texts(parameters: JsonTable) -> tuple[str, ...]:
    """Return the texts that a Set node writes, which are what n8n makes a document of."""
    return tuple(_written(row) for row in _rows(parameters) if text(row, "type") not in _NO_TEXTS)


def _rows(parameters: JsonTable) -> list[JsonTable]:
    """Return name and value of each field that a Set node of any version writes."""
    old = [
        row | {"type": text(row, "type") or kind}
        for kind in table(parameters, "values")
        for row in tables(parameters, "values", kind)
    ]
    return [*tables(parameters, "assignments", "assignments"), *tables(parameters, "fields", "values"), *old]


def given_path(row: JsonTable, path: Path) -> Path | None:
    """Return where a node takes a field from: its path in the items that it is given; None where it hands on no field.

    Args:
        row: A node that renames, splits or collects fields.
        path: The path of the field behind it.
    """
    parameters, kind = table(row, "parameters"), kind_of(row)
    if kind == "renameKeys":
        for each in tables(parameters, "keys", "key"):
            if path[:1] == (text(each, "newKey"),):
                return (*text(each, "currentKey").split("."), *path[1:])
        return path
    operation = text(parameters, "operation")
    if kind == "splitOut" or (kind == "itemLists" and operation in ("", "splitOutItems")):
        return _split_out(parameters, path)
    if kind == "aggregate" or (kind == "itemLists" and operation in ("aggregateItems", "concatenateItems")):
        return _aggregated(parameters, path)
    return path


def _split_out(parameters: JsonTable, path: Path) -> Path | None:
    """Return where a field of a split list comes from: the list, under its name, or as the record that each item is."""
    fields = text(parameters, "fieldToSplitOut").removeprefix("=")
    names = [each.strip().removeprefix("$json.") for each in fields.split(",")]
    others = [each.strip() for each in text(parameters, "options", "destinationFieldName").split(",")]
    for name, other in zip_longest(names, others, fillvalue=""):
        parts = _field_path(name)
        for known in ((other,),) if other else ((name,), parts, parts[-1:]):
            if path[: len(known)] == known:
                return (*parts, *path[len(known) :])
    if text(parameters, "include") in ("allOtherFields", "selectedOtherFields"):
        return path
    if len(names) == 1:
        return (*_field_path(names[0]), *path)
    return None if path else ()


def _aggregated(parameters: JsonTable, path: Path) -> Path | None:
    if text(parameters, "aggregate") == "aggregateAllItemData":
        wanted = text(parameters, "destinationFieldName") or "data"
        if path and path[0] != wanted:
            return None
        return path[2:] if len(path) > 1 and path[1].isdecimal() else path[1:]
    for each in tables(at(parameters, "fieldsToAggregate"), "fieldToAggregate"):
        source = _field_path(text(each, "fieldToAggregate"))
        renamed = text(each, "outputFieldName") if each.get("renameField") is True else ""
        if path[:1] == (renamed or source[-1],):
            return (*source, *(path[2:] if len(path) > 1 and path[1].isdecimal() else path[1:]))
    return None if path else ()


def unescaped(text: str) -> str:
    """Return what stands in quotation marks without its backslashes."""
    return re.sub(r"\\(.)", r"\1", text)


def _field_path(name: str) -> Path:
    """Return the path of a field as the editor writes it: with dots, or a name with other characters in brackets."""
    quoted = _BRACKETS.fullmatch(name)
    return (unescaped(quoted[2]),) if quoted else tuple(name.split("."))
