"""Task graphs of the scheduling literature, with the makespan that the published HEFT algorithm gives them.

Handing on an answer takes no time here, so the published graphs are scheduled without their communication. The
makespans come from a public implementation of the algorithm (github.com/mackncheesiest/heft, commit 591508e7, insertion
based), run once on the same tasks, on as many equal processors as there are slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class TextbookGraph:
    """Seconds of each task, in topological order, and edges; the makespan by the number of slots."""

    name: str
    seconds: tuple[float, ...]
    edges: Edges
    makespan: Mapping[int, float]

    def __str__(self) -> str:
        return self.name


TOPCUOGLU_EDGES: Edges = (
    (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 7), (1, 8), (2, 6), (3, 7), (3, 8), (4, 8), (5, 7), (6, 9), (7, 9),
    (8, 9),
)  # fmt: skip
TOPCUOGLU_SECONDS = (
    (14, 16, 9), (13, 19, 18), (11, 13, 19), (13, 8, 17), (12, 13, 10), (13, 16, 9), (7, 15, 11), (5, 11, 14),
    (18, 12, 20), (21, 7, 16),
)  # fmt: skip
"""Figure 2 and table of Topcuoglu, Hariri and Wu (2002): ten tasks on three processors."""
TOPCUOGLU_TRANSFER = (18, 12, 9, 11, 14, 19, 16, 23, 27, 23, 13, 15, 17, 11, 13)

_RANDOM_EDGES: Edges = (
    (0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 8), (1, 9), (2, 8), (3, 6), (3, 9), (4, 5), (4, 7), (4, 8), (5, 9),
    (6, 9), (7, 9), (8, 9),
)  # fmt: skip
_RANDOM_SECONDS = (
    (61.549, 64.390, 56.957), (29.924, 33.000, 29.052), (34.795, 41.791, 70.891), (11.572, 10.256, 14.491),
    (65.469, 44.921, 48.068), (60.176, 59.462, 63.246), (6.281, 12.133, 12.274), (20.815, 14.295, 28.059),
    (49.128, 17.220, 30.205), (21.677, 20.178, 15.859),
)  # fmt: skip
"""The random graph in the tests of the same implementation, to three decimals."""

_KWOK_AHMAD_EDGES: Edges = (
    (0, 1), (0, 2), (0, 3), (0, 4), (0, 6), (1, 5), (1, 6), (2, 7), (3, 7), (4, 8), (5, 8), (6, 8), (7, 8),
)  # fmt: skip
"""Kwok and Ahmad, "Static scheduling algorithms for allocating directed task graphs to multiprocessors", ACM Computing
Surveys 31(4), 1999. Its second exit, task 5, is tied to task 9 here, because that implementation takes one exit."""


def _gaussian_elimination(size: int) -> tuple[tuple[float, ...], Edges]:
    """For each column k a pivot task (2 s), then an update of each later column (size - k s), as in the paper."""
    ids: dict[tuple[int, int], int] = {}
    seconds: list[float] = []
    for k in range(1, size):
        for j in range(k, size + 1):
            ids[k, j] = len(seconds)
            seconds.append(2.0 if j == k else float(size - k))
    edges = [(ids[k, k], ids[k, j]) for k, j in ids if j > k]
    edges += [(ids[k, j], ids[k + 1, j]) for k, j in ids if j > k and (k + 1, j) in ids]
    return tuple(seconds), tuple(sorted(edges))


def _fourier_transform(points: int) -> tuple[tuple[float, ...], Edges]:
    """A binary tree of calls (1 s each), then layers of butterflies (3 s each), and one task that ends it."""
    layers = points.bit_length() - 1
    edges: list[tuple[int, int]] = []
    calls = 2 * points - 1
    edges += [(n, child) for n in range(points - 1) for child in (2 * n + 1, 2 * n + 2)]
    before = list(range(points - 1, calls))
    number = calls
    for layer in range(layers):
        here = list(range(number, number + points))
        number += points
        for n in range(points):
            edges += [(before[n], here[n]), (before[n ^ (1 << layer)], here[n])]
        before = here
    edges += [(each, number) for each in before]
    return (*[1.0] * calls, *[3.0] * (points * layers), 1.0), tuple(edges)


def _column(rows: tuple[tuple[float, ...], ...], number: int) -> tuple[float, ...]:
    return tuple(float(row[number]) for row in rows)


_GAUSS = _gaussian_elimination(5)
_FOURIER = _fourier_transform(4)

TEXTBOOK_GRAPHS = (
    TextbookGraph(
        name="topcuoglu-p1",
        seconds=_column(TOPCUOGLU_SECONDS, 0),
        edges=TOPCUOGLU_EDGES,
        makespan={2: 83.0, 3: 66.0, 4: 66.0},
    ),
    TextbookGraph(
        name="topcuoglu-p2",
        seconds=_column(TOPCUOGLU_SECONDS, 1),
        edges=TOPCUOGLU_EDGES,
        makespan={2: 81.0, 3: 61.0, 4: 56.0},
    ),
    TextbookGraph(
        name="topcuoglu-p3",
        seconds=_column(TOPCUOGLU_SECONDS, 2),
        edges=TOPCUOGLU_EDGES,
        makespan={2: 87.0, 3: 72.0, 4: 63.0},
    ),
    TextbookGraph(
        name="random-p1",
        seconds=_column(_RANDOM_SECONDS, 0),
        edges=_RANDOM_EDGES,
        makespan={2: 226.724, 3: 208.871, 4: 208.871},
    ),
    TextbookGraph(
        name="random-p2",
        seconds=_column(_RANDOM_SECONDS, 1),
        edges=_RANDOM_EDGES,
        makespan={2: 201.13, 3: 188.951, 4: 188.951},
    ),
    TextbookGraph(
        name="random-p3",
        seconds=_column(_RANDOM_SECONDS, 2),
        edges=_RANDOM_EDGES,
        makespan={2: 234.965, 3: 184.13, 4: 184.13},
    ),
    TextbookGraph(
        name="kwok-ahmad",
        seconds=(2, 3, 3, 4, 5, 4, 4, 4, 1),
        edges=_KWOK_AHMAD_EDGES,
        makespan={2: 17.0, 3: 14.0, 4: 11.0},
    ),
    TextbookGraph(
        name="gaussian-elimination", seconds=_GAUSS[0], edges=_GAUSS[1], makespan={2: 21.0, 3: 18.0, 4: 18.0}
    ),
    TextbookGraph(
        name="fourier-transform", seconds=_FOURIER[0], edges=_FOURIER[1], makespan={2: 17.0, 3: 14.0, 4: 10.0}
    ),
    TextbookGraph(
        name="fork-join",
        seconds=(1, 7, 3, 5, 2, 8, 4, 6, 1),
        edges=(
            *((0, n) for n in range(1, 8)),
            *((n, 8) for n in range(1, 8)),
        ),
        makespan={2: 20.0, 3: 15.0, 4: 11.0},
    ),
)
