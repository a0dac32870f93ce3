"""List scheduling by upward rank: the HEFT algorithm, on whatever can say when a task would start and finish.

Source: H. Topcuoglu, S. Hariri and M.-Y. Wu, "Performance-effective and low-complexity task scheduling for
heterogeneous computing", IEEE Transactions on Parallel and Distributed Systems 13(3), 2002, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProblem:
    """A graph of tasks, each with its mean time over the processors; `edges` maps (parent, child) to the mean transfer.

    `tasks` come in topological order. Times are in any unit.
    """

    tasks: tuple[str, ...]
    mean_time: Mapping[str, float]
    edges: Mapping[tuple[str, str], float]


class Booking(NamedTuple):
    """A task on a processor from `start` to `finish`."""

    task: str
    processor: str
    start: float
    finish: float


class Timetable(Protocol):
    """The processors with what is booked on them."""

    def book(self, task: str, parents: Sequence[Booking]) -> Booking:
        """Book a task where it finishes earliest.

        Args:
            task: The task.
            parents: The bookings of its parents.
        """


def upward_ranks(problem: ListProblem) -> dict[str, float]:
    """Return rank_u(t) = w_t + max over children s of (c_ts + rank_u(s)); w_t for a task without children.

    w_t is the mean time of task t over the processors, c_ts the mean transfer time between t and s (equation 8).
    """
    children: dict[str, list[tuple[str, float]]] = {task: [] for task in problem.tasks}
    for (parent, child), transfer in problem.edges.items():
        children[parent].append((child, transfer))
    ranks: dict[str, float] = {}
    for task in reversed(problem.tasks):
        after = max([transfer + ranks[child] for child, transfer in children[task]], default=0.0)
        ranks[task] = problem.mean_time[task] + after
    return ranks


def schedule(problem: ListProblem, timetable: Timetable) -> tuple[Booking, ...]:
    """Return the bookings of all tasks, by decreasing upward rank; of equals, in the order of the problem.

    Args:
        problem: The tasks.
        timetable: Where they are booked.
    """
    ranks = upward_ranks(problem)
    place = {task: n for n, task in enumerate(problem.tasks)}
    parents: dict[str, list[str]] = {task: [] for task in problem.tasks}
    for parent, child in problem.edges:
        parents[child].append(parent)
    booked: dict[str, Booking] = {}
    for task in sorted(problem.tasks, key=lambda each: (-ranks[each], place[each])):
        booked[task] = timetable.book(task, [booked[each] for each in parents[task]])
    return tuple(booked.values())


def earliest_gap(busy: Sequence[tuple[float, float]], ready: float, duration: float) -> float:
    """Return the earliest start, not before `ready`, in a gap of at least `duration` (the insertion policy).

    Args:
        busy: Disjoint intervals (start, finish), sorted.
        ready: The earliest start.
        duration: The length of the gap.
    """
    start = ready
    for begun, ended in busy:
        if start + duration <= begun:
            return start
        start = max(start, ended)
    return start
