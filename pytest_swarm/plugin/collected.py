"""The benchmarks that a session has collected, and is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.plugin.cases import key_of

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.domain.record import CaseKey


@dataclass(frozen=True, kw_only=True, eq=False)
class Collected:
    """The benchmarks of a session.

    `tests` has the mode of each by its node ID, in the order of the run. `whole` are the benchmarks of the run with
    those of other shards: every shard must be refused for the same, need the same models, choose the same planner, and
    draw the same cases to verify. The controller of xdist knows the node IDs alone, so it has neither `whole` nor
    `items`.
    """

    tests: Mapping[str, str]
    whole: tuple[pytest.Item, ...] = ()
    items: tuple[pytest.Item, ...] = ()

    @cached_property
    def cases(self) -> Mapping[str, CaseKey]:
        """The cases of the whole run by node ID."""
        return {item.nodeid: key_of(item) for item in self.whole}

    @property
    def modes(self) -> frozenset[str]:
        """The routing modes of all cases, those of other shards too."""
        return frozenset((*self.tests.values(), *(key.mode for key in self.cases.values())))

    @property
    def budgets_gb(self) -> frozenset[float]:
        """The budgets of all cases in GB, those of other shards too."""
        return frozenset(key.vram_budget_gb for key in self.cases.values())
