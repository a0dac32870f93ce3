"""Calls that a step is about to make, announced before its models are loaded.

Whoever measures answers asks for all calls of a step at once, also for those that wait for others to end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pytest_swarm.ollama.messages import ChatRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedCall:
    """A call that will be made: its request, the type of the task, and the ID of the task."""

    request: ChatRequest
    kind: str
    task: str


Announcement: TypeAlias = Callable[[], tuple[AnnouncedCall, ...]]
"""Makes the calls of a step when somebody wants to know them."""


def ignore(_: Announcement) -> None:
    """Do nothing: on most backends nobody wants to know."""
