"""Nodes of an n8n workflow by name, and how they are connected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json, shown
from pytest_swarm.workloads.importers.json_values import JsonTable, table, text

MAIN: Final = "main"
MODEL_KIND: Final = "ai_languageModel"
GUARDRAILS: Final = "guardrails"
_TRIGGER: Final = "Trigger"  # ends the kinds of most nodes that start a workflow
_TRIGGERS: Final = ("webhook", "start", "cron", "interval", "emailReadImap")
_ROOT_KINDS: Final = frozenset(
    {
        *("agent", "chainLlm", "chainSummarization", "chainRetrievalQa", "informationExtractor"),
        *("textClassifier", "sentimentAnalysis", "openAiAssistant"),
    }
)
_VENDOR_KINDS: Final = frozenset(
    {"openAi", "anthropic", "googleGemini", "ollama", "alibabaCloud", "minimax", "moonshot"}
)
_BASE_VENDORS: Final = ("n8n-nodes-base.openAi", "n8n-nodes-base.perplexity")
EXPRESSION: Final = "{{"
_MODEL_CHECKS: Final = ("jailbreak", "nsfw", "topicalAlignment", "custom")  # guardrails that ask a model
_ASKING: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("", "message", "response", "complete", "edit"),
    "chat": ("", "complete", "message"),
    "agent": ("", "createResponse"),
    "assistant": ("", "message"),
    "image": ("analyze",),
    "document": ("", "analyze"),
    "video": ("", "analyze"),
    "audio": ("analyze",),
}
"""Operations of a vendor's node that ask a model for a text, by resource; one that is not written is the usual one."""


def kind_of(row: JsonTable) -> str:
    """Return the kind of a node: its type without the package."""
    return text(row, "type").rsplit(".", 1)[-1]


def is_trigger(row: JsonTable) -> bool:
    """Return whether a node starts the workflow."""
    return kind_of(row).endswith(_TRIGGER) or kind_of(row) in _TRIGGERS


def _asks_by_kind(row: JsonTable) -> bool:
    """Return whether a node asks a model for a text by its kind; one that draws, speaks or stores does not."""
    if "langchain" not in text(row, "type"):
        return text(row, "type") in _BASE_VENDORS and _asks_for_text(row)
    return kind_of(row) in _ROOT_KINDS or (kind_of(row) in _VENDOR_KINDS and _asks_for_text(row))


def model_checks(row: JsonTable) -> tuple[str, ...]:
    """Return the checks of a guardrails node that ask a model; the others only look for patterns."""
    if text(row, "parameters", "operation") == "sanitize":
        return ()
    return tuple(each for each in _MODEL_CHECKS if each in table(row, "parameters", "guardrails"))


SYSTEM_OPTIONS: Final = (
    *("systemMessage", "systemPromptTemplate", "system", "instructions"),  # of agents and chains, Anthropic, OpenAI
    *("prefix", "prefixPrompt"),  # of agents that reason and act, or query a database
)
"""Options that hold a system prompt; a node has one of them."""
USER_OPTIONS: Final = ("humanMessage", "humanMessageTemplate")  # of agents that converse, or reason and act
"""Options that hold the user's message, with a place for the text."""


def resource_of(row: JsonTable) -> str:
    """Return what a vendor's node works on: text, where it does not say."""
    return text(row, "parameters", "resource") or "text"


def named_model(row: JsonTable) -> str:
    """Return the model that a node names itself, or the expression that computes it; empty for none."""
    parameters = table(row, "parameters")
    for key in ("modelId", "model", "modelName", "chatModel"):
        found = parameters.get(key)
        name = text(found, "value") if isinstance(found, dict) else text(parameters, key)
        if name := name.strip().removeprefix("=").strip():
            return name
    return ""


def _asks_for_text(row: JsonTable) -> bool:
    resource, operation = resource_of(row), text(row, "parameters", "operation")
    if resource == "image" and not operation and kind_of(row) in ("anthropic", "ollama", "moonshot"):
        return True  # these can only look at images
    return operation in _ASKING.get(resource, ())


