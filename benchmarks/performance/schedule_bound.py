"""What no schedule of given calls on given models can beat, on a server with one slot a model and one load at a time.

Four things bind every schedule: calls follow their parents; a model's calls run one after the other, once it is loaded;
loads come one after the other; and two models that exceed the budget together are never resident together. Each bound
takes some of them and leaves the rest out, so none is above the best schedule.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, permutations
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB

_MOST_ORDERS_OF: Final = 5  # models whose orders of loads are all tried: 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleProblem:
    """The calls of a job, each on its model.

    Attributes:
        graph: The tasks and what each waits for.
        model: Task -> model.
        call_s: Task -> seconds of its call without any wait.
        load_s: Model -> seconds of its load.
        vram_gb: Model -> footprint in GB.
        budget_gb: What the resident models may take together.
        slots: Calls at a time, over all models.
    """

    graph: TaskGraph
    model: Mapping[str, str]
    call_s: Mapping[str, float]
    load_s: Mapping[str, float]
    vram_gb: Mapping[str, float]
    budget_gb: float
    slots: int

    @property
    def models(self) -> tuple[str, ...]:
        """The models that have calls, by name."""
        return tuple(sorted(set(self.model.values())))

    def exclude(self, one: str, other: str) -> bool:
        """Return whether two models are never resident together."""
        return one != other and self.vram_gb[one] + self.vram_gb[other] > self.budget_gb + BUDGET_TOLERANCE_GB


def lower_bound_s(problem: ScheduleProblem) -> float:
    """Return the largest of the bounds, in seconds."""
    tails = _tails(problem)
    return max(
        sum(problem.call_s.values()) / problem.slots,
        min(_bound_of_order(problem, order, tails) for order in _orders(problem.models)),
        *(_in_turn_s(problem, tags, tails) for tags in _exclusive(problem)),
    )


def _orders(models: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Return the orders in which the models may be loaded for the first time; each alone where they are many."""
    return permutations(models) if len(models) <= _MOST_ORDERS_OF else [()]


def _bound_of_order(problem: ScheduleProblem, order: tuple[str, ...], tails: Mapping[str, float]) -> float:
    """Return the bound where models are first loaded in this order: each model's calls, from its load to the end."""
    sums = dict(zip(order, accumulate(problem.load_s[tag] for tag in order), strict=True))
    heads = _heads(problem, {**problem.load_s, **sums})
    jobs: dict[str, list[tuple[float, float, float]]] = {}
    for task, tag in problem.model.items():
        jobs.setdefault(tag, []).append((heads[task], problem.call_s[task], tails[task]))
    return max(one_machine_s(rows) for rows in jobs.values())


def one_machine_s(jobs: Iterable[tuple[float, float, float]]) -> float:
    """Return the earliest end of jobs (head, time, tail) on one machine that may interrupt them.

    Jackson's preemptive rule: of the jobs whose head has passed, the one with the longest tail runs. It is optimal, and
    no schedule without interruptions ends before it.

    Args:
        jobs: Earliest start, time on the machine, and what follows it elsewhere, in seconds.
    """
    coming = sorted(jobs)
    waiting: list[list[float]] = []  # [-tail, time left]
    now = end = 0.0
    at = 0
    while at < len(coming) or waiting:
        if not waiting:
            now = max(now, coming[at][0])
        while at < len(coming) and coming[at][0] <= now:
            heapq.heappush(waiting, [-coming[at][2], coming[at][1]])
            at += 1
        until = coming[at][0] if at < len(coming) else float("inf")
        longest = waiting[0]
        done = now + longest[1]
        if done <= until:
            end = max(end, done - heapq.heappop(waiting)[0])
            now = done
        else:
            longest[1] = done - until
            now = until
    return end


def _heads(problem: ScheduleProblem, loaded_s: Mapping[str, float]) -> dict[str, float]:
    """Return the earliest start of each task: after its parents, and after a load that must follow an ancestor."""
    heads: dict[str, float] = {}
    ends: dict[str, dict[str, float]] = {}  # task -> model -> latest end on it, of the task and what is before it
    for task in problem.graph.order:
        tag = problem.model[task]
        before = _latest(ends[each] for each in problem.graph.parents(task))
        waits = [end + (problem.load_s[tag] if problem.exclude(each, tag) else 0.0) for each, end in before.items()]
        heads[task] = max([loaded_s[tag], *waits])
        ends[task] = {**before, tag: heads[task] + problem.call_s[task]}
    return heads


def _tails(problem: ScheduleProblem) -> dict[str, float]:
    """Return the seconds that must follow the end of each task."""
    tails: dict[str, float] = {}
    rests: dict[str, dict[str, float]] = {}  # task -> model -> seconds from the start of a task on it to the end
    for task in reversed(problem.graph.order):
        tag = problem.model[task]
        after = _latest(rests[each] for each in problem.graph.children(task))
        waits = [rest + (problem.load_s[each] if problem.exclude(each, tag) else 0.0) for each, rest in after.items()]
        tails[task] = max(waits, default=0.0)
        rests[task] = {**after, tag: tails[task] + problem.call_s[task]}
    return tails


def _latest(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    latest: dict[str, float] = {}
    for row in rows:
        for tag, at_s in row.items():
            latest[tag] = max(at_s, latest.get(tag, 0.0))
    return latest


def _exclusive(problem: ScheduleProblem) -> Iterable[tuple[str, ...]]:
    """Return the pairs and triples of models no two of which are ever resident together."""
    for size in (2, 3):
        for tags in combinations(problem.models, size):
            if all(problem.exclude(*pair) for pair in combinations(tags, 2)):
                yield tags


def _in_turn_s(problem: ScheduleProblem, tags: tuple[str, ...], tails: Mapping[str, float]) -> float:
    """Return the bound of models that take turns: their loads and calls one after the other, and what follows."""
    tasks = [task for task, tag in problem.model.items() if tag in tags]
    loads_s = sum(problem.load_s[tag] for tag in tags)
    return loads_s + sum(problem.call_s[task] for task in tasks) + min(tails[task] for task in tasks)
