"""Shapes of jobs: for each place, in topological order, the places that it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.workloads.workflowgen.draw import Draw

Places: TypeAlias = list[tuple[int, ...]]
MOST_PARENTS: Final = 24  # more figures than that in one prompt are a test of patience, not of routing


def chain(_draw: Draw, size: int) -> Places:
    """One after the other."""
    return [() if place == 0 else (place - 1,) for place in range(size)]


def fork(_draw: Draw, size: int) -> Places:
    """One, then all others at once."""
    return [() if place == 0 else (0,) for place in range(size)]


def join(_draw: Draw, size: int) -> Places:
    """All at once, then one that needs them; in several stages where they are many."""
    sources: Places = [() for _ in range(max(1, size - _sinks(size)))]
    return _gathered(sources, list(range(len(sources))), size)


def diamond(_draw: Draw, size: int) -> Places:
    """One, then several at once, then one that needs them all."""
    middle = max(1, size - 1 - _sinks(size - 1))
    return _gathered([(), *((0,) for _ in range(middle))], list(range(1, middle + 1)), size)


def map_reduce(_draw: Draw, size: int) -> Places:
    """One, then pairs of a step and its follow-up at once, then one that needs the follow-ups."""
    pairs = max(1, (size - 1 - _sinks(size // 2)) // 2)
    places: Places = [()]
    for _ in range(pairs):
        places += [(0,), (len(places),)]
    return _gathered(places, list(range(2, 2 * pairs + 1, 2)), size)


def layered(draw: Draw, size: int) -> Places:
    """Layers of one to four, each place waiting for one to three of the layer before."""
    places: Places = []
    before: list[int] = []
    while len(places) < size:
        width = min(draw.between(1, 4), size - len(places))
        layer = list(range(len(places), len(places) + width))
        places += [tuple(sorted(draw.sample(before, draw.between(1, 3)))) for _ in layer]
        before = layer
    return places


def repeat_with_check(_draw: Draw, size: int) -> Places:
    """Work, check, work again on both, check again, and so on."""
    places: Places = []
    for place in range(size):
        if place % 2:
            places.append((place - 1,))
        else:
            places.append((place - 2, place - 1) if place else ())
    return places


def _sinks(leaves: int) -> int:
    """How many places it takes to gather `leaves`, at most MOST_PARENTS each."""
    count = 0
    while leaves > 1:
        leaves = -(-leaves // MOST_PARENTS)
        count += leaves
    return max(1, count)


def _gathered(places: Places, leaves: list[int], size: int) -> Places:
    """The places, and after them as many as it takes until one is left; a chain behind it up to `size`."""
    while len(leaves) > 1:
        groups = [leaves[start : start + MOST_PARENTS] for start in range(0, len(leaves), MOST_PARENTS)]
        leaves = list(range(len(places), len(places) + len(groups)))
        places = places + [tuple(group) for group in groups]
    while len(places) < size:
        places.append((len(places) - 1,))
    return places[:size]


SHAPES: Final[Mapping[str, Callable[[Draw, int], Places]]] = MappingProxyType(
    {
        "chain": chain,
        "fork": fork,
        "join": join,
        "diamond": diamond,
        "map-reduce": map_reduce,
        "layered": layered,
        "repeat-with-check": repeat_with_check,
    }
)
