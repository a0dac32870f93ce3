"""The DOT language (https://graphviz.org/doc/info/lang.html), by a parser of our own.

pydot leaves to its caller what takes the most work here: default attributes, ports, and subgraphs as ends of edges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import AgentFlow
from pytest_swarm.workloads.importers.plain_graphs import NO_DIRECTION, PlainGraph

MAX_NESTING: Final = 50  # subgraphs within subgraphs
_TOKEN: Final = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\#[^\n]*)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<word>-?(?:\.\d+|\d+(?:\.\d*)?)|[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)
      | (?P<mark>->|--|[{}\[\];,=:+])""",
    re.DOTALL | re.VERBOSE,
)
_KEYWORDS: Final = ("node", "edge", "graph")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "l": "\n", "r": "\n", '"': '"', "\\": "\\", "\n": ""}


@dataclass(frozen=True, slots=True)
class _Token:
    """One token: its text, its kind (word, quoted, html, mark or end), and its line."""

    text: str
    kind: str
    line: int


def read_dot(source: str, *, name: str) -> AgentFlow:
    """Return the graph of a DOT text.

    Args:
        source: The text.
        name: Name of the graph where the file has none.

    Raises:
        GraphError: Where the text is not DOT, or the graph is undirected.
    """
    return _Parser(list(_tokens(source)), name).graph().flow()


def _tokens(source: str) -> Iterator[_Token]:
    place, line = 0, 1
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is not None:
            kind, text = match.lastgroup or "", match[0]
            if kind == "quoted":
                yield _Token(_unquoted(text), kind, line)
            elif kind != "skip":
                yield _Token(text, kind, line)
        elif source[place] == "<":
            text = _html(source, place, line)
            yield _Token(text[1:-1], "html", line)
        else:
            raise GraphError(f"line {line}: unexpected {source[place]!r}")
        place += len(text)
        line += text.count("\n")
    yield _Token("the end", "end", line)


def _html(source: str, place: int, line: int) -> str:
    depth = 0
    for end in range(place, len(source)):
        depth += {"<": 1, ">": -1}.get(source[end], 0)
        if depth == 0:
            return source[place : end + 1]
    raise GraphError(f"line {line}: '<' is not closed")


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), text[1:-1])


@dataclass(slots=True)
class _Parser:
    """Parses the tokens of one graph."""

    tokens: list[_Token]
    name: str
    place: int = 0
    found: PlainGraph = field(init=False)

    def graph(self) -> PlainGraph:
        """Return the graph: `[strict] digraph [name] { ... }`."""
        if self._is_word("strict"):
            self.place += 1
        if self._is_word("graph"):
            raise GraphError(NO_DIRECTION)
        if not self._is_word("digraph"):
            raise self._unexpected("'digraph'")
        self.place += 1
        self.found = PlainGraph(self._id() if self._at().kind in ("word", "quoted", "html") else self.name)
        self.found.name = self.found.name.strip() or self.name
        self._block({}, 0)
        if self._at().kind != "end":
            raise self._unexpected("the end of the file")
        return self.found

    def _block(self, defaults: dict[str, Json], depth: int) -> list[str]:
        """Read `{ statements }` and return the nodes that occur in it, each once."""
        if depth > MAX_NESTING:
            raise GraphError(f"line {self._at().line}: subgraphs are nested too deeply")
        self._take("{")
        nodes: dict[str, None] = {}
        own = dict(defaults)
        while not self._skip("}"):
            if not self._skip(";"):
                nodes |= dict.fromkeys(self._statement(own, depth))
        return list(nodes)

    def _statement(self, defaults: dict[str, Json], depth: int) -> list[str]:
        """Read one statement and return its nodes; `node [...]` changes the defaults of what follows."""
        token, following = self._at(), self._at(1)
        if token.kind == "word" and token.text.lower() in _KEYWORDS and following.text == "[":
            self.place += 1
            attributes = self._attributes()
            if token.text.lower() == "node":
                defaults |= attributes
            return []
        if token.kind != "mark" and following.kind == "mark" and following.text == "=":
            self._id()
            self._take("=")
            self._id()
            return []
        ends = [self._end(defaults, depth)]
        while self._at().kind == "mark" and self._at().text in ("->", "--"):
            if self._at().text == "--":
                raise GraphError(f"line {self._at().line}: '--' is an edge without direction in a directed graph")
            self.place += 1
            ends.append(self._end(defaults, depth))
        attributes = self._attributes()
        if len(ends) == 1 and attributes:
            for node in ends[0]:
                self.found.nodes[node] |= attributes
        self.found.edges += [(a, b) for left, right in pairwise(ends) for a in left for b in right]
        return list(dict.fromkeys(node for end in ends for node in end))

    def _end(self, defaults: dict[str, Json], depth: int) -> list[str]:
        """Read an end of an edge: nodes with or without ports, or a subgraph."""
        if self._is_word("subgraph"):
            self.place += 1
            if self._at().text != "{" or self._at().kind != "mark":
                self._id()
            return self._block(defaults, depth + 1)
        if self._at().kind == "mark" and self._at().text == "{":
            return self._block(defaults, depth + 1)
        nodes: list[str] = []
        while not nodes or self._skip(","):
            nodes.append(self._id())
            while self._skip(":"):
                self._id()
            self.found.nodes.setdefault(nodes[-1], dict(defaults))
        return nodes

    def _attributes(self) -> dict[str, Json]:
        """Read any number of `[key=value, ...]`."""
        found: dict[str, Json] = {}
        while self._skip("["):
            while not self._skip("]"):
                key = self._id()
                found[key] = self._id() if self._skip("=") else "true"
                if not self._skip(","):
                    self._skip(";")
        return found

    def _id(self) -> str:
        """Read a name or value; quoted texts may be joined by `+`."""
        token = self._at()
        if token.kind not in ("word", "quoted", "html"):
            raise self._unexpected("a name")
        self.place += 1
        text = token.text
        while token.kind == "quoted" and self._at().text == "+" and self._at(1).kind == "quoted":
            text += self._at(1).text
            self.place += 2
        return text

    def _at(self, ahead: int = 0) -> _Token:
        return self.tokens[min(self.place + ahead, len(self.tokens) - 1)]

    def _is_word(self, word: str) -> bool:
        return self._at().kind == "word" and self._at().text.lower() == word

    def _skip(self, mark: str) -> bool:
        """Read the mark and return True where it comes next."""
        if self._at().kind == "end":
            raise self._unexpected("'}'")
        if self._at().kind != "mark" or self._at().text != mark:
            return False
        self.place += 1
        return True

    def _take(self, mark: str) -> None:
        if not self._skip(mark):
            raise self._unexpected(f"{mark!r}")

    def _unexpected(self, wanted: str) -> GraphError:
        token = self._at()
        return GraphError(f"line {token.line}: is not valid DOT: found {token.text!r:.40}, but expected {wanted}")
