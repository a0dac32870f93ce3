"""Benchmarks that passed without running a job: no figure of the run has them, and nothing else would say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

import pytest

from pytest_swarm.plugin.cases import workflow_of_id
from pytest_swarm.plugin.progress import is_of_subtest, ran_job
from pytest_swarm.plugin.worker_messages import BENCHMARK
from pytest_swarm.units import plural

_SHOWN: Final = 3


class JoblessTests:
    """Which benchmarks passed without a job, by the reports of their tests.

    Args:
        benchmarks: The node IDs of all benchmarks.
    """

    def __init__(self, benchmarks: Collection[str]) -> None:
        self._benchmarks = benchmarks
        self._found: dict[str, None] = {}
        self._skipped: set[str] = set()

    def take(self, report: pytest.TestReport) -> None:
        """Take the report of a test; that of a test which is run again replaces the earlier one.

        One with a skipped subtest has a reason, such as a repeat that was not needed.
        """
        if report.when != "call" or report.nodeid not in self._benchmarks:
            return
        if is_of_subtest(report):
            self._skipped |= {report.nodeid} if report.skipped else set()
            return
        self._found.pop(report.nodeid, None)
        jobless = BENCHMARK in report.__dict__ and report.nodeid not in self._skipped and not ran_job(report)
        if report.passed and jobless:
            self._found[report.nodeid] = None

    def remarks(self) -> list[str]:
        """Return a sentence that names the benchmarks; none where each that passed has run a job."""
        if not self._found:
            return []
        cases, found = Counter(map(workflow_of_id, self._benchmarks)), Counter(map(workflow_of_id, self._found))
        first = {workflow_of_id(node_id): node_id for node_id in reversed(self._found)}
        named = [
            workflow.removesuffix("[]")
            if count == cases[workflow]
            else f"{first[workflow]} ({count} of its {cases[workflow]} cases)"
            for workflow, count in found.items()
        ]
        more = ", ..." if len(named) > _SHOWN else ""
        return [
            f"{plural(len(self._found), 'case')} passed without running a job, so without a figure: "
            f"{', '.join(named[:_SHOWN])}{more}; call swarm_run(dag) in every case, or skip the test where it has no "
            "job"
        ]
