"""What a flow of Flowise does that a task graph cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.workloads.importers.flowise_chains import (
    CHAIN_KINDS,
    CODE_KINDS,
    GUIDED_KINDS,
    STEP_CATEGORIES,
    writes_state_by_code,
)
from pytest_swarm.workloads.importers.flowise_references import STEP_PREFIXES
from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, tables, text
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost, request_loss

_NODES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("toolAgentflow", "seqToolNode"), Lost.TOOLS),
    **dict.fromkeys(("customFunctionAgentflow", "seqCustomFunction", *CODE_KINDS), Lost.CODE),
    "retrieverAgentflow": Lost.STORES,
    "humanInputAgentflow": Lost.QUESTIONS,
    "directReplyAgentflow": Lost.REPLIES,
    "iterationAgentflow": Lost.ROUNDS,
    "seqState": "states are not kept",
}
_PARAMETERS: Final[Mapping[str, str]] = {  # of sequential agents
    "interrupt": Lost.QUESTIONS,
    **dict.fromkeys(("llmStructuredOutput", "conditionAgentStructuredOutput"), Lost.STRUCTURE),
    "updateStateMemoryCode": Lost.CODE,
}
_OWN_PROMPTS: Final = ("conditionAgentAgentflow", "seqConditionAgent", "supervisor", "worker", *GUIDED_KINDS)
_STORES: Final = ("Embeddings", "Vector Stores", "Document Loaders", "Text Splitters", "Retrievers", "Record Manager")
_CATEGORIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Tools", "Tools (MCP)"), Lost.TOOLS),
    "Memory": Lost.MEMORY,
    "Output Parsers": Lost.PARSERS,
    **dict.fromkeys(_STORES, Lost.STORES),
    "Response Synthesizer": "prompts that put answers of retrieval together are not sent",
    "Moderation": Lost.MODERATION,
    "Cache": "answers are not cached",
}
_LISTS: Final[Mapping[str, str]] = {
    "Tools": Lost.TOOLS,
    "KnowledgeDocumentStores": Lost.STORES,
    "KnowledgeVSEmbeddings": Lost.STORES,
    "StructuredOutput": Lost.STRUCTURE,
}
_SUMMARIES: Final = ("windowSize", "conversationSummary", "conversationSummaryBuffer")
SAMPLING: Final = (
    *("temperature", "topP", "topK", "maxTokens", "maxOutputTokens", "maxTokensToSample", "frequencyPenalty"),
    *("presencePenalty", "stopSequence", "numCtx", "repeatPenalty", "repeatLastN", "mirostat", "seed", "jsonMode"),
    *("maxCompletionTokens", "reasoningEffort", "extendedThinking", "budgetTokens", "thinkingBudget"),
)
"""Settings of a model that are not sent."""


def flowise_losses(rows: Mapping[str, JsonTable], edges: list[JsonTable]) -> Iterator[FlowLoss]:
    """Yield what of the nodes is not carried over.

    Args:
        rows: The nodes by their IDs.
        edges: The edges; a helper belongs to the nodes that it is wired to.
    """
    led_to: dict[str, list[str]] = {}
    for edge in edges:
        led_to.setdefault(text(edge, "source"), []).append(text(edge, "target"))
    for node, row in rows.items():
        kind, inputs = text(row, "data", "name"), table(row, "data", "inputs")
        label = text(row, "data", "label").strip() or node
        users = tuple(led_to.get(node, ()))
        reason = _NODES.get(kind) or _CATEGORIES.get(text(row, "data", "category"))
        if reason:
            own = kind in _NODES or not users
            yield FlowLoss(reason=reason, what=label, nodes=(node,) if own else users)
        if kind == "humanInputAgentflow" and text(inputs, "humanInputDescriptionType") == "dynamic":
            yield FlowLoss(reason="models that word a question for people are no steps", what=label, nodes=(node,))
        if kind == "httpAgentflow":
            yield request_loss(node, label, text(inputs, "url"))
        for key, why in _PARAMETERS.items():
            if inputs.get(key) not in (None, "", False, "[]") and _is_used(key, node, inputs):
                yield FlowLoss(reason=why, what=label, nodes=(node,))
        is_unknown = kind not in CHAIN_KINDS and text(row, "data", "category") in STEP_CATEGORIES
        if kind in _OWN_PROMPTS or is_unknown:
            yield FlowLoss(reason=Lost.OWN_PROMPTS, what=f"{label} ({kind})", nodes=(node,))
        if first_text(inputs, "modelName", "model") and (found := _sampling(inputs)):
            yield _sampling_loss(label, found, users or (node,))
        if kind in STEP_PREFIXES:
            yield from _of_step(STEP_PREFIXES[kind], node, label, inputs)


def _is_used(key: str, node: str, inputs: JsonTable) -> bool:
    """Return whether an input is the one that is shown, and no list: lists are those of newer flows."""
    if key == "updateStateMemoryCode":
        return writes_state_by_code(node, inputs)
    return not isinstance(inputs[key], list)


def _of_step(prefix: str, node: str, label: str, inputs: JsonTable) -> Iterator[FlowLoss]:
    for name, reason in _LISTS.items():
        if entries := tables(inputs, prefix + name):
            yield FlowLoss(reason=reason, what=f"{label} ({', '.join(map(_entry, entries))})", nodes=(node,))
    if found := _sampling(table(inputs, f"{prefix}ModelConfig")):
        yield _sampling_loss(label, found, (node,))
    memory = text(inputs, f"{prefix}MemoryType")
    if inputs.get(f"{prefix}EnableMemory") is True and memory in _SUMMARIES:
        reason = "the whole conversation is sent, not a part or summary of it"
        yield FlowLoss(reason=reason, what=f"{label} ({memory})", nodes=(node,))


def _entry(entry: JsonTable) -> str:
    """Return what an entry of a list is called: a tool, a store, a key."""
    named = first_text(entry, "key", "agentSelectedTool", "documentStore", "vectorStore", "embeddingModel")
    return named or next((text(entry, key) for key in entry if text(entry, key).strip()), "unnamed")


def _sampling(settings: JsonTable) -> str:
    return ", ".join(key for key in SAMPLING if settings.get(key) not in (None, "", False))


def _sampling_loss(label: str, found: str, nodes: tuple[str, ...]) -> FlowLoss:
    return FlowLoss(reason=Lost.SETTINGS, what=f"{label} ({found})", nodes=nodes)
