"""What a Dify app does that a task graph cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.workloads.importers.agent_flow import NO_CODE, OWN_PROMPTS, FlowLoss, request_loss
from pytest_swarm.workloads.importers.dify_references import DifyReferences, assignments
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text

_NODES: Final[Mapping[str, str]] = {
    "tool": "tools are not called",
    "knowledge-retrieval": "nothing is stored or retrieved",
    "knowledge-index": "nothing is stored or retrieved",
    "datasource": "nothing is stored or retrieved",
    "code": NO_CODE,
    "document-extractor": "documents are not read",
    "list-operator": "lists are not filtered or sorted",
    "assigner": "variables are not assigned",
    "iteration": "iterations run once, with the whole list",
    "loop": "loops run once",
    "answer": "replies are not sent",
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
        yield FlowLoss(reason="texts are not moderated", what="sensitive_word_avoidance")


def _computes(data: JsonTable) -> bool:
    """Return whether an assigner node does something else than to write values of other nodes."""
    items = tables(data, "items")
    return any(text(row, "operation") not in ("over-write", "append", "extend") for row in items) or (
        len(assignments(data)) < len(items)
    )


def _of_step(node: str, title: str, data: JsonTable) -> Iterator[FlowLoss]:
    strategy = text(data, "agent_strategy_name").lower()
    is_guided = bool(strategy) and not strategy.startswith("function")  # function calling adds no words
    if is_guided or text(data, "type") in ("question-classifier", "parameter-extractor"):
        yield FlowLoss(reason=OWN_PROMPTS, what=f"{title} ({text(data, 'type')})", nodes=(node,))
    agent = table(data, "agent_parameters", "model", "value")
    settings = [*table(data, "model", "completion_params"), *table(agent, "completion_params")]
    if settings:
        reason = "settings of models are not sent"
        yield FlowLoss(reason=reason, what=f"{title} ({', '.join(settings)})", nodes=(node,))
    others = [key for key, value in table(data, "agent_parameters").items() if key not in _AGENT_CARRIED and value]
    if others:
        reason = "parameters of agents are not sent"
        yield FlowLoss(reason=reason, what=f"{title} ({', '.join(others)})", nodes=(node,))
    tools = at(data, "agent_parameters", "tools", "value")
    if isinstance(tools, list) and tools:
        names = [first_text(tool, "tool_label", "tool_name", "provider_name") or "unnamed" for tool in tools]
        yield FlowLoss(reason="tools are not called", what=f"{title} ({', '.join(names)})", nodes=(node,))
    if isinstance(data.get("memory"), dict):
        yield FlowLoss(reason="memories are not kept", what=title, nodes=(node,))
    if at(data, "vision", "enabled") is True:
        yield FlowLoss(reason="images and files are not sent", what=title, nodes=(node,))
    if data.get("structured_output_enabled") is True or table(data, "structured_output", "schema"):
        yield FlowLoss(reason="structured output is not asked for", what=title, nodes=(node,))
