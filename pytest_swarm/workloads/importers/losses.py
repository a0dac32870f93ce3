"""What of a workflow a task graph cannot carry: the reasons that tools share, and the sentences that tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Lost(StrEnum):
    """Reasons for a loss that several tools share."""

    TOOLS = "tools are not called"
    STORES = "nothing is stored or retrieved"
    MEMORY = "memories are not kept"
    SETTINGS = "settings of models are not sent"
    STRUCTURE = "structured output is not asked for"
    PARSERS = "output parsers are not applied"
    FILES = "images and files are not sent"
    REPLIES = "replies are not sent"
    MODERATION = "texts are not moderated"
    PLANS = "plans before the work are not made"
    QUESTIONS = "nobody is asked"
    ROUNDS = "iterations run once, with the whole list"
    CODE = "code is not run, and what it is given stands for its result"
    OWN_PROMPTS = "prompts that the tool itself adds are not sent, or only their gist"
    REQUESTS = "requests are not sent"
    PLAIN_REQUESTS = "models that are asked by a plain request are no steps (take the tool's own nodes for models)"


_MODEL_URL: Final = re.compile(
    r"/chat/completions|/v1/(?:messages|responses|completions)\b|/api/(?:chat|generate)\b|:generateContent"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLoss:
    """Something that a task graph cannot carry: why, and what it is.

    `nodes` are the nodes that it belongs to: where none of them is run, it is not in question. Without any, it is.
    """

    reason: str
    what: str = ""
    nodes: tuple[str, ...] = ()


def request_loss(node: str, name: str, url: str) -> FlowLoss:
    """Return what is lost with a request: nothing is sent, and where its address is that of a model, a step is missing.

    Args:
        node: The node that sends it.
        name: The node's name for people.
        url: The address, as written.
    """
    return FlowLoss(reason=Lost.PLAIN_REQUESTS if _MODEL_URL.search(url) else Lost.REQUESTS, what=name, nodes=(node,))


def loss_sentences(losses: Iterable[FlowLoss], nodes: Iterable[str]) -> Iterator[str]:
    """Yield one sentence for each reason, with all that it holds for.

    Args:
        losses: The losses.
        nodes: The nodes that are left; what belongs to others alone is not in question.
    """
    left = set(nodes)
    reasons: dict[str, dict[str, None]] = {}
    for loss in losses:
        if not loss.nodes or left.intersection(loss.nodes):
            reasons.setdefault(loss.reason, {}).update({loss.what: None} if loss.what else {})
    yield from (f"{reason}: {', '.join(names)}" if names else str(reason) for reason, names in reasons.items())
