"""swarm_run: from a test's graph to its JobResult."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.errors import SwarmError
from pytest_swarm.metrics.job_metrics import JobMetrics, job_metrics

if TYPE_CHECKING:
    from pytest_swarm.plugin.session import SwarmSession


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


class SwarmRun:
    """Callable of one test; each call is one job."""

    def __init__(self, session: SwarmSession, item: pytest.Item, key: CaseKey) -> None:
        self._session = session
        self._item = item
        self.key = key
        self._last: JobResult | None = None

    def __call__(self, graph: TaskGraph) -> JobResult:
        """Run the graph under the test's case. A job without an end in itself fails the test with one sentence."""
        if not isinstance(graph, TaskGraph):
            pytest.fail(f"swarm_run takes a TaskGraph, but was given {type(graph).__name__}", pytrace=False)
        session = self._session
        if _in_a_loop():
            pytest.fail("swarm_run runs an event loop of its own: call it from a test that is not async", pytrace=False)
        case = Case(graph=self._adapted(graph), key=self.key, test=self._item.nodeid)
        if session.repeating is not None and (reason := session.repeating.needless(case)):
            pytest.skip(f"decided without this repeat: {reason}")
        try:
            record = session.finished(case) or session.run(case, self._item)
        except SwarmError as error:
            pytest.fail(str(error), pytrace=False)
        metrics = job_metrics(record)
        if session.repeating is not None:
            session.repeating.saw(case, metrics)
        self._item.user_properties.extend(_properties(record, metrics))
        if record.status is not JobStatus.COMPLETED:
            pytest.fail(record.error or record.status.value, pytrace=False)
        self._last = JobResult(record=record, metrics=metrics)
        return self._last

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
        with self._session.bench.decision(self._last.record.case) as decide:
            benchmark(decide)

    def _adapted(self, graph: TaskGraph) -> TaskGraph:
        """The graph with --swarm-context and the marker's version applied."""
        session = self._session
        context = session.settings.context
        version = session.axes_of(self._item).version
        if context is not None:
            graph = graph.with_context(context)
        return graph if version is None else replace(graph, version=version)


def _in_a_loop() -> bool:
    """Whether this thread is inside a running event loop."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _properties(record: JobRecord, metrics: JobMetrics) -> list[tuple[str, object]]:
    """JUnit properties of a job."""
    key = record.case.key
    return [
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
    ]
