"""The benchmarks that a session has collected, and is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The benchmarks of a session.

    `tests` has the mode of each by its node ID, in the order of the run. `budgets_gb` are the budgets of all cases,
    those of other shards too: every shard must choose the same planner. The controller of xdist knows the node IDs
    alone, so it has neither budgets nor `items`.
    """

    tests: Mapping[str, str]
    budgets_gb: frozenset[float] = frozenset()
    items: tuple[pytest.Item, ...] = ()

    @property
    def modes(self) -> frozenset[str]:
        """Their routing modes."""
        return frozenset(self.tests.values())
