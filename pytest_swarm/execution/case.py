"""The receding-horizon loop: observe, plan, load, run the ready tasks, score, learn; then plan again.

One loop for flat and DAG runs: a flat run is a graph without edges, so that everything is ready at once.
"""

from __future__ import annotations

import asyncio

from pytest_swarm.domain.plan import Assignment
from pytest_swarm.domain.record import (
    Case,
    JobRecord,
    JobStatus,
    PlanStep,
    SamplePhase,
    Switch,
    TaskOutcome,
    TaskStatus,
    VramSample,
)
from pytest_swarm.domain.retry import Retry
from pytest_swarm.errors import InfeasibleError, ServerFaultError, SwarmError
from pytest_swarm.execution.case_context import CaseContext, set_up_job
from pytest_swarm.execution.planning import Moment, plan_step
from pytest_swarm.execution.sampling import REAL_INTERVAL, SIMULATED_INTERVAL, VramSampler
from pytest_swarm.execution.tasks import TaskCall, cut_sentence, not_loaded, run_tasks, scored, skipped
from pytest_swarm.fields import Json
from pytest_swarm.ollama.retrying import FailedAttempt
from pytest_swarm.scoring.thinking import handed_on
from pytest_swarm.telemetry import events


class StoppedJob(BaseException):
    """A job whose test a custom scorer ended, with its record; the cause is what the scorer raised."""

    def __init__(self, record: JobRecord) -> None:
        super().__init__(record.error)
        self.record = record


