"""The state of one running job, and the parts of its loop: each is a method that knows nothing of the others' order.

`observe` what is resident, `plan` (view, route, check), `load` the models of a plan, `run` its tasks, `score` and
`learn`. `case` strings them together, step by step.
"""

from __future__ import annotations

from typing import Self

from pytest_swarm.domain.plan import Assignment, RunningTask
from pytest_swarm.domain.record import Case, JobRecord, JobStatus, PlanStep, TaskOutcome, TaskStatus
from pytest_swarm.domain.retry import Retry
from pytest_swarm.domain.seeding import task_seeds
from pytest_swarm.domain.switch import Switch
from pytest_swarm.domain.vram_sample import ResidentModel, SamplePhase, VramSample
from pytest_swarm.errors import ServerFaultError
from pytest_swarm.execution.case_context import CaseContext, graph_as_run, set_up_job
from pytest_swarm.execution.imagined_answers import is_imagined
from pytest_swarm.execution.planning import Moment, plan_step
from pytest_swarm.execution.sampling import REAL_INTERVAL, SIMULATED_INTERVAL, Look, VramSampler
from pytest_swarm.execution.tasks import TaskCall, cut_sentence, not_loaded, run_tasks, scored, skipped
from pytest_swarm.fields import Json
from pytest_swarm.ollama.messages import ChatReply, ChatRequest
from pytest_swarm.ollama.retrying import FailedAttempt
from pytest_swarm.scoring.answer_text import handed_on
from pytest_swarm.telemetry import events


