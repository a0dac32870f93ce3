"""`heft`: list scheduling by upward rank on one GPU, with load times and the residency budget.

The algorithm is that of Topcuoglu, Hariri and Wu (2002), see `list_schedule`. A processor is a model in VRAM, and a
call takes one of as many slots as calls run at a time.
"""

from __future__ import annotations

from itertools import compress
from typing import Self

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.feasibility import explain_alone
from pytest_swarm.routing.gpu_timetable import GpuTimetable
from pytest_swarm.routing.list_schedule import Booking, ListProblem, schedule
from pytest_swarm.routing.plan_builders import infeasible_plan
from pytest_swarm.routing.residency_queue import run_in_order


class HeftRouter:
    """The earliest finish among the models whose quality is within `quality_floor` of the best that fits alone.

    These models are found for the whole graph at the first step of a job and kept. With estimates that follow each
    answer, a single wrong one would end in another model and its load.
    """

    name = "heft"

    def __init__(self, *, quality_floor: float, concurrency: int) -> None:
        self._quality_floor = quality_floor
        self._concurrency = concurrency
        self._good: dict[str, frozenset[str]] = {}

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:
        """Return the router with the quality floor and the number of calls at a time of the setup."""
        return cls(quality_floor=setup.quality_floor, concurrency=setup.concurrency)

    async def route(self, view: PlanningView) -> Plan:
        """Return the plan that runs the first tasks of the schedule whose models fit together; the others wait."""
        reason = explain_alone(view)
        if reason is not None:
            return infeasible_plan(view, reason=reason)
        if view.step == 0:
            self._good = self._good_models(view.whole())
        bookings = self.bookings(view)
        models = {each.task: each.processor for each in bookings}
        task_of = {task.id: task for task in view.tasks}
        ready = set(view.ready)
        first = sorted((each for each in bookings if each.task in ready), key=lambda each: each.start)
        return run_in_order(view, [task_of[each.task] for each in first], models)

    def bookings(self, view: PlanningView) -> tuple[Booking, ...]:
        """Return the schedule of the horizon, which ends at the estimated makespan.

        Of good models of the same weights, which are in VRAM together, a task takes the fastest.
        """
        times_s, fastest = _of_copies(view.fleet, self._times_s(view))
        problem = ListProblem(
            tasks=tuple(task.id for task in view.tasks),
            mean_time={task: sum(times.values()) / len(times) for task, times in times_s.items()},
            edges=dict.fromkeys(view.edges, 0.0),
        )
        timetable = GpuTimetable(
            view.fleet.holders, times_s, limit_gb=view.limit_gb, slots=self._concurrency, resident=view.resident
        )
        timetable.occupy([(view.fleet.holder(each.model), each.seconds_left or 0.0) for each in view.running])
        booked = schedule(problem, timetable)
        if not fastest:
            return booked
        return tuple(each._replace(processor=fastest[each.task, each.processor]) for each in booked)

    def _times_s(self, view: PlanningView) -> dict[str, dict[str, float]]:
        """Return task to seconds on each model that is good enough: those of the first step, where one of them can."""
        times_s: dict[str, dict[str, float]] = {}
        now: dict[str, frozenset[str]] = {}
        latency_s, able = view.estimates.latency_s.T.tolist(), view.assignable.T.tolist()
        for task, seconds, can in zip(view.tasks, latency_s, able, strict=True):
            known = list(compress(zip(view.fleet.tags, seconds, strict=True), can))
            good = self._good.get(task.id, frozenset())
            times_s[task.id] = {tag: each for tag, each in known if tag in good}
            if not times_s[task.id]:
                now = now or self._good_models(view)
                times_s[task.id] = {tag: each for tag, each in known if tag in now[task.id]}
        return times_s

    def _good_models(self, view: PlanningView) -> dict[str, frozenset[str]]:
        """Return for each task the models within the floor of the best; the best one always is."""
        good: dict[str, frozenset[str]] = {}
        quality, able = view.estimates.quality.T.tolist(), view.assignable.T.tolist()
        for task, values, can in zip(view.tasks, quality, able, strict=True):
            known = list(compress(zip(view.fleet.tags, values, strict=True), can))
            least = max([value for _, value in known], default=0.0) - self._quality_floor - 1e-12
            good[task.id] = frozenset([tag for tag, value in known if value >= least])
        return good


def _of_copies(
    fleet: Fleet, times_s: dict[str, dict[str, float]]
) -> tuple[dict[str, dict[str, float]], dict[tuple[str, str], str]]:
    """Return task to seconds on each copy of weights, and the fastest model of a copy by task; none where all differ.

    Args:
        fleet: The models.
        times_s: Task to seconds on each model.
    """
    if not fleet.sharers:
        return times_s, {}
    copies: dict[str, dict[str, float]] = {}
    fastest: dict[tuple[str, str], str] = {}
    for task, times in times_s.items():
        slowest_first = sorted(times.items(), key=lambda row: (row[1], row[0]), reverse=True)
        by_copy = {fleet.holder(tag): tag for tag, _ in slowest_first}
        copies[task] = {fleet.holder(tag): each for tag, each in times.items() if by_copy[fleet.holder(tag)] == tag}
        fastest |= {(task, copy): tag for copy, tag in by_copy.items()}
    return copies, fastest
