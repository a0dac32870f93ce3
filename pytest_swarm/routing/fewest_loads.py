"""The fewest loads with which tasks can run on models that are given: a search over what is finished and resident.

A task runs as soon as its parents are finished and one of its models is in VRAM, because that never costs a load. So
only the next model to load, and what makes room for it, is open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeAlias

MAX_STATES: Final = 20_000  # then the search ends without a proof; workflows of 20 tasks on 4 models take some hundreds

State: TypeAlias = tuple[frozenset[str], frozenset[str]]  # the finished tasks, and the models in VRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProblem:
    """Tasks in topological order with their parents and the models that may run them; models with VRAM in GB.

    `pinned` models are in VRAM throughout. Every model fits the limit beside the pinned ones.
    """

    tasks: tuple[str, ...]
    parents: Mapping[str, Sequence[str]]
    options: Mapping[str, frozenset[str]]
    vram_gb: Mapping[str, float]
    limit_gb: float
    pinned: frozenset[str] = frozenset()

    def run_all(self, finished: frozenset[str], resident: frozenset[str]) -> frozenset[str]:
        """Return what is finished once everything has run that can run without a load.

        Args:
            finished: The tasks that are finished.
            resident: The models in VRAM.
        """
        done = set(finished)
        for task in self.tasks:
            if task not in done and self.options[task] & resident and all(each in done for each in self.parents[task]):
                done.add(task)
        return frozenset(done)

    def runnable(self, finished: frozenset[str]) -> tuple[str, ...]:
        """Return the unfinished tasks whose parents are finished."""
        return tuple(
            task for task in self.tasks if task not in finished and all(each in finished for each in self.parents[task])
        )

    def loads(self, state: State) -> Iterator[frozenset[str]]:
        """Yield each residency that one load can lead to, with nothing evicted that could stay."""
        finished, resident = state
        left = [task for task in self.tasks if task not in finished]
        useful = frozenset().union(*(self.options[task] for task in left))
        wanted = frozenset().union(*(self.options[task] for task in self.runnable(finished)))
        spare = sorted((resident & useful) - self.pinned)
        for tag in sorted(wanted - resident):
            for kept in self._largest(spare, self._free_gb(self.pinned | {tag})):
                yield self.pinned | {tag} | kept

    def _largest(self, spare: Sequence[str], free_gb: float) -> list[frozenset[str]]:
        """Return the sets of spare models that fit and to which none can be added."""
        found: list[frozenset[str]] = []
        for size in range(len(spare), -1, -1):
            for chosen in map(frozenset, combinations(spare, size)):
                if sum(self.vram_gb[tag] for tag in chosen) <= free_gb and not any(chosen < each for each in found):
                    found.append(chosen)
        return found

    def _free_gb(self, tags: frozenset[str]) -> float:
        return self.limit_gb - sum(self.vram_gb[tag] for tag in sorted(tags))


def next_residency(problem: LoadProblem, resident: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Return the residency after the first load of a sequence with the fewest loads, and whether that is proven.

    Breadth first over the loads. Where the states are too many, it is the load after which the most tasks can run.

    Args:
        problem: The tasks that are left.
        resident: The models in VRAM, on which no task can run now.
    """
    start = (problem.run_all(frozenset(), resident), resident)
    first: dict[State, frozenset[str]] = {}
    queue: deque[State] = deque([start])
    best: tuple[int, frozenset[str]] | None = None
    while queue and len(first) <= MAX_STATES:
        state = queue.popleft()
        for residency in problem.loads(state):
            reached = (problem.run_all(state[0], residency), residency)
            if reached in first:
                continue
            first[reached] = first.get(state, residency)
            if len(reached[0]) == len(problem.tasks):
                return first[reached], True
            if state is start and (best is None or len(reached[0]) > best[0]):
                best = (len(reached[0]), residency)
            queue.append(reached)
    assert best is not None, "some model can be loaded for a task that is left"
    return best[1], False
