"""Dify workflows and chat flows (DSL, YAML): nodes, links and LLM steps. `dify_references` resolves their variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    FlowCall,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    is_blank,
    joined,
)
from pytest_swarm.workloads.importers.dify_apps import as_workflow
from pytest_swarm.workloads.importers.dify_losses import dify_losses
from pytest_swarm.workloads.importers.dify_references import DifyReferences
from pytest_swarm.workloads.importers.flow_rows import by_id, edge_rows, rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text, texts

LLM_KINDS: Final = ("llm", "agent", "parameter-extractor", "question-classifier")
_STARTS: Final = ("start", "trigger-", "datasource")
_PLAIN_HANDLE: Final = "source"
_MODES: Final = ("workflow", "advanced-chat", "chat", "agent-chat", "completion")


def is_dify(document: Json) -> bool:
    """Return whether the document is a Dify app, or a workflow of Dify without the app around it."""
    return text(document, "app", "mode") in _MODES or isinstance(at(document, "workflow", "graph"), dict)


def read_dify(document: Json, *, name: str) -> AgentFlow:
    """Return the workflow of a Dify app.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.

    Raises:
        GraphError: Where the app has neither a workflow nor a prompt, or an edge leads nowhere.
    """
    if not isinstance(at(document, "workflow", "graph"), dict):
        if not table(document, "model_config"):
            mode = text(document, "app", "mode")
            raise GraphError(f"is a Dify app ({mode}) without a workflow or a 'model_config', so it has no prompt")
        document = as_workflow(document)
    graph = at(document, "workflow", "graph")
    rows = by_id(row for row in map(_typed, rows_at(graph, "nodes")) if text(row, "data", "type") and text(row, "id"))
    references = DifyReferences(document, rows)
    own = (text(document, "app", "name") or text(document, "rag_pipeline", "name")).strip()
    return AgentFlow(
        name=own or name,
        nodes=tuple(_node(node, row, rows, references) for node, row in rows.items()),
        links=tuple(_link(row, rows) for row in edge_rows(graph, "edges")),
        losses=(*references.memo.losses, *dify_losses(references)),
        calls=tuple(_calls(rows, references)),
        called=(own,) if own else (),
        starts=tuple(node for node, row in rows.items() if text(row, "data", "type").startswith(_STARTS)),
    )


def _typed(row: JsonTable) -> JsonTable:
    """Return a node with its kind in its data.

    Files that Dify did not write may have the kind beside the data, or all of a node's fields without a table `data`.
    """
    data, kind = table(row, "data") or row, text(row, "type").replace("_", "-")
    return row if "type" in table(row, "data") or kind.startswith("custom") else {**row, "data": {**data, "type": kind}}


def _node(node: str, row: JsonTable, rows: dict[str, JsonTable], references: DifyReferences) -> FlowNode:
    data = table(row, "data")
    container = text(row, "parentId") or first_text(data, "iteration_id", "loop_id") or None
    kind = text(data, "type")
    first = container is not None and text(rows.get(container), "data", "start_node_id") == node
    return FlowNode(
        id=node,
        name=text(data, "title").strip() or node,
        step=_step(kind, data, references.of(node)) if kind in LLM_KINDS else None,
        container=container if container in rows else None,
        is_entry=first or kind in ("iteration-start", "loop-start"),
    )


def _link(row: JsonTable, rows: dict[str, JsonTable]) -> FlowLink:
    source, handle = text(row, "source"), text(row, "sourceHandle")
    data = table(rows.get(source), "data")
    branch = None if handle in ("", _PLAIN_HANDLE) else _branch_name(handle, data)
    return FlowLink(source=source, target=text(row, "target"), branch=branch)


def _branch_name(handle: str, data: JsonTable) -> str:
    """Return what people call a way out: the class, `true`, `false`, or `case N` for the Nth case."""
    for row in tables(data, "classes"):
        if text(row, "id") == handle:
            return text(row, "name").strip() or handle
    cases = [text(row, "case_id") or text(row, "id") for row in tables(data, "cases")]
    if handle not in ("true", "false") and handle in cases:
        return f"case {cases.index(handle) + 1}"
    return handle


def _step(kind: str, data: JsonTable, references: DifyReferences) -> LlmStep:
    model = text(data, "model", "name") or None
    if kind == "llm":
        system, prompt = _messages(data, references)
        return LlmStep(system=system, prompt=prompt, model=model)
    if kind == "agent":
        return _agent(data, references)
    instruction = references.parts(first_text(data, "instruction", "instructions"))
    if kind == "parameter-extractor":
        query = references.selected(texts(data, "query"))
        asked = joined((instruction, (_extraction(data),)))
        return LlmStep(system=asked, prompt=query, model=model, type=TaskType.EXTRACTION)
    query = references.selected(texts(data, "query_variable_selector"))
    names = "; ".join(filter(None, (text(row, "name").strip() for row in tables(data, "classes"))))
    ask = f"Answer with the one of these classes that fits: {names}" if names else ""
    return LlmStep(system=joined((instruction, (ask,))), prompt=query, model=model)


def _extraction(data: JsonTable) -> str:
    lines = [
        f"- {text(row, 'name')} ({text(row, 'type') or 'string'}): {text(row, 'description')}".rstrip(": ")
        for row in tables(data, "parameters")
    ]
    asked = "Extract from the text, and answer with one JSON object with these keys:"
    return "\n".join([asked, *lines]) if lines else ""


def _agent(data: JsonTable, references: DifyReferences) -> LlmStep:
    parameters = table(data, "agent_parameters")

    model = first_text(at(parameters, "model", "value"), "model", "name") or text(parameters, "model", "value")
    system, prompt = (_value(parameters.get(key), references) for key in ("instruction", "query"))
    return LlmStep(system=system, prompt=prompt, model=model or None)


def _value(parameter: Json, references: DifyReferences) -> Parts:
    """Return what the `value` of a parameter stands for: a selector, or a text with variables."""
    found = at(parameter, "value")
    return references.selected(texts(found)) if isinstance(found, list) else references.parts(text(found))


def _messages(data: JsonTable, references: DifyReferences) -> tuple[Parts, Parts]:
    """Return system and user text of an LLM node, in chat or completion form."""
    template = data.get("prompt_template")
    rows = [template] if isinstance(template, dict) else tables(template)
    local = references.with_context(data)
    said = [(text(row, "role") or "user", local.message(row, data)) for row in rows]
    system = joined(parts for role, parts in said if role == "system")
    others = [(role, parts) for role, parts in said if role != "system" and not is_blank(parts)]
    if isinstance(data.get("memory"), dict):
        query = text(data, "memory", "query_prompt_template").strip() or "{{#sys.query#}}"
        others.append(("user", local.parts(query)))
    speaks = any(role == "assistant" for role, _ in others)
    prompt = joined((f"{role}: ", *parts) if speaks else parts for role, parts in others)
    return system, prompt


def _calls(rows: dict[str, JsonTable], references: DifyReferences) -> Iterator[FlowCall]:
    """Yield the calls of workflows that are used as tools, with the values that they pass."""
    for node, row in rows.items():
        data = table(row, "data")
        if text(data, "type") == "tool" and text(data, "provider_type") == "workflow":
            names = [text(data, key).strip() for key in ("tool_label", "provider_name", "tool_name", "provider_id")]
            passed = table(data, "tool_parameters").items()
            inputs = {key: _value(each, references) for key, each in passed if isinstance(each, dict)}
            yield FlowCall(node=node, names=tuple(filter(None, names)) or (node,), inputs=inputs)
