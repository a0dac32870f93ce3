"""What references stand for, each found once: a workflow may refer to one text from many places, and in a circle."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pytest_swarm.workloads.importers.losses import FlowLoss

MAX_DEPTH: Final = 40  # references that lead to references; each takes up to twelve of Python's 1,000 calls
TOO_DEEP: Final = f"references through more than {MAX_DEPTH} others stay as written"

Found = TypeVar("Found")


@dataclass(slots=True)
class ReferenceMemo(Generic[Found]):
    """Remembers what was found for the texts of one step, and notices a reference that leads to itself or too far.

    Attributes:
        losses: Fills with what cannot be followed, or is not computed, for all steps of the workflow.
        reader: The step; empty where a text belongs to none.
    """

    losses: list[FlowLoss] = field(default_factory=list)
    reader: str = ""
    _done: dict[Hashable, Found] = field(default_factory=dict)
    _active: set[Hashable] = field(default_factory=set)

    def of(self, reader: str) -> ReferenceMemo[Found]:
        """Return an empty memo for the texts of a step."""
        return ReferenceMemo(self.losses, reader)

    def lose(self, reason: str, what: str) -> None:
        """Note what the step loses."""
        self.losses.append(FlowLoss(reason=reason, what=what, nodes=(self.reader,) if self.reader else ()))

    def find(self, key: Hashable, compute: Callable[[], Found], otherwise: Callable[[], Found], *, shown: str) -> Found:
        """Return what a reference stands for.

        Args:
            key: What tells the reference from others.
            compute: Follows it.
            otherwise: What it stands for where it leads to itself, or through too many others.
            shown: What to call it in a loss.
        """
        if key in self._done:
            return self._done[key]
        if key in self._active:
            return otherwise()
        if len(self._active) >= MAX_DEPTH:
            self.lose(TOO_DEEP, shown)
            return otherwise()
        self._active.add(key)
        try:
            found = compute()
        finally:
            self._active.remove(key)
        self._done[key] = found
        return found
