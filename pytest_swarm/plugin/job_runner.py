"""swarm_run: from a test's graph to its JobResult."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.errors import NotMeasuredError, SwarmError
from pytest_swarm.metrics.job_metrics import JobMetrics, encode_metrics, job_metrics
from pytest_swarm.plugin.cases import is_swarm, key_of, workflow_of
from pytest_swarm.plugin.job_turns import JobTurns, refuse_unusable_call
from pytest_swarm.telemetry.events import encode_job_summary, encode_note
from pytest_swarm.units import now_ms

if TYPE_CHECKING:
    from pytest_swarm.domain.plan import Plan
    from pytest_swarm.plugin.cases import Cases
    from pytest_swarm.plugin.dry_run import DryRun
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.repeating import Repeating
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.plugin.run_folder import RunFolder


class BenchmarkFixture(Protocol):
    """What is used of pytest-benchmark's `benchmark`."""

    extra_info: dict[str, object]

    def __call__(self, function: Callable[[], object]) -> object:
        """Time calls of the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What `swarm_run(dag)` gives: the record of what happened, and its figures.

    `score` is the mean task score (None where nothing could be scored), `violations` the plan steps over budget.
    """

    record: JobRecord
    metrics: JobMetrics

    @property
    def status(self) -> str:
        """`completed`; other ends fail the test before there is a result."""
        return self.record.status.value

    @property
    def score(self) -> float | None:
        """Mean task score of the job, in [0, 1]."""
        return self.metrics.score

    @property
    def violations(self) -> int:
        """Plan steps whose planned residency is over the budget."""
        return self.metrics.violations


