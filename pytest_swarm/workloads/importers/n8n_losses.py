"""What a workflow of n8n does that a task graph cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, tables, text
from pytest_swarm.workloads.importers.losses import FlowLoss, Lost, request_loss
from pytest_swarm.workloads.importers.n8n_items import CODE_KINDS
from pytest_swarm.workloads.importers.n8n_nodes import (
    EXPRESSION,
    GUARDRAILS,
    MODEL_KIND,
    SYSTEM_OPTIONS,
    USER_OPTIONS,
    N8nNodes,
    is_trigger,
    kind_of,
    named_model,
    resource_of,
)

_HELPERS: Final[Mapping[str, str]] = {
    "ai_tool": Lost.TOOLS,
    "ai_memory": Lost.MEMORY,
    "ai_outputParser": Lost.PARSERS,
    **dict.fromkeys(
        (f"ai_{each}" for each in ("embedding", "document", "textSplitter", "vectorStore", "retriever", "reranker")),
        Lost.STORES,
    ),
}
_ITEMS: Final = frozenset(
    {
        *("filter", "limit", "sort", "removeDuplicates", "splitOut", "aggregate", "summarize", "itemLists"),
        *("compareDatasets", "renameKeys"),
    }
)
_CONVERTING: Final = frozenset(
    {
        *("dateTime", "crypto", "markdown", "html", "htmlExtract", "xml", "extractFromFile", "convertToFile"),
        *("editImage", "compression", "moveBinaryData", "spreadsheetFile", "readPDF", "jwt", "totp"),
    }
)
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(CODE_KINDS, Lost.CODE),
    **dict.fromkeys(_ITEMS, "items are not filtered, sorted, split or collected"),
    **dict.fromkeys(_CONVERTING, "values are not converted"),
    "respondToWebhook": Lost.REPLIES,
    "respondToChat": Lost.REPLIES,
    "wait": "nothing waits",
    "stopAndError": "nothing is stopped",
    GUARDRAILS: "texts are not searched for patterns",
    "splitInBatches": "loops over items run once, with the whole list",
}
_CARRIED: Final = frozenset(
    {
        *("if", "switch", "merge", "set", "noOp", "executeWorkflow", "form", "textClassifier"),
        "stickyNote",
    }
)
_OWN_PROMPTS: Final = (
    *("informationExtractor", "textClassifier", "sentimentAnalysis", "chainRetrievalQa", "openAiAssistant"),
    GUARDRAILS,
)
_PARAMETERS: Final[Mapping[str, str]] = {
    "jsonOutput": Lost.STRUCTURE,
    "needsFallback": "fallback models are not asked",
    "threadId": Lost.MEMORY,
}
_SEEN: Final = ("image", "document", "video", "audio")  # resources that a step looks at or listens to
_OWN_OPTIONS: Final = frozenset(
    {
        *(*SYSTEM_OPTIONS, *USER_OPTIONS),
        *("summarizationMethodAndPrompts", "categories", "simplify"),
        *("maxIterations", "returnIntermediateSteps", "enableStreaming", "passthroughBinaryImages", "batching"),
    }
)


def n8n_losses(nodes: N8nNodes) -> Iterator[FlowLoss]:
    """Yield what of the nodes is not carried over."""
    for name in nodes.repeated:
        yield FlowLoss(reason="of several nodes with one name, the last counts", what=name)
    for name, row in nodes.by_name.items():
        kind, roles = kind_of(row), nodes.roles(name)
        if row.get("disabled") is True:
            yield FlowLoss(reason="disabled nodes are left out", what=name, nodes=nodes.users(name) or (name,))
            continue
        if nodes.is_step(name):
            yield from _of_step(row, name)
            if roles:
                yield FlowLoss(reason=Lost.TOOLS, what=name, nodes=nodes.users(name))
        elif MODEL_KIND in roles or kind.startswith("lm"):
            yield from _of_settings(row, name, nodes.users(name) or (name,))
            if nodes.is_on_way(name):
                yield FlowLoss(reason="models that stand in the line of steps are not asked", what=name, nodes=(name,))
        elif roles:
            reason = next((_HELPERS[role] for role in roles if role in _HELPERS), "helpers are not used")
            yield FlowLoss(reason=reason, what=name, nodes=(*nodes.users(name), *_on_way(nodes, name)))
        elif kind == "httpRequest":
            yield request_loss(name, name, text(row, "parameters", "url"))
        elif kind not in _CARRIED and not is_trigger(row):
            reason = _KINDS.get(kind, "services are not called")
            shown = name if kind in _KINDS else f"{name} ({kind})"
            yield FlowLoss(reason=reason, what=shown, nodes=(name,))


def _of_step(row: JsonTable, name: str) -> Iterator[FlowLoss]:
    yield from _of_settings(row, name, (name,))
    if kind_of(row) in CODE_KINDS:
        yield FlowLoss(reason=Lost.CODE, what=name, nodes=(name,))
    if _has_own_prompt(row):
        yield FlowLoss(reason=Lost.OWN_PROMPTS, what=f"{name} ({kind_of(row)})", nodes=(name,))
    if kind_of(row) == "chainSummarization":
        yield FlowLoss(reason="texts are summarized as a whole, not in parts", what=name, nodes=(name,))
    messages = tables(row, "parameters", "messages", "messageValues")
    if resource_of(row) in _SEEN or any(text(each, "messageType").startswith("image") for each in messages):
        yield FlowLoss(reason=Lost.FILES, what=name, nodes=(name,))
    for key, reason in _PARAMETERS.items():
        if table(row, "parameters").get(key):
            yield FlowLoss(reason=reason, what=f"{name} ({key})", nodes=(name,))


def _has_own_prompt(row: JsonTable) -> bool:
    """Return whether n8n, or the assistant of a vendor, puts a prompt of its own before the step's or into its text."""
    options = table(row, "parameters", "options")
    is_bare_agent = kind_of(row) == "agent" and not text(options, "systemMessage")
    return (
        is_bare_agent
        or bool(first_text(options, *USER_OPTIONS))
        or kind_of(row) in _OWN_PROMPTS
        or resource_of(row) == "assistant"
    )


def _on_way(nodes: N8nNodes, name: str) -> tuple[str, ...]:
    """Return the node itself where it is not only a helper, but on a way of control too."""
    return (name,) if nodes.is_on_way(name) else ()


def _of_settings(row: JsonTable, name: str, nodes: tuple[str, ...]) -> Iterator[FlowLoss]:
    options = table(row, "parameters", "options")
    if EXPRESSION in named_model(row):
        yield FlowLoss(reason="the model is computed, and so unknown", what=name, nodes=nodes)
    if found := [key for key, value in options.items() if value not in (None, "", {}, []) and key not in _OWN_OPTIONS]:
        what = f"{name} ({', '.join(found)})"
        yield FlowLoss(reason=Lost.SETTINGS, what=what, nodes=nodes)
