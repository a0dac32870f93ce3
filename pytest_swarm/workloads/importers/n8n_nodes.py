"""Nodes of an n8n workflow by name, and how they are connected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.json_values import JsonTable, text

MAIN: Final = "main"
ROOT_KINDS: Final = frozenset(
    {
        *("agent", "chainLlm", "chainSummarization", "openAi", "chainRetrievalQa", "informationExtractor"),
        *("textClassifier", "sentimentAnalysis", "openAiAssistant", "anthropic", "googleGemini", "ollama"),
    }
)


def kind_of(row: JsonTable) -> str:
    """Return the kind of a node: its type without the package."""
    return text(row, "type").rsplit(".", 1)[-1]


def is_llm_step(row: JsonTable) -> bool:
    """Return whether a node is a LangChain root node that asks a model. A disabled one is none."""
    return "langchain" in text(row, "type") and kind_of(row) in ROOT_KINDS and row.get("disabled") is not True


class N8nNodes:
    """The nodes of one workflow. `main` are the control connections: (source, number of the output, target).

    Args:
        rows: The nodes.
        connections: The table `connections`.

    Raises:
        GraphError: For two nodes of one name, and for a connection from or to a node that does not exist.
    """

    def __init__(self, rows: list[JsonTable], connections: JsonTable) -> None:
        self.by_name: dict[str, JsonTable] = {}
        for row in rows:
            if text(row, "name") in self.by_name:
                raise GraphError(f"two nodes have the name {text(row, 'name')!r}")
            self.by_name[text(row, "name")] = row
        self.main: list[tuple[str, int, str]] = []
        self._helpers: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self._attached: set[tuple[str, str]] = set()
        self._parents: dict[str, list[str]] = defaultdict(list)
        self._outputs: dict[str, int] = {}
        for source, kind, output, row in _connections(connections):
            self._connect(source, kind, output, row)

    def _connect(self, source: str, kind: str, output: int, row: JsonTable) -> None:
        target = text(row, "node")
        for name in (source, target):
            if name not in self.by_name:
                raise GraphError(f"'connections' names the node {name!r}, which does not exist")
        if kind == MAIN:
            self.main.append((source, output, target))
            self._parents[target].append(source)
            self._outputs[source] = max(output, self._outputs.get(source, 0))
        else:
            index = row.get("index")
            self._helpers[target, kind].append((index if isinstance(index, int) else 0, source))
            self._attached.add((source, kind))

    def parents(self, name: str) -> tuple[str, ...]:
        """Return the nodes whose items a node gets, each once."""
        return tuple(dict.fromkeys(self._parents.get(name, ())))

    def helpers(self, name: str, kind: str) -> tuple[str, ...]:
        """Return the nodes that are attached to a node, in the order of its inputs.

        Args:
            name: The node.
            kind: The kind of the connection, such as `ai_languageModel`.
        """
        return tuple(helper for _, helper in sorted(self._helpers.get((name, kind), ()), key=lambda each: each[0]))

    def is_helper(self, name: str, kind: str) -> bool:
        """Return whether a node is attached to another one.

        Args:
            name: The node.
            kind: The kind of the connection.
        """
        return (name, kind) in self._attached

    def last_output(self, name: str) -> int:
        """Return the highest number of a connected output of a node."""
        return self._outputs.get(name, 0)


def _connections(connections: JsonTable) -> Iterator[tuple[str, str, int, JsonTable]]:
    """Yield source, kind, number of the output, and target's row of each connection."""
    for source, kinds in connections.items():
        for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
            for output, rows in enumerate(outputs if isinstance(outputs, list) else ()):
                yield from ((source, kind, output, row) for row in _rows(rows))


def _rows(rows: Json) -> Iterator[JsonTable]:
    """Yield the tables of an output: a list of them, one of them, or null."""
    for row in rows if isinstance(rows, list) else [rows]:
        if isinstance(row, dict):
            yield row
