"""n8n workflows (JSON): nodes, main connections, and the nodes that ask a model as LLM steps.

Connections of other kinds attach a helper to its user: a model, a memory, a tool, a parser. Only models are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pytest_swarm.domain.task import TaskType
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    AgentFlow,
    FlowCall,
    FlowLink,
    FlowNode,
    LlmStep,
    Parts,
    joined,
    labeled,
    limited,
)
from pytest_swarm.workloads.importers.flow_rows import rows_at
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text
from pytest_swarm.workloads.importers.n8n_expressions import N8nExpressions
from pytest_swarm.workloads.importers.n8n_losses import n8n_losses
from pytest_swarm.workloads.importers.n8n_nodes import (
    EXPRESSION,
    GUARDRAILS,
    MODEL_KIND,
    SYSTEM_OPTIONS,
    USER_OPTIONS,
    N8nNodes,
    is_trigger,
    kind_of,
    model_checks,
    named_model,
)

_CHAT_INPUT: Final = "={{ $json.chatInput }}"
_OLD_CHAT_INPUT: Final = "={{ $json.chat_input }}"
_OLDEST_CHAT_INPUT: Final = "={{ $json.input }}"
_CHAT_INPUTS: Final[Mapping[tuple[str, str], str]] = {  # what older versions of a node take where no text is written
    **dict.fromkeys((("agent", "1"), ("chainLlm", "1"), ("chainRetrievalQa", "1")), _OLDEST_CHAT_INPUT),
    **dict.fromkeys((("agent", "1.1"), ("chainRetrievalQa", "1.1")), _OLD_CHAT_INPUT),
    **dict.fromkeys((("chainLlm", "1.1"), ("chainLlm", "1.2")), _OLD_CHAT_INPUT),
}
_VENDOR_ROLES: Final = {"developer": "system", "model": "assistant"}
_VENDOR_MESSAGES: Final = (
    ("messages",),
    ("messages", "values"),
    ("responses", "values"),
    ("messages", "messages"),
    ("messages", "message"),
    ("prompt", "messages"),
)
_CHAIN_ROLES: Final = (("System", "system"), ("AI", "assistant"))
_TAKING_CHAT: Final = ("agent", "chainLlm", "chainRetrievalQa", "openAiAssistant")
_INPUT: Final = "{input}"  # in the message of an agent; doubled braces in it are single ones
_STEPS_SO_FAR: Final = "{agent_scratchpad}"  # of an agent, and none at the first call
_SUMMARY: Final = 'Write a concise summary of the following:\n\n\n"{text}"\n\n\nCONCISE SUMMARY:'
MAX_MODEL_DEPTH: Final = 5  # selectors of models between a step and its model


def is_n8n(document: Json) -> bool:
    """Return whether the document is one workflow of n8n."""
    return isinstance(document, dict) and isinstance(document.get("nodes"), list) and "connections" in document


def read_n8n(document: Json, *, name: str) -> AgentFlow:
    """Return one workflow of n8n.

    Args:
        document: The parsed file.
        name: Name of the workflow where the file has none.

    Raises:
        GraphError: Where the connections name a node that does not exist.
    """
    every = rows_at(document, "nodes")
    rows = [row for row in every if text(row, "name") and kind_of(row) != "stickyNote"]
    nodes = N8nNodes(rows, table(document, "connections"))
    expressions = N8nExpressions(nodes)
    return AgentFlow(
        name=text(document, "name").strip() or name,
        nodes=tuple(_node(name, row, nodes, expressions) for name, row in nodes.by_name.items()),
        links=tuple(_links(nodes)),
        losses=(*expressions.memo.losses, *n8n_losses(nodes)),
        calls=tuple(_calls(nodes, expressions)),
        called=tuple(filter(None, (text(document, "id"), text(document, "name").strip()))),
        starts=tuple(_starts(nodes)),
    )


def _node(name: str, row: JsonTable, nodes: N8nNodes, expressions: N8nExpressions) -> FlowNode:
    return FlowNode(
        id=name, name=name.strip(), step=_step(row, nodes, expressions.of(name)) if nodes.is_step(name) else None
    )


def _step(row: JsonTable, nodes: N8nNodes, expressions: N8nExpressions) -> LlmStep:
    name, kind, parameters = text(row, "name"), kind_of(row), table(row, "parameters")

    def read(value: str) -> Parts:
        return expressions.parts(value, name)

    said = [*_chain_messages(parameters), *_vendor_messages(parameters)]
    own = first_text(table(parameters, "options"), *SYSTEM_OPTIONS)
    labels = _labels(kind, parameters, read)
    system = joined(
        [*(read(each) for role, each in said if role == "system"), _placed(own, "{categories}", labels, read)]
    )
    asked = [(role, read(each)) for role, each in said if role != "system"]
    kind_type: str | None = None
    if kind == "chainSummarization":
        kind_type = TaskType.SUMMARIZE
        values = table(parameters, "options", "summarizationMethodAndPrompts", "values")
        instruction = first_text(values, "prompt", "combineMapPrompt") or _SUMMARY
        asked.append(("user", _filled(instruction, "{text}", read("={{ $json }}"), read)))
    else:
        message = first_text(table(parameters, "options"), *USER_OPTIONS).replace("{{input}}", _INPUT)
        given = read(_text(row, has_messages=bool(asked)))
        asked.append(("user", _filled(message.replace(_STEPS_SO_FAR, ""), _INPUT, given, read)))
    if ask := _checks(row, read) if kind == GUARDRAILS else _output_request(kind, parameters, labels, read):
        system = joined([system, ask])
        kind_type = TaskType.EXTRACTION if kind == "informationExtractor" else None
    prompt = joined(labeled(asked))
    return LlmStep(system=system, prompt=prompt, model=_model(row, nodes, MAX_MODEL_DEPTH), type=kind_type)


def _filled(template: str, place: str, given: Parts, read: Callable[[str], Parts]) -> Parts:
    """Return a template with what is given at its place, else behind it."""
    return _placed(template, place, given, read) if place in template else joined([read(template), given])


def _placed(template: str, place: str, given: Parts, read: Callable[[str], Parts]) -> Parts:
    """Return a template with what is given at each place of a name in braces."""
    first, *others = template.split(place)
    lead = "=" if template.startswith("=") else ""
    parts = [*read(first)]
    for piece in others:
        parts += (*given, *read(lead + piece))
    return limited(parts)


def _text(row: JsonTable, *, has_messages: bool) -> str:
    """Return the text that a step asks: its own, or the message of the chat where it takes that."""
    kind, parameters = kind_of(row), table(row, "parameters")
    keys = ("input",) if kind == "perplexity" else ("text", "inputText", "query", "prompt")
    if found := first_text(parameters, *keys):
        return found
    is_assistant = text(parameters, "resource") == "assistant"
    takes_chat = (kind in _TAKING_CHAT or is_assistant) and not has_messages
    if not takes_chat or text(parameters, "promptType") == "define":
        return ""
    return _CHAT_INPUTS.get((kind, text(row, "typeVersion").removesuffix(".0")), _CHAT_INPUT)


def _chain_messages(parameters: JsonTable) -> Iterator[tuple[str, str]]:
    """Yield role and text of the messages of a chain; they are system messages where they do not say."""
    for row in tables(parameters, "messages", "messageValues"):
        kind = text(row, "type") or "System"
        role = next((each for start, each in _CHAIN_ROLES if kind.startswith(start)), "user")
        yield role, text(row, "message")


def _vendor_messages(parameters: JsonTable) -> Iterator[tuple[str, str]]:
    """Yield role and text of the messages of a vendor's node; they are the user's where they do not say."""
    for path in _VENDOR_MESSAGES:
        for row in tables(parameters, *path):
            role = text(row, "role") or "user"
            yield _VENDOR_ROLES.get(role, role), text(row, "content")
    if text(parameters, "operation") == "edit":
        yield from (("user", text(parameters, key)) for key in ("instruction", "input"))


def _labels(kind: str, parameters: JsonTable, read: Callable[[str], Parts]) -> Parts:
    """Return the classes that a node chooses from."""
    if kind == "sentimentAnalysis":
        return read(_sentiments(parameters))
    return joined((read(text(row, "category")) for row in tables(parameters, "categories", "categories")), "; ")


def _sentiments(parameters: JsonTable) -> str:
    return text(parameters, "options", "categories") or "Positive, Neutral, Negative"


def _output_request(kind: str, parameters: JsonTable, labels: Parts, read: Callable[[str], Parts]) -> Parts:
    """Return what the node itself asks of the model: one of its classes, or fields to extract."""
    if kind == "informationExtractor":
        fields: list[Parts] = [
            ("- ", *read(text(row, "name")), f" ({text(row, 'type') or 'string'}): ", *read(text(row, "description")))
            for row in tables(parameters, "attributes", "attributes")
        ]
        schema = read(first_text(parameters, "inputSchema", "jsonSchemaExample"))
        return joined([("Extract from the text, and answer with one JSON object:",), *(fields or [schema])], "\n")
    if kind == "textClassifier":
        described = [
            ("- ", *read(text(row, "category")), ": ", *read(text(row, "description")))
            for row in tables(parameters, "categories", "categories")
            if text(row, "description").strip()
        ]
        return joined([("Answer with the one of these categories that fits: ", *labels), *described], "\n")
    return ("Answer with the sentiment of the text, one of: ", *labels) if kind == "sentimentAnalysis" else ()


def _checks(row: JsonTable, read: Callable[[str], Parts]) -> Parts:
    """Return what guardrails ask of the model: whether the text is what each of them forbids."""
    rows = table(row, "parameters", "guardrails")
    asked: list[Parts] = []
    for check in model_checks(row):
        own = tables(rows, check, "guardrail") or [table(rows, check, "value")]
        for each in own:
            name, rule = text(each, "name") or check, read(text(each, "prompt"))
            asked.append((f"- {name}: ", *rule) if rule else (f"- {name}",))
    return joined([("Answer pass, or fail where the text violates one of these rules:",), *asked], "\n")


def _model(row: JsonTable, nodes: N8nNodes, depth: int) -> str | None:
    """Return the model that a node names, or the one of the model node that hangs on it."""
    if name := named_model(row):
        return None if EXPRESSION in name else name
    for helper in nodes.helpers(text(row, "name"), MODEL_KIND) if depth else ():
        if name_of_helper := _model(nodes.by_name[helper], nodes, depth - 1):
            return name_of_helper
    return None


def _starts(nodes: N8nNodes) -> Iterator[str]:
    """Yield the triggers, and where there is one, the steps that are tools of others, which no control leads to."""
    triggers = [name for name, row in nodes.by_name.items() if is_trigger(row) and row.get("disabled") is not True]
    yield from triggers
    if triggers:
        yield from (name for name in nodes.by_name if nodes.is_step(name) and nodes.roles(name))


def _links(nodes: N8nNodes) -> Iterator[FlowLink]:
    for source, output, target in nodes.main:
        yield FlowLink(source=source, target=target, branch=_branch(nodes.by_name[source], output, nodes))
    starts = [name for name, row in nodes.by_name.items() if kind_of(row) == "executeWorkflowTrigger"]
    for name, row in nodes.by_name.items():
        if kind_of(row) == "executeWorkflow" and _calls_itself(row):
            yield from (FlowLink(source=name, target=start) for start in starts)


def _calls(nodes: N8nNodes, expressions: N8nExpressions) -> Iterator[FlowCall]:
    """Yield the calls of workflows in other files, with the values that they pass."""
    for node, row in nodes.by_name.items():
        if kind_of(row) == "executeWorkflow" and not _calls_itself(row) and row.get("disabled") is not True:
            called = at(row, "parameters", "workflowId")
            names = [text(called, "value"), text(called, "cachedResultName"), text(row, "parameters", "workflowId")]
            passed = table(row, "parameters", "workflowInputs", "value")
            inputs = {key: expressions.of(node).parts(text(passed, key), node) for key in passed}
            yield FlowCall(node=node, names=tuple(filter(None, names)) or (node,), inputs=inputs)


def _calls_itself(row: JsonTable) -> bool:
    called = at(row, "parameters", "workflowId")
    value = text(called, "value") if isinstance(called, dict) else text(row, "parameters", "workflowId")
    return "$workflow.id" in value


def _branch(row: JsonTable, output: int, nodes: N8nNodes) -> str | None:
    """Return the name of a way out; None where the node has one only."""
    kind, parameters = kind_of(row), table(row, "parameters")
    if row.get("onError") == "continueErrorOutput" and output and output == nodes.last_output(text(row, "name")):
        return "error"
    names: list[str] = []
    if kind == "if":
        names = ["true", "false"]
    elif kind == "splitInBatches":
        version = row.get("typeVersion")
        is_old = isinstance(version, int | float) and version < 3
        names = ["loop", "done"] if is_old else ["done", "loop"]
    elif kind == "switch":
        rules = tables(parameters, "rules", "values") or tables(parameters, "rules", "rules")
        names = [text(each, "outputKey") or str(place) for place, each in enumerate(rules)] + ["fallback"] * bool(rules)
    elif kind == GUARDRAILS:
        names = ["pass", "fail"] if text(parameters, "operation") != "sanitize" else []
    elif kind == "textClassifier":
        names = [text(each, "category") for each in tables(parameters, "categories", "categories")]
        names += ["other"] * (text(parameters, "options", "fallback") == "other")
    elif kind == "sentimentAnalysis" and EXPRESSION not in _sentiments(parameters):
        names = [each.strip() for each in _sentiments(parameters).split(",")]
    elif nodes.last_output(text(row, "name")) == 0:
        return None
    return names[output] if output < len(names) and names[output] else str(output)
