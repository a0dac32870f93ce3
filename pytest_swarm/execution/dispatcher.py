"""Dispatch without a barrier: plan again as soon as a task or a load ends, and load models while others run.

The router is asked as in the loop of steps, for a horizon without the tasks that run. What its plan commits is started
as soon as the model is resident and a slot is free. A model in use is never unloaded: a load waits until the budget
has room for it, and a later plan may decide otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.expectation import Judge
from pytest_swarm.domain.limits import BUDGET_TOLERANCE_GB
from pytest_swarm.domain.model import Model
from pytest_swarm.domain.plan import Assignment, RunningTask
from pytest_swarm.domain.record import TaskOutcome
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.domain.task import Task
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.domain.vram_sample import SamplePhase
from pytest_swarm.errors import BackendError, PlanError
from pytest_swarm.estimate.estimate_formulas import call_latency_s
from pytest_swarm.execution.plan_in_force import PlanInForce, plan_in_force
from pytest_swarm.execution.running_job import RunningJob
from pytest_swarm.execution.tasks import TaskCall, not_loaded, run_task
from pytest_swarm.routing.registry import built_in
from pytest_swarm.simulator.virtual_loop import settle

_START: Final = "start"
_TASK_END: Final = "task_end"
_LOAD_END: Final = "load_end"
_SETTLE_S: Final = 1e-3  # ends within a millisecond are one question


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A task that runs, when it began, and how long it may take (None where the fleet has no speeds)."""

    call: TaskCall
    started_s: float
    estimated_s: float | None

    def row(self, now_s: float) -> RunningTask:
        left = None if self.estimated_s is None else max(0.0, self.started_s + self.estimated_s - now_s)
        return RunningTask(task=self.call.task.id, model=self.call.model.tag, seconds_left=left)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Load:
    """A load that goes on: of which model, and the task that ends with the server's error, if it refuses."""

    tag: str
    task: asyncio.Task[BackendError | None]


