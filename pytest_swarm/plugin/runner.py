"""swarm_run: from a test's graph to its JobResult."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.errors import SwarmError
from pytest_swarm.metrics.job import JobMetrics, job_metrics

if TYPE_CHECKING:
    from pytest_swarm.plugin.session import SwarmSession


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

    def __call__(self, graph: TaskGraph) -> JobResult:
        """Run the graph under the test's case. A job without an end in itself fails the test with one sentence."""
        if not isinstance(graph, TaskGraph):
            pytest.fail(f"swarm_run takes a TaskGraph, but was given {type(graph).__name__}", pytrace=False)
        session = self._session
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
        return JobResult(record=record, metrics=metrics)

    def _adapted(self, graph: TaskGraph) -> TaskGraph:
        """The graph with --swarm-context and the marker's version applied."""
        session = self._session
        context = session.settings.context
        version = session.axes_of(self._item).version
        if context is not None:
            graph = graph.with_context(context)
        return graph if version is None else replace(graph, version=version)


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
