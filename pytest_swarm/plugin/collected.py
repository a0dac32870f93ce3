"""The benchmarks that a session has collected, and is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.domain.record import CaseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The benchmarks of a session.

    `tests` has the mode of each by its node ID, in the order of the run. `whole` are the cases of the run with those of
    other shards: every shard must choose the same planner, and draw the same cases to verify. The controller of xdist
    knows the node IDs alone, so it has neither `whole` nor `items`.
    """

    tests: Mapping[str, str]
    whole: Mapping[str, CaseKey] = field(default_factory=dict)
    items: tuple[pytest.Item, ...] = ()

    @property
    def modes(self) -> frozenset[str]:
        """Their routing modes."""
        return frozenset(self.tests.values())

    @property
    def budgets_gb(self) -> frozenset[float]:
        """The budgets of all cases in GB, those of other shards too."""
        return frozenset(key.vram_budget_gb for key in self.whole.values())
