"""Sentences of a worker of xdist for the terminal of its controller, while a test runs: on a report of their own.

xdist passes on nothing but reports of tests. A further report of the set-up phase, of no length, counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from pytest_swarm.domain.limits import base_node_id

TOLD: Final = "swarm_told"  # the attribute of a report that carries a sentence ...
TOPIC: Final = "swarm_topic"  # ... and what it is about, where one is enough
REMARKS: Final = "swarm_remarks"  # what a worker sends at its end
EVENTS: Final = "swarm_events"  # the attribute of a report that carries a worker's events; also at its end
BENCHMARK: Final = "swarm_benchmark"  # that of a benchmark's report: other tests may have IDs that look alike


class WorkerMessages:
    """Sends sentences from the test that is running now. Registered as a plugin of a worker.

    Args:
        config: The worker's configuration.
        first: Returns the sentence that is sent when the first test begins; None = there is none.
    """

    def __init__(self, config: pytest.Config, *, first: Callable[[], str | None]) -> None:
        self._config = config
        self._running: tuple[str, tuple[str, int | None, str]] | None = None
        self._first = first
        self._begun = False

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Keep the test that begins."""
        self._running = nodeid, location
        if not self._begun:
            self._begun = True
            sentence = self._first()
            if sentence is not None:
                self.send(sentence)

    def pytest_runtest_logfinish(self) -> None:
        """Forget the test that has ended."""
        self._running = None

    def send_cost(self, job: str, sentence: str) -> None:
        """Send what a test will ask; of several workers that run its cases, the first one is heard.

        Args:
            job: The job of the test.
            sentence: What the controller shows at once.
        """
        if self._running is not None:
            self.send(sentence, topic=f"{base_node_id(self._running[0])} {job}")

    def send(self, sentence: str, *, topic: str | None = None) -> None:
        """Send a sentence; nothing is sent between tests.

        Args:
            sentence: What the controller shows at once.
            topic: What it is about, where one sentence about that is enough.
        """
        if self._running is None:
            return
        nodeid, location = self._running
        report = pytest.TestReport(
            nodeid=nodeid, location=location, keywords={}, outcome="passed", longrepr=None, when="setup"
        )
        report.__dict__ |= {TOLD: sentence, TOPIC: topic}
        self._config.hook.pytest_runtest_logreport(report=report)
