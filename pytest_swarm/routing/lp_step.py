"""What the relaxation of `lp` depends on, as plain arrays. Knows no solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeAlias

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.objective import load_price, utility

Flags: TypeAlias = tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LpStep:
    """What the relaxation of a step depends on: `worth` U and `allowed` (I, M), `entry_price` and `keep` (I,), GB.

    `entry_price` is what a load of each model costs, 0 where it is `resident`; `keep` is True for pinned models.
    """

    worth: Matrix
    allowed: Mask
    entry_price: Matrix
    resident: Flags
    keep: Flags
    vram_gb: tuple[float, ...]
    budget_gb: float

    def value(self, rows: Sequence[int]) -> float:
        """Return what it is worth to give each task one model whole, and to hold these and the pinned ones.

        Args:
            rows: The row of each task's model.
        """
        held = {*rows, *compress(range(len(self.keep)), self.keep)}
        worth = sum(self.worth[row, column] for column, row in enumerate(rows))
        prices = self.entry_price.tolist()  # plain floats, as in `evaluate`: since Python 3.12 `sum` rounds theirs once
        return float(worth - sum(prices[row] for row in sorted(held)))


def step_of(view: PlanningView) -> LpStep:
    """Return what the relaxation of a view depends on."""
    fleet = view.fleet
    resident = tuple([tag in view.resident for tag in fleet.tags])
    return LpStep(
        worth=utility(view),
        allowed=view.estimates.allowed,
        entry_price=np.where(resident, 0.0, load_price(view)),
        resident=resident,
        keep=tuple([model.keep for model in fleet]),
        vram_gb=tuple([model.vram_gb for model in fleet]),
        budget_gb=view.vram_budget_gb,
    )
