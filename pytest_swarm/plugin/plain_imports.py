"""Modules of this package as Python compiled them: pytest rewrites the asserts of plugins, and needs none of ours.

Rewriting compiles each of some 400 modules in the first run, and makes reading them slower in every later one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Final

_OURS: Final = f"{__name__.partition('.')[0]}."


class PlainImports:
    """A finder of our own modules that comes before pytest's."""

    def install(self) -> None:
        """Find our modules from now on."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Leave the finders as they were."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what Python itself finds for a module of ours; None for any other, which the next finder is asked for.

        Args:
            name: The whole name of the module.
            path: Where its package is looked for.
            target: The module that is loaded again.
        """
        return PathFinder.find_spec(name, path, target) if name.startswith(_OURS) else None