class RunningJob:
    """One job while it runs: what is finished, what was answered, and everything that its record will hold."""

    def __init__(self, case: Case, context: CaseContext) -> None:
        self.case = case
        self.context = context
        setup = set_up_job(case, context, on_switch=self._on_switch)
        self.graph, self.clock = graph_as_run(case), setup.clock
        self._seeds = task_seeds(self.graph, setup.seed)
        self._imported = context.connection.imported(case.graph)
        self.started_ts_ms = self.clock.ts_ms()
        self.finished: set[str] = set()
        self.answers: dict[str, str] = {}
        self.ready_since: dict[str, int] = {}
        self.last_used: dict[str, int] = {}
        self.steps: list[PlanStep] = []
        self.outcomes: list[TaskOutcome] = []
        self.switches: list[Switch] = []
        self.samples: list[VramSample] = []
        self.retries: list[Retry] = []
        context.residency.client.on_retry = self._on_retry
        self.first_dispatch_s: float | None = None
        self.sampler = VramSampler(
            Look(resident=self._look, known=self._known, is_sent=context.connection.probe_sent),
            context.gpu,
            self.clock,
            interval=SIMULATED_INTERVAL if context.backend.sparse_samples else REAL_INTERVAL,
            on_sample=self._on_sample,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all that calls back to this job, which then is freed at once, not in a collection of garbage."""
        self.context.residency.end()
        self.context.residency.client.on_retry = None
        del self.sampler

    async def _look(self) -> tuple[ResidentModel, ...]:
        return self.context.residency.named(await self.context.connection.probe_client.resident())

    def _known(self) -> tuple[ResidentModel, ...] | None:
        rows = self.context.connection.probe_client.known_resident()
        return None if rows is None else self.context.residency.named(rows)

    @property
    def is_over(self) -> bool:
        """Whether every task is finished, failed or skipped."""
        return len(self.finished) == len(self.graph)

    async def observe(self, number: int, phase: SamplePhase) -> None:
        """Ask the server, and the GPU where there is one, what is in VRAM.

        Args:
            number: The step.
            phase: Where in the step this is.
        """
        await self.sampler.record(number, phase, await self.context.residency.observe())

    def moment(
        self, number: int, *, running: tuple[RunningTask, ...] | None = None, trigger: str | None = None
    ) -> Moment:
        """Return the state of the job as step `number` is planned; tasks that are ready now have been so from here.

        Args:
            number: The step.
            running: The tasks that run meanwhile; None where each step ends before the next is planned.
            trigger: What made the router asked, where there is no barrier between steps.
        """
        for task_id in self.graph.ready(self.finished):
            self.ready_since.setdefault(task_id, number)
        return Moment(
            step=number,
            graph=self.graph,
            finished=frozenset(self.finished),
            resident=self.context.residency.resident,
            answers=self.answers,
            ready_since=self.ready_since,
            last_used=self.last_used,
            running=running,
            trigger=trigger,
        )

    async def plan(self, moment: Moment) -> PlanStep:
        """Return the checked plan of a step, which is then part of the record; raises as `plan_step` does."""
        if self.first_dispatch_s is None:
            self.first_dispatch_s = self.clock.now_s()
        step = await plan_step(moment, self.case, self.context, clock=self.clock)
        self.steps.append(step)
        self._emit(events.encode_plan_step(self.case, step, self.clock.ts_ms()))
        return step

    async def load(self, step: PlanStep) -> tuple[TaskCall, ...]:
        """Load what the executed tasks of a step need, and return those that can run; the others have failed."""
        calls = tuple(self.call(each, step.step) for each in step.executed)
        self.context.connection.announce(lambda: calls)
        needed = tuple(dict.fromkeys(call.model.tag for call in calls))
        failed = await self.context.residency.switch_to(step.target_residency, needed)
        await self.observe(step.step, SamplePhase.READY)
        self.sampler.phase = SamplePhase.RUNNING
        at_s = self.clock.now_s()
        for call in calls:
            if call.model.tag in failed:
                self.finish(not_loaded(call, failed[call.model.tag], at_s))
        return tuple(call for call in calls if call.model.tag not in failed)

    async def run(self, calls: tuple[TaskCall, ...]) -> tuple[TaskOutcome, ...]:
        """Return the unscored outcomes of tasks, run concurrently."""
        for call in calls:
            self.last_used[call.model.tag] = call.step
        concurrency = self.context.settings.concurrency
        return await run_tasks(calls, self.chat, self.clock, concurrency=concurrency)

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Return the server's reply to a task; raises BackendError."""
        residency = self.context.residency
        return await residency.restoration.reply(residency.client.chat(request))

    async def score(self, call: TaskCall, outcome: TaskOutcome) -> TaskOutcome:
        """Return an outcome with its scores; a judge may take the place of the models in VRAM.

        Args:
            call: The task with its model and inputs.
            outcome: The unscored outcome.
        """
        self.sampler.phase = SamplePhase.SCORING
        outcome = await scored(outcome, call, self.context.scorers)
        if outcome.truncated:
            self._emit(events.encode_note(self.case, cut_sentence(call, outcome), self.clock.ts_ms()))
        return outcome

    def learn(self, call: TaskCall, outcome: TaskOutcome) -> None:
        """Move the estimates toward an outcome; a failed call or a made-up answer says nothing about its model.

        Args:
            call: The task with its model.
            outcome: The scored outcome.
        """
        made_up = self.context.settings.imagined and is_imagined(outcome.answer)
        if outcome.status is not TaskStatus.OK or made_up:
            return
        used = None
        if outcome.prompt_tokens is not None and outcome.completion_tokens is not None:
            used = outcome.prompt_tokens + outcome.completion_tokens
        self.context.estimator.learn(call.task, call.model.tag, score=outcome.score, used_tokens=used)

    def finish(self, outcome: TaskOutcome) -> None:
        """Enter an outcome; everything that depends on a failed task is skipped. A server's fault ends the job."""
        self.enter(outcome)
        self.advance(outcome)

    def advance(self, outcome: TaskOutcome) -> None:
        """Hand on the answer of a task that ended, which need not be scored yet, or skip what depends on it."""
        self.finished.add(outcome.task)
        if outcome.answer is not None:
            self.answers[outcome.task] = handed_on(outcome.answer, whole=self.graph.context == "full")
        if outcome.status is TaskStatus.FAILED and not outcome.server_fault:
            for descendant in self.graph.descendants(outcome.task):
                if descendant not in self.finished:
                    self.enter(skipped(descendant, outcome.task))
                    self.finished.add(descendant)

    def stop_at_server_fault(self) -> None:
        """Raise ServerFaultError where a task failed for the server's sake: it says nothing about its model."""
        for outcome in self.outcomes:
            if outcome.server_fault:
                raise ServerFaultError(f"task {outcome.task!r} was not measured: {outcome.error}")

    def record(self, status: JobStatus, error: str | None, *, server_fault: bool = False) -> JobRecord:
        """Return the job as it stands; makespan from the first dispatch to the last completion.

        Args:
            status: How it ended.
            error: Why it did not complete; None where it did.
            server_fault: Whether that is the server's doing.
        """
        ended = [each.finished_s for each in self.outcomes if each.finished_s is not None]
        makespan_s = max(ended) - self.first_dispatch_s if ended and self.first_dispatch_s is not None else None
        return JobRecord(
            case=self.case,
            status=status,
            simulated=self.context.backend.simulated,
            started_ts_ms=self.started_ts_ms,
            steps=tuple(self.steps),
            outcomes=tuple(self.outcomes),
            switches=tuple(self.switches),
            samples=tuple(self.samples),
            retries=tuple(self.retries),
            makespan_s=makespan_s,
            error=error,
            server_fault=server_fault,
        )

    def call(self, assignment: Assignment, number: int) -> TaskCall:
        """Return the call of a task: its model, the answers that it is given, its seed.

        Args:
            assignment: The task and its model.
            number: The step that runs it.
        """
        imported = self._imported.get((assignment.task, assignment.model))
        inputs = () if imported is not None else self.graph.inputs(assignment.task)  # imported calls have no texts
        return TaskCall(
            task=self.graph.task(assignment.task),
            model=self.context.residency.fleet[assignment.model],
            given=tuple((self.graph.task(each), self.answers[each]) for each in inputs),
            step=number,
            seed=self._seeds[assignment.task],
            imported=imported,
        )

    def enter(self, outcome: TaskOutcome) -> None:
        """Enter an outcome, with its score, into the record."""
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

    def _on_sample(self, sample: VramSample) -> None:
        self.samples.append(sample)
        self._emit(events.encode_vram_sample(self.case, sample, self.clock.ts_ms()))

    def _emit(self, event: dict[str, Json]) -> None:
        self.context.sink.emit(event)
