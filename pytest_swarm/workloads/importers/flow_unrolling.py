"""Cycles of an agent workflow: finding them, and unrolling them a given number of rounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.flow_contraction import Edge

MAX_UNROLLED_STEPS: Final = 5_000
Copy = tuple[str, int]
"""A step and its round, from 1."""


def find_cycle(steps: Sequence[str], edges: Iterable[Edge]) -> tuple[str, ...] | None:
    """Return the steps of one cycle, first and last the same, or None where there is none.

    Args:
        steps: All steps, those first that the workflow begins with.
        edges: Pairs of steps.
    """
    for path, child, closes in _walk(steps, edges):
        if closes:
            return (*path[path.index(child) :], child)
    return None


def unrolled(
    steps: Sequence[str], edges: Sequence[Edge], rounds: int, first: Collection[str] = ()
) -> tuple[list[Copy], list[tuple[Copy, Copy]]]:
    """Return the copies of the steps and the edges between them; the steps of a cycle are there once for each round.

    The link that closes a cycle leads to the next round. What leads into a cycle leads to its first round, and what
    leaves it leaves the last one.

    Args:
        steps: All steps, those first that the workflow begins with.
        edges: Pairs of steps.
        rounds: Number of rounds, at least 1.
        first: Steps that need no other: what leads back to one of them from another step closes a cycle.

    Raises:
        GraphError: Where the result would have too many steps.
    """
    if find_cycle(steps, edges) is None:
        return [(step, 1) for step in steps], [((parent, 1), (child, 1)) for parent, child in edges]
    part = _components(steps, edges)
    inside = [(parent, child) for parent, child in edges if part[parent] == part[child]]
    back = {(parent, child) for parent, child in inside if child in first and parent not in first}
    back |= {(path[-1], child) for path, child, closes in _walk(steps, (e for e in edges if e not in back)) if closes}
    cyclic = {part[parent] for parent, _ in inside}
    repeated = {step for step in steps if part[step] in cyclic}
    if rounds > 1 and (total := len(steps) + (rounds - 1) * len(repeated)) > MAX_UNROLLED_STEPS:
        raise GraphError(f"--unroll={rounds} would make {total} steps; choose fewer than {MAX_UNROLLED_STEPS}")
    last = {step: rounds if step in repeated else 1 for step in steps}
    copies = [(step, number) for step in steps for number in range(1, last[step] + 1)]
    result: dict[tuple[Copy, Copy], None] = {}
    for parent, child in edges:
        if (parent, child) in back:
            result |= {((parent, n), (child, n + 1)): None for n in range(1, rounds)}
        elif part[parent] == part[child]:
            result |= {((parent, n), (child, n)): None for n in range(1, rounds + 1)}
        else:
            result[(parent, last[parent]), (child, 1)] = None
    return copies, list(result)


def _walk(steps: Sequence[str], edges: Iterable[Edge]) -> Iterator[tuple[list[str], str, bool]]:
    """Yield (way so far, next step, whether it is on the way, so that the edge closes a cycle) of a search in depth.

    The search begins at the first steps, so that a cycle is entered where the workflow enters it.
    """
    children: dict[str, list[str]] = defaultdict(list)
    for parent, child in edges:
        children[parent].append(child)
    done: set[str] = set()
    for root in steps:
        if root in done:
            continue
        path, waiting, on_path = [root], [iter(children[root])], {root}
        while path:
            for child in waiting[-1]:
                yield path, child, child in on_path
                if child not in done and child not in on_path:
                    path.append(child)
                    on_path.add(child)
                    waiting.append(iter(children[child]))
                    break
            else:
                done.add(path[-1])
                on_path.remove(path.pop())
                waiting.pop()


def _components(steps: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the number of each step's strongly connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = {step: number for number, step in enumerate(steps)}
    ends = [[place[parent] for parent, _ in edges], [place[child] for _, child in edges]]
    matrix = coo_array(([True] * len(edges), ends), shape=(len(steps), len(steps)))
    _, numbers = connected_components(matrix, connection="strong")
    return dict(zip(steps, numbers.tolist(), strict=True))
