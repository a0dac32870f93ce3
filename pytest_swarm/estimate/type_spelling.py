"""Types of tasks that are spelled almost as a type of a table is, so that the table does not know them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import ANY_TYPE

_ALIKE: Final = 0.8  # of difflib's ratio: `extracton` for `extraction` has 0.95, `mode` for `code` 0.75
_LEAST_CHARS: Final = 4  # shorter words are alike by chance: `law`, `low`


def misspelled_types(graph: TaskGraph, fleet: Fleet, *, estimates: Iterable[str] = ()) -> Iterator[str]:
    """Yield a sentence for each type of a graph that a table lacks while it has one that is almost the same word.

    A type that the graph has as well is no misspelling of another one.

    Args:
        graph: The graph that is run.
        fleet: The models with their capabilities, and what is assigned to types.
        estimates: The types that the starting estimates know.
    """
    known = {kind for model in fleet for kind in model.capabilities}
    tables: Mapping[str, set[str]] = {
        f"[assign] of fleet {fleet.name!r}": set(fleet.assign),
        "the estimates" if estimates else f"the capabilities of fleet {fleet.name!r}": known | set(estimates),
    }
    own = {task.type: task.id for task in reversed(graph.tasks)}
    for name, types in tables.items():
        for kind, task in own.items():
            if kind in types or len(kind) < _LEAST_CHARS:
                continue
            others = [each for each in types - own.keys() if each != ANY_TYPE and len(each) >= _LEAST_CHARS]
            if others and (near := difflib.get_close_matches(kind, sorted(others), n=1, cutoff=_ALIKE)):
                yield (
                    f"job {graph.name!r}: type {kind!r} of task {task!r} is not in {name}, which has {near[0]!r}; "
                    "spell both alike if they are the same"
                )
