"""Branch and bound over the residency: exact where the sets of models are too many to enumerate.

Bounds come from `benders`. At each node the models whose presence or absence cannot pay any more are fixed; once the
sets that remain are few, they are enumerated, which settles most problems at the first node.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pytest_swarm.estimate.estimate_table import Mask, Matrix
from pytest_swarm.routing.base import RoutingError
from pytest_swarm.routing.benders import BendersBound, Master
from pytest_swarm.routing.highs import OUT_OF_TIME
from pytest_swarm.routing.local_search import fill, improve, settle_ties
from pytest_swarm.routing.model_sets import best_set, sets_within
from pytest_swarm.routing.program import TIE, RoutingProgram, Solution, needed, tie_key, value_of

_WORK: Final = 20_000_000  # sets x tasks enumerated at a node: about 0.05 s
_INTEGRAL: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """The residencies between two limits, none of which is worth more than `bound`."""

    bound: float
    lower: Mask
    upper: Mask


class _Search:
    """The open nodes, best bound first, and the best set so far."""

    def __init__(self, program: RoutingProgram) -> None:
        self.program = program
        self.master = Master(program)
        self.value = -np.inf
        self.held: Mask | None = None
        self.open: list[tuple[float, int, _Node]] = []
        self._count = 0

    @property
    def floor(self) -> float:
        """The bound at which a node is closed: nothing in it is better than the best set."""
        return self.value + TIE * max(1.0, abs(self.value)) if self.held is not None else -np.inf

    def offer(self, held: Mask, value: float) -> None:
        """Take the set if it is better, or equal and first by loads, VRAM and names."""
        if value == -np.inf or value < self.value - TIE:
            return
        program, held = self.program, needed(self.program, held[None, :])[0]
        if self.held is None or value > self.value + TIE or tie_key(program, held) < tie_key(program, self.held):
            self.value, self.held = value_of(program, held[None]), held

    def push(self, node: _Node) -> None:
        """Keep a node for later, unless its bound closes it."""
        if node.bound > self.floor:
            self._count += 1
            heapq.heappush(self.open, (-node.bound, self._count, node))

    def expand(self, node: _Node) -> None:
        """Bound the node, fix what can be fixed, then enumerate it or split it in two."""
        relaxed = self.master.relax(node.lower, node.upper, self.floor)
        if relaxed is None:
            return
        self._round(relaxed.y, node)
        bound = min(node.bound, relaxed.bound)
        if bound <= self.floor:
            return
        lower, upper = self._fix(relaxed, node)
        if self._enumerate(lower, upper):
            return
        i = _branch_on(relaxed, lower, upper)
        without, within = upper.copy(), lower.copy()
        without[i], within[i] = False, True
        if self.program.vram_gb[within].sum() <= self.program.limit_gb:
            self.push(_Node(bound, within, upper))
        self.push(_Node(bound, lower, without))

    def _round(self, y: Matrix, node: _Node) -> None:
        preference = np.where(node.lower, 2.0, y)
        held = fill(self.program, np.where(preference > _INTEGRAL, preference, 0.0), node.upper)
        if self.held is None or value_of(self.program, held[None]) > self.value:
            held = improve(self.program, held, self.program.vram_gb <= self.program.limit_gb)
            self.offer(held, value_of(self.program, held[None]))

    def _fix(self, relaxed: BendersBound, node: _Node) -> tuple[Mask, Mask]:
        loses = relaxed.bound - np.abs(relaxed.gain) <= self.floor
        free = node.upper & ~node.lower
        lower = node.lower | (free & loses & (relaxed.gain > 0))
        upper = node.upper & ~(free & loses & (relaxed.gain < 0))
        return lower, upper & ((self.program.vram_gb <= self._room_gb(lower)) | lower)

    def _room_gb(self, lower: Mask) -> float:
        return self.program.limit_gb - float(self.program.vram_gb[lower].sum())

    def _enumerate(self, lower: Mask, upper: Mask) -> bool:
        """Settle the node by valuing all its sets, if they are few."""
        program = self.program
        if self._room_gb(lower) < 0:
            return True
        rows = upper.nonzero()[0]
        at_most = max(1, _WORK // program.worth.shape[1])
        family = sets_within(program.vram_gb[rows], program.limit_gb, lower[rows], at_most=at_most)
        if family is None:
            return False
        part = replace(
            program,
            tags=tuple(program.tags[i] for i in rows.tolist()),
            worth=program.worth[rows],
            price=program.price[rows],
            entry_price=program.entry_price[rows],
            vram_gb=program.vram_gb[rows],
            resident=program.resident[rows],
            pinned=lower[rows],
        )
        found = best_set(part, family)
        if found is not None:
            held = np.zeros(len(program.tags), dtype=bool)
            held[rows[found[0]]] = True
            self.offer(held, found[1])
        return True


def branch_and_bound(program: RoutingProgram, *, limit_s: float | None) -> Solution | None:
    """Return the best set of models for the whole horizon, None where there is none.

    Proven best unless the limit passes; then the best set so far, with the largest bound of the open nodes. The limit
    is checked between nodes, so the first one is always expanded.

    Args:
        program: The program of the step.
        limit_s: Time limit in seconds; None = no limit.

    Raises:
        RoutingError: The limit passed before any set was found.
    """
    started = time.perf_counter()
    search = _Search(program)
    fits = program.vram_gb <= program.limit_gb
    search.expand(_Node(np.inf, program.pinned, fits))
    while search.open and (limit_s is None or time.perf_counter() - started < limit_s):
        node = heapq.heappop(search.open)[2]
        if node.bound > search.floor:
            search.expand(node)
    if search.held is None:
        if search.open:
            raise RoutingError(OUT_OF_TIME)
        return None
    left = [node.bound for _, _, node in search.open if node.bound > search.floor]
    return Solution(
        held=settle_ties(program, search.held)[None, :],
        value=search.value,
        bound=max([search.value, *left]),
        solver="branch-and-bound",
    )


def _branch_on(relaxed: BendersBound, lower: Mask, upper: Mask) -> int:
    """Return the free model nearest to one half; where all are whole, the one whose choice matters most."""
    free = upper & ~lower
    distance = np.where(free, np.abs(relaxed.y - 0.5), np.inf)
    i = int(distance.argmin())
    if distance[i] < 0.5 - _INTEGRAL:
        return i
    return int(np.where(free, np.abs(relaxed.gain), -np.inf).argmax())
