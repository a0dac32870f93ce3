"""Shapes of jobs: for each position, in topological order, the positions of its parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.workloads.workflowgen.random_stream import RandomStream

Positions: TypeAlias = list[tuple[int, ...]]
MAX_PARENTS: Final = 24  # limits the length of a prompt


def _chain(_rng: RandomStream, size: int) -> Positions:
    """Return a chain: each after the one before it."""
    return [() if position == 0 else (position - 1,) for position in range(size)]


def _fork(_rng: RandomStream, size: int) -> Positions:
    """Return a fork: one, then all others in parallel."""
    return [() if position == 0 else (0,) for position in range(size)]


def _join(_rng: RandomStream, size: int) -> Positions:
    """Return a join: all in parallel, then one after them; in several stages where they exceed MAX_PARENTS."""
    sources: Positions = [() for _ in range(max(1, size - _join_count(size)))]
    return _joined(sources, list(range(len(sources))), size)


def _diamond(_rng: RandomStream, size: int) -> Positions:
    """Return a diamond: one, then several in parallel, then one after all of them."""
    middle = max(1, size - 1 - _join_count(size - 1))
    return _joined([(), *((0,) for _ in range(middle))], list(range(1, middle + 1)), size)


def _map_reduce(_rng: RandomStream, size: int) -> Positions:
    """Return map-reduce: one, then pairs of a step and its follow-up in parallel, then one after the follow-ups."""
    pairs = max(1, (size - 1 - _join_count(size // 2)) // 2)
    positions: Positions = [()]
    for _ in range(pairs):
        positions += [(0,), (len(positions),)]
    return _joined(positions, list(range(2, 2 * pairs + 1, 2)), size)


def _layered(rng: RandomStream, size: int) -> Positions:
    """Return layers of one to four, each position after one to three of the layer before."""
    positions: Positions = []
    before: list[int] = []
    while len(positions) < size:
        width = min(rng.between(1, 4), size - len(positions))
        layer = list(range(len(positions), len(positions) + width))
        positions += [tuple(sorted(rng.sample(before, rng.between(1, 3)))) for _ in layer]
        before = layer
    return positions


def _repeat_with_check(_rng: RandomStream, size: int) -> Positions:
    """Return work and check in turn; each work follows the last work and its check."""
    positions: Positions = []
    for position in range(size):
        if position % 2:
            positions.append((position - 1,))
        else:
            positions.append((position - 2, position - 1) if position else ())
    return positions


def _join_count(leaves: int) -> int:
    """Return how many positions join `leaves` others, with at most MAX_PARENTS parents each."""
    count = 0
    while leaves > 1:
        leaves = -(-leaves // MAX_PARENTS)
        count += leaves
    return max(1, count)


def _joined(positions: Positions, leaves: list[int], size: int) -> Positions:
    """Return the graph with the leaves joined into one position, and a chain after it up to `size`."""
    while len(leaves) > 1:
        groups = [leaves[start : start + MAX_PARENTS] for start in range(0, len(leaves), MAX_PARENTS)]
        leaves = list(range(len(positions), len(positions) + len(groups)))
        positions = positions + [tuple(group) for group in groups]
    while len(positions) < size:
        positions.append((len(positions) - 1,))
    return positions[:size]


SHAPES: Final[Mapping[str, Callable[[RandomStream, int], Positions]]] = MappingProxyType(
    {
        "chain": _chain,
        "fork": _fork,
        "join": _join,
        "diamond": _diamond,
        "map-reduce": _map_reduce,
        "layered": _layered,
        "repeat-with-check": _repeat_with_check,
    }
)