class JobRunner:
    """Runs the jobs of a session, one at a time, and knows which need no run: finished before, or decided.

    Args:
        resources: The settings, the bench, and the lock of its server.
        cases: What a test's markers say.
        folder: Where the events of the jobs go.
        repeating: What decides on further repeats; None where every repeat is run.
        dry_run: Counts the cost of the jobs in place of running them; None where they are run.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        cases: Cases,
        folder: RunFolder,
        repeating: Repeating | None,
        dry_run: DryRun | None,
    ) -> None:
        self.dry_run = dry_run
        self._cases = cases
        self._resources = resources
        self.folder = folder
        self.repeating = repeating
        self._remarked: set[str] = set()
        self.turns = JobTurns(lambda: resources.hosts is not None or resources.called.live)

    def case_of(self, graph: TaskGraph, item: pytest.Item, key: CaseKey) -> Case:
        """Return the case of a test's graph, with --swarm-context and the marker's version and family applied."""
        context, axes = self._resources.settings.context, self._cases.axes_of(item)
        graph = graph if context is None else graph.with_context(context)
        if axes.version is not None:
            graph = replace(graph, version=axes.version)
        if axes.family is not None:
            graph = replace(graph, family=axes.family)
        return Case(graph=graph, key=key, test=item.nodeid)

    def count(self, case: Case, item: pytest.Item, dry_run: DryRun) -> str | None:
        """Count what a case would cost, nothing where it has finished earlier; return why it would not complete."""
        earlier = self.folder.earlier.finished(case)
        if earlier is not None:
            dry_run.add_finished(earlier, verify=self._is_to_verify(case, item))
            return None
        return dry_run.add(case, carryover=self._cases.carryover_of(item))

    def result_of(self, case: Case, item: pytest.Item) -> JobResult:
        """Return the job's result: of the run that is resumed, where that has finished it, else of a run now."""
        earlier = self.folder.earlier.finished(case)
        if earlier is not None:
            self._verify(earlier, item)
            return JobResult(record=earlier, metrics=job_metrics(earlier))
        return self._run(case, item)

    def _run(self, case: Case, item: pytest.Item) -> JobResult:
        """Run a case, under the lock of its server where that is a real one, and close it in the events."""
        from pytest_swarm.execution.case import StoppedJob

        try:
            record = self._record_of(case, item)
        except StoppedJob as stopped:
            self._close(stopped.record, item)
            raise (stopped.__cause__ or stopped) from None
        return self._close(record, item)

    def _record_of(self, case: Case, item: pytest.Item) -> JobRecord:
        """Run a case: on measured answers, on a free one of several servers, or on the only one."""
        resources, carryover = self._resources, self._cases.carryover_of(item)
        if resources.measuring is not None:
            return self._played(case, item, resources.measuring)
        if resources.hosts is not None:
            return resources.hosts.run(case, carryover=carryover, sink=self.folder.sink)
        with resources.exclusive():
            return resources.bench.run(case, carryover=carryover, sink=self.folder.sink)

    def _played(self, case: Case, item: pytest.Item, measuring: Measuring) -> JobRecord:
        """Play a case on measured answers; the other cases of its test are measured with it."""
        record = measuring.run(case, lambda: self._cases_left(case, item), sink=self.folder.sink)
        self._verify(record, item)
        return record

    def _is_to_verify(self, case: Case, item: pytest.Item) -> bool:
        return item.nodeid in self._resources.to_verify and case.digest not in self.folder.earlier.verified

    def _verify(self, predicted: JobRecord, item: pytest.Item) -> None:
        """Run a case for real as well, where --swarm-verify has drawn it."""
        if self._is_to_verify(predicted.case, item):
            from pytest_swarm.plugin.verifying import verify

            verify(predicted, self._resources, sink=self.folder.sink)

    def _cases_left(self, case: Case, item: pytest.Item) -> list[Case]:
        """Return the cases of a test that are to be run with this graph, the present one among them."""
        items = [each for each in item.session.items if is_swarm(each) and workflow_of(each) == workflow_of(item)]
        cases = [self.case_of(case.graph, each, key_of(each)) for each in items]
        if self._resources.settings.auto_repeat:  # whether there are further repeats is not decided yet
            cases = [each for each in cases if each.key.repeat == case.key.repeat]
        return [each for each in cases if not self.folder.earlier.has_finished(each)]

    def _close(self, record: JobRecord, item: pytest.Item) -> JobResult:
        """Write the end of a job into the events and announce it."""
        metrics = job_metrics(record)
        for sentence in self._remarks_on(record.case.graph):
            if sentence not in self._remarked:
                self._remarked.add(sentence)
                self.folder.sink.emit(encode_note(record.case, sentence, now_ms()))
        self.folder.sink.emit(encode_job_summary(record, now_ms(), encode_metrics(metrics)))
        item.config.hook.pytest_swarm_run_finished(record=record)
        return JobResult(record=record, metrics=metrics)

    def _remarks_on(self, graph: TaskGraph) -> Iterator[str]:
        """Yield what must be known of a graph beside the estimates and the fleet of the run."""
        from pytest_swarm.estimate.type_spelling import misspelled_types

        estimates = self._resources.estimates
        yield from misspelled_types(graph, self._resources.fleet, estimates=[row.type for row in estimates.info.rows])
        if estimates.knows_answers_of(graph):
            yield (
                f"the estimates of {estimates.info.source} are made of answers to jobs of this run, which is judged by "
                "such answers; take --swarm-estimates=cross:RUN, which leaves each job's own answers out"
            )

    @contextmanager
    def decision(self, case: Case) -> Iterator[Callable[[], Plan]]:
        """Give the router's first decision of a case, to be timed, under the lock of its server."""
        with self.turns.turn(), self._resources.exclusive(), self._resources.bench.decision(case) as decide:
            yield decide


