"""An agent workflow as the importers read it: nodes, control links, and LLM steps whose texts refer to other nodes.

The readers of the formats build it; `flow_contraction` and `flow_graphs` make task graphs of it. It knows no format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.losses import FlowLoss

QUESTION: Final = "question"  # the input that a chat message is given as
BETWEEN: Final = "\n\n"  # two messages of one prompt
MAX_PARTS: Final = 2_000  # of one text; a template that refers to templates could grow without end


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInput:
    """A place in a text for a value that comes from outside.

    `names` are the names that the value may be given under, the usual one first. Without a value `default` is taken;
    without that one `raw`, what stood there, stays. `source` is the node that would give it, None for an
    input. One that `is_optional` is empty where others have values.
    """

    names: tuple[str, ...]
    raw: str
    default: str | None = None
    source: str | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAnswer:
    """A place in a text for the answer of a step. `candidates` are (node, path of a field); the first that ran counts.

    Where no candidate comes before the step, `default` is taken; without that one `raw`, what stood there, stays.
    """

    candidates: tuple[tuple[str, tuple[str, ...]], ...]
    raw: str
    default: Parts | None = None

    def within(self, path: tuple[str, ...]) -> StepAnswer:
        """Return the place for a field of what this one stands for."""
        candidates = tuple((step, (*found, *path)) for step, found in self.candidates)
        return replace(self, candidates=candidates, default=self.default and within(self.default, path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A place for what was said before a step: the opening of the first step, then the answers of the steps since.

    Without a step before it, the opening of its own. `scope` is what the IDs of the nodes begin with that take part:
    those of one workflow and of the workflows that it calls.

    Attributes:
        recalls: False where only the opening of its own is told.
        is_last: True where only the last message is told.
        has_roles: True where each message is told with its role, also where all are the user's.
        is_transcript: True where all is one text with a line for each message, which is empty for a first step.
    """

    recalls: bool = True
    is_last: bool = False
    is_transcript: bool = False
    has_roles: bool = False
    scope: str = ""
    raw: str = ""


Part: TypeAlias = str | StepAnswer | FlowInput | Conversation
Parts: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmStep:
    """What an LLM step asks. `system` and `prompt` may be empty; None where the file does not say.

    `opening` is what a conversation begins with where this is its first step; `speaks_as` is the role in which later
    steps are told its answer, None where they are not; `is_last` whether a workflow that calls this one is told it too.
    """

    system: Parts = ()
    prompt: Parts = ()
    model: str | None = None
    type: str | None = None
    estimated_tokens: int | None = None
    difficulty: float | None = None
    opening: Parts = ()
    speaks_as: Literal["user", "assistant"] | None = "user"
    is_last: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """A node: its unique ID, its name for people, and what it asks where it is an LLM step.

    `container` is the ID of the iteration or loop that it belongs to.
    """

    id: str
    name: str
    step: LlmStep | None = None
    container: str | None = None
    is_entry: bool = False  # of its container


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLink:
    """A control link. `branch` names the way out of the source where it has several, else None."""

    source: str
    target: str
    branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCall:
    """A call of another workflow: the node, the names that the workflow may go by, and what is passed to its inputs."""

    node: str
    names: tuple[str, ...]
    inputs: Mapping[str, Parts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFlow:
    """A workflow: its name, nodes and links, and what of it could not be carried over.

    `calls` are its calls of other workflows, `called` the names that it may be called by. `starts` are the nodes that
    the tool begins at; empty where it runs every step, or the file has no start.
    """

    name: str
    nodes: tuple[FlowNode, ...]
    links: tuple[FlowLink, ...]
    losses: tuple[FlowLoss, ...] = ()
    calls: tuple[FlowCall, ...] = ()
    called: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    by_id: dict[str, FlowNode] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id: dict[str, FlowNode] = {}
        for node in self.nodes:
            if node.id in by_id:
                raise GraphError(f"two nodes have the id {node.id!r}")
            by_id[node.id] = node
        for link in self.links:
            for end, other in ((link.source, link.target), (link.target, link.source)):
                if end not in by_id:
                    side = "ends" if end == link.target else "begins"
                    raise GraphError(f"an edge of node {other!r} {side} at node {end!r}, which does not exist")
        for node in self.nodes:
            if node.container is not None and node.container not in by_id:
                raise GraphError(f"node {node.id!r} is in the container {node.container!r}, which does not exist")
        object.__setattr__(self, "by_id", by_id)


def within(parts: Parts, path: tuple[str, ...]) -> Parts:
    """Return the places for a field of what a text stands for; what is no answer stays as it is.

    Args:
        parts: The text.
        path: The path of the field.
    """
    return tuple(part.within(path) if isinstance(part, StepAnswer) else part for part in parts)


def joined(texts: Iterable[Parts], between: str = BETWEEN) -> Parts:
    """Return texts as one, with `between` between those that are not blank.

    Args:
        texts: The texts.
        between: What to put between them.
    """
    parts: list[Part] = []
    for text in texts:
        if not is_blank(text):
            parts += [between, *text] if parts else text
    return limited(parts)


def limited(parts: Iterable[Part]) -> Parts:
    """Return the parts; raise GraphError where there are more than a text may have."""
    found = tuple(parts)
    if len(found) > MAX_PARTS:
        raise GraphError(f"a text is made of more than {MAX_PARTS} pieces, because its references refer to others")
    return found


def filled(template: str, places: re.Pattern[str], fill: Callable[[re.Match[str]], Iterable[Part]]) -> Parts:
    """Return a text with what stands for each of its places.

    Args:
        template: The text.
        places: Matches a place.
        fill: Returns what stands for it.
    """
    found: list[Part] = []
    at_char = 0
    for match in places.finditer(template):
        found += [template[at_char : match.start()], *fill(match)]
        at_char = match.end()
    return limited(part for part in [*found, template[at_char:]] if part != "")


def labeled(said: Iterable[tuple[str, Parts]]) -> list[Parts]:
    """Return messages, each with its role in front where the assistant speaks too; blank ones count for nothing."""
    messages = [(role, text) for role, text in said if not is_blank(text)]
    has_roles = any(role == "assistant" for role, _ in messages)
    return [(f"{role}: ", *text) if has_roles else text for role, text in messages]


def is_blank(text: Parts) -> bool:
    """Return whether a text has neither words nor places to fill."""
    return not any(not isinstance(part, str) or part.strip() for part in text)


def plain(text: str) -> str:
    """Return the text without what a placeholder cannot contain."""
    return " ".join(re.sub(r"[{}|]", " ", text).split())