async def run_case(case: Case, context: CaseContext) -> JobRecord:
    """Run one graph once under one routing mode, and return its record. Only cancellation ends it without one.

    A custom scorer that ends the test raises StoppedJob, which has the record.

    Events go to the sink as they happen, from `dag_structure` to the last `task_result`. The caller, who knows the
    metrics, adds the closing `job_dag_summary`.

    Args:
        case: The graph and its place in the parametrization.
        context: What the case runs with.
    """
    job = _Job(case, context)
    context.sink.emit(events.encode_dag_structure(case, job.clock.ts_ms(), simulated=context.settings.simulated))
    try:
        await job.run()
    except InfeasibleError as error:
        return job.record(JobStatus.INFEASIBLE, str(error))
    except SwarmError as error:
        return job.record(JobStatus.ERROR, str(error))
    except (Exception, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as stop:  # an outcome of pytest, such as skip, which a custom scorer raised
        raise StoppedJob(job.record(JobStatus.ERROR, f"a custom scorer ended the test: {stop}")) from stop
    return job.record(JobStatus.COMPLETED, None)


class _Job:
    """The state of one running job."""

    def __init__(self, case: Case, context: CaseContext) -> None:
        self.case = case
        self.context = context
        setup = set_up_job(case, context, on_switch=self._on_switch)
        self.graph, self.clock, self.seed = setup.graph, setup.clock, setup.seed
        self.started_ts_ms = self.clock.ts_ms()
        self.finished: set[str] = set()
        self.answers: dict[str, str] = {}
        self.steps: list[PlanStep] = []
        self.outcomes: list[TaskOutcome] = []
        self.switches: list[Switch] = []
        self.samples: list[VramSample] = []
        self.retries: list[Retry] = []
        context.residency.client.on_retry = self._on_retry
        self.first_dispatch_s: float | None = None
        interval = SIMULATED_INTERVAL if context.settings.simulated else REAL_INTERVAL
        self.sampler = VramSampler(
            context.probe_client, context.gpu, self.clock, interval=interval, on_sample=self._on_sample
        )

    async def run(self) -> None:
        """Plan and execute steps until every task is finished, failed or skipped."""
        residency = self.context.residency
        if self.context.settings.fresh:
            await residency.clear()
        while len(self.finished) < len(self.graph):
            number = residency.step = len(self.steps)
            await self._sample(number, SamplePhase.START)
            async with self.sampler.sampling(number), residency.leases.renewed(self.context.probe_client):
                await self._step(number)
        await self._sample(len(self.steps) - 1, SamplePhase.END)

    async def _step(self, number: int) -> None:
        residency = self.context.residency
        moment = Moment(
            step=number,
            graph=self.graph,
            finished=frozenset(self.finished),
            resident=residency.resident,
            answers=self.answers,
        )
        if self.first_dispatch_s is None:
            self.first_dispatch_s = self.clock.now_s()
        step = await plan_step(moment, self.case, self.context, clock=self.clock)
        self.steps.append(step)
        self._emit(events.encode_plan_step(self.case, step, self.clock.ts_ms()))
        calls = tuple(self._call(each, number) for each in step.executed)
        needed = tuple(dict.fromkeys(call.model.tag for call in calls))
        failed = await residency.switch_to(step.target_residency, needed)
        await self._sample(number, SamplePhase.READY)
        self.sampler.phase = SamplePhase.RUNNING
        at_s = self.clock.now_s()
        for call in calls:
            if call.model.tag in failed:
                self._finish(not_loaded(call, failed[call.model.tag], at_s))
        await self._run(tuple(call for call in calls if call.model.tag not in failed))
        for outcome in self.outcomes:
            if outcome.server_fault:
                raise ServerFaultError(f"task {outcome.task!r} was not measured: {outcome.error}")

    def _call(self, assignment: Assignment, number: int) -> TaskCall:
        return TaskCall(
            task=self.graph.task(assignment.task),
            model=self.context.residency.fleet[assignment.model],
            given=tuple((self.graph.task(each), self.answers[each]) for each in self.graph.inputs(assignment.task)),
            step=number,
            seed=self.seed,
            measured=self.context.measured.get((assignment.task, assignment.model)),
        )

    async def _run(self, calls: tuple[TaskCall, ...]) -> None:
        """Run, then score: a judge must not take VRAM from tasks that are still running."""
        context = self.context
        done = await run_tasks(calls, context.residency.client, self.clock, concurrency=context.settings.concurrency)
        self.sampler.phase = SamplePhase.SCORING
        for call, outcome in zip(calls, done, strict=True):
            outcome = await scored(outcome, call, context.scorers)
            if outcome.truncated:
                self._emit(events.encode_note(self.case, cut_sentence(call, outcome), self.clock.ts_ms()))
            if outcome.status is TaskStatus.OK:
                self._learn(call, outcome)
            self._finish(outcome)

    def _learn(self, call: TaskCall, outcome: TaskOutcome) -> None:
        used = None
        if outcome.prompt_tokens is not None and outcome.completion_tokens is not None:
            used = outcome.prompt_tokens + outcome.completion_tokens
        self.context.estimator.learn(call.task, call.model.tag, score=outcome.score, used_tokens=used)

    def _finish(self, outcome: TaskOutcome) -> None:
        """Enter an outcome; everything that depends on a failed task is skipped. A server's fault ends the job."""
        self._enter(outcome)
        if outcome.answer is not None:
            self.answers[outcome.task] = handed_on(outcome.answer, whole=self.graph.context == "full")
        if outcome.status is TaskStatus.FAILED and not outcome.server_fault:
            for descendant in self.graph.descendants(outcome.task):
                if descendant not in self.finished:
                    self._enter(skipped(descendant, outcome.task))

    def _enter(self, outcome: TaskOutcome) -> None:
        self.finished.add(outcome.task)
        self.outcomes.append(outcome)
        self._emit(events.encode_task_result(self.case, outcome, self.clock.ts_ms()))

    def _on_retry(self, failed: FailedAttempt) -> None:
        """Keep an attempt that failed for the server's sake."""
        retry = Retry(
            step=self.context.residency.step,
            call=failed.call,
            reason=failed.reason,
            attempt=failed.attempt,
            at_s=self.clock.now_s(),
            wait_s=failed.wait_s,
        )
        self.retries.append(retry)
        self._emit(events.encode_retry(self.case, retry, self.clock.ts_ms()))

    def _on_switch(self, switch: Switch) -> None:
        self.switches.append(switch)
        self._emit(events.encode_switch(self.case, switch, self.clock.ts_ms()))

    async def _sample(self, number: int, phase: SamplePhase) -> None:
        """Ask the server, and the GPU where there is one, what is in VRAM."""
        await self.sampler.record(number, phase, await self.context.residency.observe())

    def _on_sample(self, sample: VramSample) -> None:
        self.samples.append(sample)
        self._emit(events.encode_vram_sample(self.case, sample, self.clock.ts_ms()))

    def _emit(self, event: dict[str, Json]) -> None:
        self.context.sink.emit(event)

    def record(self, status: JobStatus, error: str | None) -> JobRecord:
        """Return the job as it stands; makespan from the first dispatch to the last completion."""
        ended = [each.finished_s for each in self.outcomes if each.finished_s is not None]
        makespan_s = max(ended) - self.first_dispatch_s if ended and self.first_dispatch_s is not None else None
        return JobRecord(
            case=self.case,
            status=status,
            simulated=self.context.settings.simulated,
            started_ts_ms=self.started_ts_ms,
            steps=tuple(self.steps),
            outcomes=tuple(self.outcomes),
            switches=tuple(self.switches),
            samples=tuple(self.samples),
            retries=tuple(self.retries),
            makespan_s=makespan_s,
            error=error,
        )