class SwarmRun:
    """Callable of one test; each call is one job."""

    def __init__(self, jobs: JobRunner, item: pytest.Item, key: CaseKey) -> None:
        self._jobs = jobs
        self._item = item
        self.key = key
        self._last: JobResult | None = None
        earlier = item.user_properties  # of the same test, where a plugin runs it again
        item.user_properties = [each for each in earlier if not each[0].startswith("swarm.")]

    def __call__(self, graph: TaskGraph) -> JobResult:
        """Run the graph under the test's case. A job that does not complete fails the test with one sentence."""
        refuse_unusable_call(graph)
        with self._jobs.turns.turn():
            case = self._jobs.case_of(graph, self._item, self.key)
            if self._jobs.dry_run is not None:
                self._count(case, self._jobs.dry_run)
            repeating = self._jobs.repeating
            if repeating is not None and (reason := repeating.needless(case)):
                pytest.skip(f"decided without this repeat: {reason}")
            result = self._result_of(case)
            if isinstance(result, str):
                pytest.fail(result, pytrace=False)
            record, metrics = result.record, result.metrics
            if repeating is not None:
                repeating.saw(case, metrics)
            self._item.user_properties.extend(_properties(record, metrics))
            if record.status is not JobStatus.COMPLETED:
                pytest.fail(record.error or record.status.value, pytrace=False)
            self._last = result
            return result

    def _count(self, case: Case, dry_run: DryRun) -> NoReturn:
        """Count what a case would cost, in place of running it; what the run would say of it fails the test here."""
        try:
            error = self._jobs.count(case, self._item, dry_run)
        except SwarmError as refused:
            error = str(refused)
        if error is not None:
            pytest.fail(f"--swarm-dry-run: {error}", pytrace=False)
        pytest.skip("--swarm-dry-run: nothing is run")

    def _result_of(self, case: Case) -> JobResult | str:
        """Return the case's result, or the sentence of why there is none: one in which no other error shows."""
        try:
            return self._jobs.result_of(case, self._item)
        except NotMeasuredError as error:
            pytest.skip(str(error))
        except SwarmError as error:
            if self._jobs.folder.trouble is not None:  # what is measured from now on could not be kept
                self._item.session.shouldfail = "the run's events cannot be written"
            return str(error)

    def bench(self, benchmark: BenchmarkFixture) -> None:
        """Time the router's first decision of the job just run with pytest-benchmark, and file the job's figures there.

        `--benchmark-compare-fail` and its kin then work on decision times. Call it after `swarm_run(dag)`.
        """
        if self._last is None:
            pytest.fail(
                "swarm_run.bench(benchmark) times the decision of a job: call swarm_run(dag) first", pytrace=False
            )
        key, metrics = self.key, self._last.metrics
        benchmark.extra_info.update(
            job=self._last.record.case.job,
            mode=key.mode,
            horizon=key.horizon,
            vram_budget_gb=key.vram_budget_gb,
            score=metrics.score,
            violations=metrics.violations,
        )
        try:
            with self._jobs.decision(self._last.record.case) as decide:
                benchmark(decide)
        except SwarmError as error:
            pytest.fail(f"swarm_run.bench(benchmark) cannot time the decision: {error}", pytrace=False)


def _properties(record: JobRecord, metrics: JobMetrics) -> list[tuple[str, object]]:
    """JUnit properties of a job."""
    key = record.case.key
    found = [
        ("swarm.job", record.case.job),
        ("swarm.mode", key.mode),
        ("swarm.horizon", str(key.horizon)),
        ("swarm.vram_budget_gb", key.vram_budget_gb),
        ("swarm.repeat", key.repeat),
        ("swarm.status", record.status.value),
        ("swarm.score", metrics.score),
        ("swarm.violations", metrics.violations),
        ("swarm.makespan_s", metrics.makespan_s),
        ("swarm.simulated", record.simulated),
        *([] if key.lambda_token is None else [("swarm.lambda_token", key.lambda_token)]),
    ]
    return [_shared_property(name, value) for name, value in found]


@lru_cache(maxsize=256, typed=True)
def _shared_property(name: str, value: object) -> tuple[str, object]:
    """Return a property that the reports of many tests hold."""
    return name, value