class Dispatcher:
    """Runs the tasks of one job, from its first question to its last answer."""

    def __init__(self, job: RunningJob) -> None:
        self._job = job
        self._residency = job.context.residency
        self._settings = job.context.settings
        self._running: dict[asyncio.Task[TaskOutcome], _Call] = {}
        self._load: _Load | None = None  # the one that goes on
        self._refused: set[str] = set()  # models that could not be loaded ahead; their own tasks will ask again
        self._plan = PlanInForce()
        self._unscored: list[tuple[TaskCall, TaskOutcome]] = []  # answers for a judge, which needs the VRAM for itself
        self._ends = 0  # since the last question
        row = built_in(job.case.key.mode)
        self._replan_after = self._settings.replan_after if row is not None and "planner" in row.needs else 1

    async def run(self) -> None:
        """Run until every task is finished, failed or skipped."""
        job = self._job
        if job.context.fresh:
            await self._residency.clear()
        async with AsyncExitStack() as stack:
            job.sampler.begin(0)
            stack.push_async_callback(job.sampler.end)
            self._residency.leases.start_renewing(job.context.connection.probe_client)
            stack.push_async_callback(self._residency.leases.stop_renewing)
            stack.push_async_callback(self._cancel)
            trigger = _START
            while not job.is_over:
                if self._is_idle:
                    await self._score_the_rest()
                if self._must_ask():
                    await self._ask(trigger)
                self._start_tasks()
                self._start_load()
                trigger = await self._next_end()
            if self._load is not None:  # a load that comes too late is a load all the same
                await asyncio.wait({self._load.task})
                await self._take_load(self._load)
            await self._score_the_rest()
        await job.observe(max(0, len(job.steps) - 1), SamplePhase.END)

    @property
    def _is_idle(self) -> bool:
        return not self._running and self._load is None

    # --- questions -------------------------------------------------------------------------------------------

    def _must_ask(self) -> bool:
        """Return whether the router is to be asked: a task waits on which the last plan did not decide.

        Between such tasks the plan is followed: asking again at every end would change models that are on their way.
        """
        job = self._job
        started = {each.call.task.id for each in self._running.values()}
        waiting = {task for task in job.graph.ready(job.finished) if task not in started}
        if not waiting:
            return False
        committed = {each.task for each in self._committed()}
        if waiting <= committed:
            return False
        return self._ends >= self._replan_after or (self._is_idle and not committed)

    async def _ask(self, trigger: str) -> None:
        job = self._job
        number = self._residency.step = len(job.steps)
        job.sampler.enter(number)
        if trigger != _TASK_END:  # nothing but our own loads changes what is resident
            await job.observe(number, SamplePhase.START)
        self._ends = 0
        now_s = job.clock.now_s()
        running = tuple(each.row(now_s) for each in self._running.values())
        step = await job.plan(job.moment(number, running=running, trigger=trigger))
        self._plan = plan_in_force(step, followed=self._replan_after > 1)
        job.sampler.phase = SamplePhase.RUNNING
        job.context.connection.announce(lambda: tuple(job.call(each, number) for each in self._committed()))

    def _committed(self) -> Iterator[Assignment]:
        """Yield what the last plan runs now and is not started, in its order."""
        started = {each.call.task.id for each in self._running.values()}
        ready = set(self._job.graph.ready(self._job.finished)) - started
        yield from (each for each in self._plan.now if each.task in ready)

    # --- tasks -----------------------------------------------------------------------------------------------

    def _start_tasks(self) -> None:
        """Start what is committed where the model is resident and has a slot, the model with the fewest calls first.

        A server has few slots a model, so calls on one model wait for each other while another one would be idle.
        """
        holder = self._residency.fleet.holder
        busy = Counter(holder(each.call.model.tag) for each in self._running.values())
        waiting: dict[str, deque[Assignment]] = {}
        for each in self._committed():
            waiting.setdefault(holder(each.model), deque()).append(each)
        while len(self._running) < self._settings.concurrency:
            open_models = [tag for tag, tasks in waiting.items() if tasks and self._has_slot(tag, busy[tag])]
            if not open_models:
                return
            tag = min(open_models, key=lambda each: busy[each])
            busy[tag] += 1
            self._start(waiting[tag].popleft())

    def _has_slot(self, tag: str, busy: int) -> bool:
        parallel, loading = self._residency.fleet[tag].parallel, self._load is not None and self._load.tag == tag
        return (parallel is None or busy < parallel) and not loading and self._residency.is_loaded(tag)

    def _start(self, assignment: Assignment) -> None:
        job = self._job
        call = job.call(assignment, self._plan.step)
        job.last_used[call.model.tag] = call.step
        estimated_s = None
        if call.model.has_speeds:
            estimated_s = _latency_s(call.task, call.model)
        self._residency.acquire(call.model.tag)
        task = asyncio.create_task(run_task(call, job.chat, job.clock))
        task.add_done_callback(lambda _: self._residency.release(call.model.tag))
        self._running[task] = _Call(call=call, started_s=job.clock.now_s(), estimated_s=estimated_s)

    # --- loads -----------------------------------------------------------------------------------------------

    def _start_load(self) -> None:
        """Start the first load for which there is room: of a committed task's model, else of a later one."""
        if self._load is not None:
            return
        plan, budget_gb = self._plan, self._job.case.key.vram_budget_gb
        limit_gb = max(budget_gb, plan.target_gb)  # a plan over budget is run as it is, and counted
        for tag, purpose in self._wanted():
            evicted = self._residency.evictions(tag, plan.target, limit_gb=limit_gb)
            if evicted is not None:
                task = asyncio.create_task(self._residency.load_beside(tag, evicted, purpose=purpose))
                self._load = _Load(tag=tag, task=task)
                return

    def _wanted(self) -> Iterator[tuple[str, SwitchPurpose]]:
        """Yield the models that are to be loaded, and what for: those of committed tasks before those of later ones."""
        holder = self._residency.fleet.holder
        committed = list(dict.fromkeys(holder(each.model) for each in self._committed()))
        missing = [tag for tag in committed if not self._residency.is_loaded(tag)]
        missing.sort(key=lambda tag: -self._work(tag))  # loads are one at a time: the longest work begins first
        yield from ((tag, SwitchPurpose.TASK) for tag in missing)
        if missing:
            return  # a model for later must not take the room of one that is needed now
        later, fleet = self._next_models(), self._residency.fleet
        if sum(fleet[tag].vram_gb for tag in later) <= self._job.case.key.vram_budget_gb + BUDGET_TOLERANCE_GB:
            ahead = (tag for tag in later if tag not in self._residency.resident and tag not in self._refused)
            yield from ((tag, SwitchPurpose.PREFETCH) for tag in ahead)
        # else they take turns, in an order that the router has yet to decide

    def _work(self, tag: str) -> float:
        """Return the estimated seconds of a model's committed tasks; their tokens where a model has no speeds."""
        fleet, graph = self._residency.fleet, self._job.graph
        tasks = [graph.task(each.task) for each in self._committed() if fleet.holder(each.model) == tag]
        if not all(model.has_speeds for model in fleet):
            return sum(task.estimated_tokens for task in tasks)
        return sum(_latency_s(task, fleet[tag]) for task in tasks)

    def _next_models(self) -> list[str]:
        """Return the models of the plan's deferred tasks and of its next stage, in its order."""
        rows = (each for each in self._plan.later if each.task not in self._job.finished)
        return list(dict.fromkeys(self._residency.fleet.holder(each.model) for each in rows))

    # --- ends ------------------------------------------------------------------------------------------------

    async def _next_end(self) -> str:
        """Wait for the next end of a task or a load, take all that end together, and say which it was."""
        waiting: set[asyncio.Task[TaskOutcome] | asyncio.Task[BackendError | None]] = {*self._running}
        if self._load is not None:
            waiting.add(self._load.task)
        if not waiting:
            raise PlanError(f"{self._job.case.label}: nothing of the plan can run; report this as a bug")
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await settle(_SETTLE_S)
        self._ends += 1
        ended = [task for task in self._running if task.done()]
        if self._load is not None and self._load.task.done():
            await self._take_load(self._load)
        await self._take_tasks(ended)
        return _TASK_END if ended else _LOAD_END

    async def _take_load(self, load: _Load) -> None:
        """Take the end of a load; the committed tasks of a model that was refused have failed."""
        self._load = None
        error = load.task.result()
        await self._job.observe(self._plan.step, SamplePhase.READY)
        self._job.sampler.phase = SamplePhase.RUNNING
        if error is None:
            return
        self._refused.add(load.tag)
        at_s = self._job.clock.now_s()
        for each in tuple(self._committed()):
            if self._residency.fleet.holder(each.model) == load.tag:
                self._job.finish(not_loaded(self._job.call(each, self._plan.step), error, at_s))
        self._job.stop_at_server_fault()

    async def _take_tasks(self, ended: list[asyncio.Task[TaskOutcome]]) -> None:
        job = self._job
        done = [(self._running.pop(task).call, task.result()) for task in ended]
        for call, outcome in done:
            if isinstance(call.task.expected, Judge) and outcome.answer is not None:
                job.advance(outcome)
                self._unscored.append((call, outcome))
                continue
            scored = await job.score(call, outcome)
            job.learn(call, scored)
            job.finish(scored)
        job.sampler.phase = SamplePhase.RUNNING
        job.stop_at_server_fault()

    async def _score_the_rest(self) -> None:
        """Score the answers for a judge, which may take the place of other models now that nothing runs."""
        waiting, self._unscored = self._unscored, []
        for call, outcome in waiting:
            scored = await self._job.score(call, outcome)
            self._job.learn(call, scored)
            self._job.enter(scored)

    async def _cancel(self) -> None:
        """Cancel what still runs, so that nothing of a job that ended early goes on."""
        left: list[asyncio.Task[TaskOutcome] | asyncio.Task[BackendError | None]] = [*self._running]
        left += [] if self._load is None else [self._load.task]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for _, outcome in self._unscored:
            self._job.enter(outcome)


def _latency_s(task: Task, model: Model) -> float:
    """Return the estimated seconds of a task's call on a loaded model."""
    return float(call_latency_s(tokens_by_length(task.prompt), task.estimated_tokens, *model.speeds))
