"""CVXPY as `cp`, imported without scipy.stats: a third of its import time, for one function that no program here calls.

Nobody else notices: the real scipy.stats is imported when that function is called, or by whoever imports it himself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final

_STATS: Final = "scipy.stats"
_CALLED_LATE: Final = "entropy"  # what CVXPY's quantum_rel_entr takes of it, to evaluate an atom


class _LateStats(ModuleType):
    """Stands in for scipy.stats: gives a function that imports it late, and at once whatever else is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _late(name) if name == _CALLED_LATE else getattr(_real_stats(), name)


def _late(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(_real_stats(), name)(*args, **kwargs)

    return call


def _real_stats() -> ModuleType:
    if isinstance(sys.modules.get(_STATS), _LateStats):
        del sys.modules[_STATS]
    return import_module(_STATS)


@contextmanager
def late_stats() -> Iterator[None]:
    """Import scipy.stats late where the block imports it, unless it was imported before."""
    sys.modules.setdefault(_STATS, _LateStats(_STATS))
    try:
        yield
    finally:
        if isinstance(sys.modules.get(_STATS), _LateStats):
            del sys.modules[_STATS]


with late_stats():
    import cvxpy as cp

__all__ = ["cp", "late_stats"]
