"""What references stand for, each found once: a workflow may refer to one text from many places, and in a circle."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

MAX_DEPTH: Final = 40  # references that lead to references; each takes up to twelve of Python's 1,000 calls
TOO_DEEP: Final = f"references through more than {MAX_DEPTH} others stay as written"

Found = TypeVar("Found")


@dataclass(slots=True)
class ReferenceMemo(Generic[Found]):
    """Remembers what was found, and notices a reference that leads to itself."""

    _done: dict[Hashable, Found] = field(default_factory=dict)
    _active: set[Hashable] = field(default_factory=set)

    def is_too_deep(self) -> bool:
        """Return whether as many references as allowed are being followed."""
        return len(self._active) >= MAX_DEPTH

    def find(self, key: Hashable, compute: Callable[[], Found], otherwise: Callable[[], Found]) -> Found:
        """Return what a reference stands for.

        Args:
            key: What tells the reference from others.
            compute: Follows it.
            otherwise: What it stands for where it leads to itself.
        """
        if key in self._done:
            return self._done[key]
        if key in self._active:
            return otherwise()
        self._active.add(key)
        try:
            found = compute()
        finally:
            self._active.remove(key)
        self._done[key] = found
        return found
