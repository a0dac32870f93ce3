"""The receding-horizon loop: observe, plan, load, run the ready tasks, score, learn; then plan again.

One loop for flat and DAG runs: a flat run is a graph without edges, so that everything is ready at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytest_swarm.domain.record import Case, JobRecord, JobStatus
from pytest_swarm.domain.vram_sample import SamplePhase
from pytest_swarm.errors import BackendError, InfeasibleError, ServerFaultError, SwarmError
from pytest_swarm.execution.case_context import CaseContext
from pytest_swarm.execution.dispatcher import Dispatcher
from pytest_swarm.execution.running_job import RunningJob
from pytest_swarm.telemetry import events


class StoppedJob(BaseException):
    """A job whose test was ended while it ran, with its record; the cause is what was raised.

    A custom scorer or router may end its test (skip), and so may the handler of a signal, such as that of
    pytest-timeout.
    """

    def __init__(self, record: JobRecord) -> None:
        super().__init__(record.error)
        self.record = record


async def run_case(case: Case, context: CaseContext, *, stops: Sequence[BaseException] = ()) -> JobRecord:
    """Run one graph once under one routing mode, and return its record. Only cancellation ends it without one.

    What ends the test raises StoppedJob, which has the record.

    Events go to the sink as they happen, from `dag_structure` to the last `task_result`. The caller, who knows the
    metrics, adds the closing `job_dag_summary`.

    Args:
        case: The graph and its place in the parametrization.
        context: What the case runs with.
        stops: What ended the test from outside of the case, which is cancelled then; it may be filled while it runs.
    """
    with RunningJob(case, context) as job:
        return await _recorded(job, stops)


async def _recorded(job: RunningJob, stops: Sequence[BaseException]) -> JobRecord:
    """Run a job, and return its record, as `run_case` does."""
    case, context = job.case, job.context
    context.sink.emit(events.encode_dag_structure(case, job.clock.ts_ms(), simulated=context.backend.simulated))
    try:
        if context.settings.dispatch == "tasks":
            await Dispatcher(job).run()
        else:
            await _run_layers(job)
    except InfeasibleError as error:
        return job.record(JobStatus.INFEASIBLE, str(error))
    except SwarmError as error:
        of_server = isinstance(error, BackendError | ServerFaultError)  # no BackendError of a call gets here
        return job.record(JobStatus.ERROR, str(error), server_fault=of_server)
    except asyncio.CancelledError:
        context.residency.restoration.broken_off = True
        if not stops:
            raise
        raise _stopped(job, stops[0]) from stops[0]
    except (Exception, KeyboardInterrupt, GeneratorExit):  # a fault of the program, or the end of the whole run
        raise
    except BaseException as stop:  # no narrower: a scorer may raise an outcome of pytest, which is unknown in this room
        raise _stopped(job, stop) from stop
    return job.record(JobStatus.COMPLETED, None)


def _stopped(job: RunningJob, stop: BaseException) -> StoppedJob:
    reason = f"the test was ended while the job ran, by {type(stop).__name__}: {stop}"
    return StoppedJob(job.record(JobStatus.ERROR, reason))


async def _run_layers(job: RunningJob) -> None:
    """Plan and run steps, each after all tasks of the one before, until every task is finished, failed or skipped."""
    residency = job.context.residency
    if job.context.fresh:
        await residency.clear()
    residency.leases.start_renewing(job.context.connection.probe_client)
    try:
        while not job.is_over:
            number = residency.step = len(job.steps)
            await job.observe(number, SamplePhase.START)
            job.sampler.begin(number)
            try:
                await _run_step(job, number)
            finally:
                await job.sampler.end()
    finally:
        await residency.leases.stop_renewing()
    await job.observe(len(job.steps) - 1, SamplePhase.END)


async def _run_step(job: RunningJob, number: int) -> None:
    """Plan, load, run, then score: a judge must not take VRAM from tasks that are still running."""
    step = await job.plan(job.moment(number))
    calls = await job.load(step)
    done = await job.run(calls)
    for call, outcome in zip(calls, done, strict=True):
        outcome = await job.score(call, outcome)
        job.learn(call, outcome)
        job.finish(outcome)
    job.stop_at_server_fault()
