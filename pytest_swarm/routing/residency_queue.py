"""A residency that changes as tasks come: models are loaded when they are needed, the least recently used makes room.

Shared by the modes that take tasks one after the other and defer the rest: `fixed`, `collate` and `heft`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_swarm.domain.plan import Origin, Plan, PlanStatus
from pytest_swarm.domain.task import Task
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.plan_builders import assignment

_NEVER_USED = -1


class LruResidency:
    """The models that a step holds in VRAM; a model that it uses, and a pinned one, is not evicted within the step.

    Of models of the same weights, the one that stands for them is held.
    """

    def __init__(self, view: PlanningView) -> None:
        self._view = view
        self._vram_gb = {model.tag: model.vram_gb for model in view.fleet}
        self._pinned = {model.tag for model in view.pinned}
        self._in_use = set(self._pinned)
        self._held = set(view.fleet.held(view.resident)) | self._pinned
        self._last_used: dict[str, int] = {}
        for tag, step in view.last_used.items():
            holder = view.fleet.holder(tag)
            self._last_used[holder] = max(step, self._last_used.get(holder, _NEVER_USED))

    def hold(self, tag: str, *, evict: bool = True) -> bool:
        """Hold a model for a task of this step; return False, and change nothing, where there is no room for it.

        Args:
            tag: The model.
            evict: Whether models that the step does not use may make room.
        """
        wanted = self._in_use | {self._view.fleet.holder(tag)}
        if self._free_gb(wanted) < 0 or (not evict and self._free_gb(self._held | wanted) < 0):
            return False
        self._in_use, self._held = wanted, self._held | wanted
        self._shrink()
        return True

    @property
    def tags(self) -> frozenset[str]:
        """The models to hold, within the budget."""
        self._shrink()
        return frozenset(self._held)

    def _shrink(self) -> None:
        """Evict the least recently used models that are not in use, until the rest fits."""
        if self._free_gb(self._held) >= 0:
            return
        last_used, place = self._last_used, self._view.fleet.tags.index
        spare = sorted(self._held - self._in_use, key=lambda tag: (last_used.get(tag, _NEVER_USED), place(tag)))
        for tag in spare:
            self._held.discard(tag)
            if self._free_gb(self._held) >= 0:
                return

    def _free_gb(self, tags: Iterable[str]) -> float:
        return self._view.limit_gb - sum([self._vram_gb[tag] for tag in sorted(tags)])


def in_order_of_arrival(view: PlanningView) -> tuple[Task, ...]:
    """Return the ready tasks in the order in which they became ready; those of one step in the order of the horizon."""
    ready = set(view.ready)
    queue = [task for task in view.tasks if task.id in ready]
    return tuple(sorted(queue, key=lambda task: view.ready_since.get(task.id, view.step)))


def run_in_order(view: PlanningView, queue: Iterable[Task], models: Mapping[str, str]) -> Plan:
    """Return the plan that runs the first tasks of a queue, as far as their models fit together, and defers the rest.

    Args:
        view: The step to plan.
        queue: The ready tasks, in the order in which they are to run.
        models: Task to model, of the whole horizon.
    """
    residency = LruResidency(view)
    run: set[str] = set()
    for task in queue:
        if not residency.hold(models[task.id]):
            break
        run.add(task.id)
    return deferring_plan(view, models, run=run, residency=residency.tags)


def deferring_plan(view: PlanningView, models: Mapping[str, str], *, run: set[str], residency: frozenset[str]) -> Plan:
    """Return the plan of a rule that runs some ready tasks now and leaves every other task to a later plan.

    Args:
        view: The step to plan.
        models: Task to model, of the whole horizon.
        run: The tasks to run now.
        residency: The models to hold meanwhile.
    """
    return Plan(
        assignments=tuple([assignment(task.id, models[task.id], Origin.RULE) for task in view.tasks]),
        residency=(residency,),
        status=PlanStatus.HEURISTIC,
        deferred=frozenset([task.id for task in view.tasks]) - run,
    )