class N8nNodes:
    """The nodes of one workflow. `main` are the control connections: (source, number of the output, target).

    Of several nodes with one name the last counts, as in n8n; `repeated` are these names.

    Args:
        rows: The nodes.
        connections: The table `connections`.

    Raises:
        GraphError: For a connection from or to a node that does not exist.
    """

    def __init__(self, rows: list[JsonTable], connections: JsonTable) -> None:
        self.by_name = {text(row, "name"): row for row in rows}
        self.repeated = tuple(name for name, count in Counter(text(row, "name") for row in rows).items() if count > 1)
        self.main: list[tuple[str, int, str]] = []
        self._helpers: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self._users: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._parents: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._outputs: dict[str, int] = {}
        for source, kind, output, row in _connections(connections):
            self._connect(source, kind, output, row)

    def _connect(self, source: str, kind: str, output: int, row: JsonTable) -> None:
        target, number = text(row, "node"), row.get("index")
        index = number if isinstance(number, int) else 0
        for name in (source, target):
            if name not in self.by_name:
                raise GraphError(
                    f"'connections' names the node {name!r}, which does not exist; n8n connects by the names of nodes: "
                    "import the file into n8n, mend its connections, and export it again"
                )
        if kind == MAIN:
            self.main.append((source, output, target))
            self._parents[target].append((index, source))
            self._outputs[source] = max(output, self._outputs.get(source, 0))
        else:
            self._helpers[target, kind].append((index, source))
            self._users[source].append((kind, target))

    def is_step(self, name: str) -> bool:
        """Return whether a node asks a model for a text. A disabled one does not, nor a helper of another node.

        Kinds that are not known here are steps where a model hangs on them, and they lie on a way of control.
        """
        row = self.by_name[name]
        if row.get("disabled") is True:
            return False
        if kind_of(row) == GUARDRAILS:
            return bool(model_checks(row))
        has_model = bool(self.helpers(name, MODEL_KIND)) and not self.roles(name) and self.is_on_way(name)
        return _asks_by_kind(row) or has_model

    def parents(self, name: str) -> tuple[str, ...]:
        """Return the nodes whose items a node gets, each once, in the order of its inputs."""
        return tuple(dict.fromkeys(source for _, source in self.inputs(name)))

    def inputs(self, name: str) -> tuple[tuple[int, str], ...]:
        """Return number of the input and node before it, of each connection that leads to a node, in their order."""
        return tuple(sorted(self._parents.get(name, ()), key=lambda each: each[0]))

    def helpers(self, name: str, kind: str) -> tuple[str, ...]:
        """Return the nodes that are attached to a node, in the order of its inputs.

        Args:
            name: The node.
            kind: The kind of the connection, such as `ai_languageModel`.
        """
        return tuple(helper for _, helper in sorted(self._helpers.get((name, kind), ()), key=lambda each: each[0]))

    def roles(self, name: str) -> tuple[str, ...]:
        """Return the kinds of connections by which a node is attached to others, such as `ai_tool`; none for most."""
        return tuple(dict.fromkeys(kind for kind, _ in self._users.get(name, ())))

    def users(self, name: str) -> tuple[str, ...]:
        """Return the nodes that a helper serves in the end, through other helpers."""
        found: dict[str, None] = {}
        todo, seen = [name], {name}
        while todo:
            for _, user in self._users.get(todo.pop(), ()):
                found |= {} if user in self._users and not self.is_on_way(user) else {user: None}
                if user not in seen:
                    seen.add(user)
                    todo.append(user)
        return tuple(found)

    def is_on_way(self, name: str) -> bool:
        """Return whether a node has a control connection."""
        return name in self._parents or name in self._outputs

    def last_output(self, name: str) -> int:
        """Return the highest number of a connected output of a node."""
        return self._outputs.get(name, 0)


def _connections(connections: JsonTable) -> Iterator[tuple[str, str, int, JsonTable]]:
    """Yield source, kind, number of the output, and target's row of each connection.

    An output is a list of rows, one row, or null.

    Raises:
        GraphError: For anything else: a connection that counted as missing would make a wrong graph.
    """
    for source, kinds in connections.items():
        if not isinstance(kinds, dict):
            raise _wrong(source, kinds)
        for kind, outputs in kinds.items():
            if not isinstance(outputs, list | None):
                raise _wrong(source, outputs)
            for output, rows in enumerate(outputs or ()):
                for row in rows if isinstance(rows, list) else [rows]:
                    if isinstance(row, dict):
                        yield source, kind, output, row
                    elif row is not None:
                        raise _wrong(source, row)


def _wrong(source: str, found: Json) -> GraphError:
    return GraphError(f"'connections' of node {source!r} hold {shown(found)} where a table was expected")
