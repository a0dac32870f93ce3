"""What a Dify app does that a task graph cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.workloads.importers.dify_references import DifyReferences, assignments
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost, request_loss

_NODES: Final[Mapping[str, str]] = {
    "tool": Lost.TOOLS,
    **dict.fromkeys(("knowledge-retrieval", "knowledge-index", "datasource"), Lost.STORES),
    "code": Lost.CODE,
    "document-extractor": "documents are not read",
    "list-operator": "lists are not filtered or sorted",
    "assigner": "variables are not assigned",
    "iteration": Lost.ROUNDS,
    "loop": "loops run once",
    "answer": Lost.REPLIES,
}
_CARRIED: Final = frozenset(
    {
        *("start", "end", "llm", "agent", "parameter-extractor", "question-classifier", "if-else", "loop-end"),
        *("template-transform", "variable-aggregator", "variable-assigner", "iteration-start", "loop-start"),
    }
)
_AGENT_CARRIED: Final = ("instruction", "query", "model", "tools")
_RUNS_A_WORKFLOW: Final = "workflow"  # it is inlined, or listed as a call that cannot be


def dify_losses(references: DifyReferences) -> Iterator[FlowLoss]:
    """Yield what of an app is not carried over.

    Args:
        references: The app's document, its nodes, and what their variables stand for.
    """
    for node, row in references.rows.items():
        data = table(row, "data")
        kind, title = text(data, "type"), text(data, "title").strip() or node
        if kind == "assigner" and assignments(data) and not _computes(data) and references.hands_on(data):
            continue
        if kind == "http-request":
            yield request_loss(node, title, text(data, "url"))
        elif kind not in _CARRIED and text(data, "provider_type") != _RUNS_A_WORKFLOW:
            reason = _NODES.get(kind)
            shown = title if reason else f"{title} ({kind})"
            yield FlowLoss(reason=reason or "nodes of other kinds do nothing", what=shown, nodes=(node,))
        yield from _of_step(node, title, data)
    if at(references.document, "workflow", "features", "sensitive_word_avoidance", "enabled") is True:
        yield FlowLoss(reason=Lost.MODERATION, what="sensitive_word_avoidance")


def _computes(data: JsonTable) -> bool:
    """Return whether an assigner node does something else than to write values of other nodes."""
    items = tables(data, "items")
    return any(text(row, "operation") not in ("over-write", "append", "extend") for row in items) or (
        len(assignments(data)) < len(items)
    )


def _of_step(node: str, title: str, data: JsonTable) -> Iterator[FlowLoss]:
    strategy, kind = text(data, "agent_strategy_name").lower(), text(data, "type")
    is_guided = bool(strategy) and not strategy.startswith("function")  # function calling adds no words
    parameters = table(data, "agent_parameters")
    models = (table(data, "model"), table(parameters, "model", "value"))
    tools = at(parameters, "tools", "value")
    detailed = {
        Lost.OWN_PROMPTS: [kind] if is_guided or kind in ("question-classifier", "parameter-extractor") else [],
        Lost.SETTINGS: [key for model in models for key in table(model, "completion_params")],
        "parameters of agents are not sent": [
            key for key, value in parameters.items() if key not in _AGENT_CARRIED and value
        ],
        Lost.TOOLS: [
            first_text(tool, "tool_label", "tool_name", "provider_name") or "unnamed"
            for tool in (tools if isinstance(tools, list) else ())
        ],
    }
    flags = {
        Lost.MEMORY: isinstance(data.get("memory"), dict),
        Lost.FILES: at(data, "vision", "enabled") is True,
        Lost.STRUCTURE: data.get("structured_output_enabled") is True
        or bool(table(data, "structured_output", "schema")),
    }
    lost = [(reason, f"{title} ({', '.join(found)})") for reason, found in detailed.items() if found]
    lost += [(reason, title) for reason, is_lost in flags.items() if is_lost]
    yield from (FlowLoss(reason=reason, what=what, nodes=(node,)) for reason, what in lost)
