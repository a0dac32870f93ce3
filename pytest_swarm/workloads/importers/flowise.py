"""Flowise (JSON): agent flows of the second generation. Chat flows and sequential agents are in `flowise_chains`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    AgentFlow,
    Conversation,
    FlowCall,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    is_blank,
    joined,
    labeled,
)
from pytest_swarm.workloads.importers.flow_rows import by_id, edge_rows, rows_at
from pytest_swarm.workloads.importers.flowise_chains import CHAIN_KINDS, MODEL_KEYS, ChainReader
from pytest_swarm.workloads.importers.flowise_losses import flowise_losses
from pytest_swarm.workloads.importers.flowise_references import CALL_KIND, STEP_PREFIXES, FlowiseReferences
from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, tables, text

_QUESTION: Final = "{{ question }}"
_NOTE: Final = "stickyNote"
_STARTS: Final = ("startAgentflow", "seqStart")


def is_flowise(document: Json) -> bool:
    """Return whether the document is a flow of Flowise."""
    rows = tables(document, "nodes")
    return any("inputs" in table(row, "data") and text(row, "data", "name") for row in rows)


def read_flowise(document: Json, *, name: str) -> AgentFlow:
    """Return a flow of Flowise, of any of its three generations.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.

    Raises:
        GraphError: Where an edge or a loop leads to a node that does not exist.
    """
    rows = by_id(row for row in rows_at(document, "nodes") if _kind(row) and _NOTE not in _kind(row))
    edges = edge_rows(document, "edges")
    references = FlowiseReferences(rows)
    chains = ChainReader(rows, edges, references)
    return AgentFlow(
        name=first_text(document, "name", "chatflowName").strip() or name,
        calls=tuple(_calls(rows, references)),
        called=tuple(filter(None, (text(document, "id"), text(document, "name").strip()))),
        nodes=tuple(_node(node, row, references, chains) for node, row in rows.items()),
        links=(*_links(edges, rows, chains), *_loops(rows, chains)),
        losses=(*references.memo.losses, *flowise_losses(rows, edges)),
        starts=tuple(node for node, row in rows.items() if _kind(row) in _STARTS),
    )


def _kind(row: JsonTable) -> str:
    return text(row, "data", "name")


def _node(node: str, row: JsonTable, references: FlowiseReferences, chains: ChainReader) -> FlowNode:
    kind, container = _kind(row), text(row, "parentNode")
    inputs = table(row, "data", "inputs")
    step: LlmStep | None = None
    if kind in STEP_PREFIXES:
        step = _step(STEP_PREFIXES[kind], inputs, references.of(node))
    elif chains.is_step(node):
        step = chains.step(node)
    own = first_text(inputs, CHAIN_KINDS[kind]) if kind in CHAIN_KINDS else ""
    name = own or text(row, "data", "label").strip() or node
    return FlowNode(id=node, name=name, step=step, container=container or None)


def _step(prefix: str, inputs: JsonTable, references: FlowiseReferences) -> LlmStep:
    config = table(inputs, f"{prefix}ModelConfig")
    model = first_text(config, *MODEL_KEYS)
    if prefix == "conditionAgent":
        scenarios = [text(row, "scenario") for row in tables(inputs, "conditionAgentScenarios")]
        ask: Parts = (f"Answer with the one of these scenarios that fits: {'; '.join(filter(None, scenarios))}",)
        system = joined([references.parts(text(inputs, "conditionAgentInstructions")), ask])
        prompt = references.parts(text(inputs, "conditionAgentInput") or _QUESTION)
        opening = references.question()
        return LlmStep(system=system, prompt=prompt, model=model or None, opening=opening, speaks_as=None)
    said = [
        (text(row, "role") or "user", references.parts(text(row, "content")))
        for row in tables(inputs, f"{prefix}Messages")
    ]
    system = joined(parts for role, parts in said if role in ("system", "developer"))
    own = [(role, parts) for role, parts in said if role not in ("system", "developer")]
    has_roles = any(role == "assistant" and not is_blank(parts) for role, parts in own)
    users = [parts for role, parts in said if role == "user" and not is_blank(parts)]
    user = references.parts(text(inputs, f"{prefix}UserMessage"))
    has_memory = inputs.get(f"{prefix}EnableMemory") is True
    is_off = inputs.get(f"{prefix}EnableMemory") is False  # then the user's message is hidden, and is not sent
    asked = labeled(own)
    if has_memory or (is_off and not users):
        asked.append((Conversation(recalls=has_memory, has_roles=has_roles),))
    if not is_off or (is_blank(system) and not own):
        is_asked = not is_blank(user) or bool(asked) or is_blank(system)
        last = user if is_asked else references.question()
        asked.append(("user: ", *last) if has_roles and not is_blank(last) else last)
    return LlmStep(
        system=system,
        prompt=joined(asked),
        model=model or None,
        opening=references.question() if has_memory or not users else joined(users),
        speaks_as="assistant" if text(inputs, f"{prefix}ReturnResponseAs") == "assistantMessage" else "user",
    )


def _links(edges: list[JsonTable], rows: dict[str, JsonTable], chains: ChainReader) -> Iterator[FlowLink]:
    for edge in edges:
        source, target = text(edge, "source"), text(edge, "target")
        if chains.is_control(edge):
            branch = _branch(rows.get(source, {}), text(edge, "sourceHandle"))
            yield FlowLink(source=source, target=target, branch=branch)


def _branch(row: JsonTable, handle: str) -> str | None:
    """Return the name of a way out: a scenario, `proceed` or `reject`, the number of a condition, or `else`."""
    kind, inputs = _kind(row), table(row, "data", "inputs")
    output = handle.partition("-output-")[2]
    if kind in ("seqCondition", "seqConditionAgent"):
        return output.partition("-")[0] or None
    if not output.isdecimal():
        return None
    names: list[str] = []
    if kind == "conditionAgentAgentflow":
        names = [text(each, "scenario") for each in tables(inputs, "conditionAgentScenarios")]
    elif kind == "humanInputAgentflow":
        names = ["proceed", "reject"]
    elif kind == "conditionAgentflow":
        conditions = tables(inputs, "conditions")
        names = [str(number) for number in range(len(conditions))] + ["else"]
    return names[int(output)] if int(output) < len(names) and names[int(output)] else output


def _loops(rows: dict[str, JsonTable], chains: ChainReader) -> Iterator[FlowLink]:
    """Yield the links of loop nodes, which are in their inputs and not among the edges."""
    for node, row in rows.items():
        if _kind(row) == "loopAgentflow":
            target = text(row, "data", "inputs", "loopBackToNode").partition("-")[0]
            if target:
                yield FlowLink(source=node, target=target)
        elif _kind(row) == "seqLoop" and (found := chains.named(text(row, "data", "inputs", "loopToName"))):
            yield FlowLink(source=node, target=found)


def _calls(rows: dict[str, JsonTable], references: FlowiseReferences) -> Iterator[FlowCall]:
    """Yield the calls of other flows; what they pass is the question there."""
    for node, row in rows.items():
        if _kind(row) == CALL_KIND:
            inputs = table(row, "data", "inputs")
            asked = references.of(node).parts(text(inputs, "executeFlowInput") or _QUESTION)
            label = text(row, "data", "label").strip()
            names = (text(inputs, "executeFlowSelectedFlow") or label or node,)
            yield FlowCall(node=node, names=names, inputs={QUESTION: asked})
