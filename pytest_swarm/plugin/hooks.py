"""The hooks of pytest, each only delegating. What they delegate to is imported when a swarm test was collected."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_swarm.errors import SwarmError
from pytest_swarm.plugin.selection import CASE, in_groups, is_swarm, selected
from pytest_swarm.plugin.session import SESSION, make_session

if TYPE_CHECKING:
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.report.model import Report


EVENTS = "swarm_events"  # the attribute of a report that carries a worker's events


class SwarmHooks:
    """One per session; its state is the SwarmSession in the config's stash."""

    def __init__(self, config: pytest.Config) -> None:
        try:
            self.session = make_session(config)
        except SwarmError as error:
            raise pytest.UsageError(str(error)) from error
        config.stash[SESSION] = self.session
        self.report: Report | None = None
        self.written: list[str] = []

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrise a benchmark over its cases."""
        if CASE not in metafunc.fixturenames:
            return
        keys: tuple[CaseKey, ...] = ()
        try:
            axes = self.session.axes_of(metafunc.definition)
            keys = self.session.case_keys(axes)
        except SwarmError as error:  # raised as a usage error once the collection is over
            self.session.trouble = self.session.trouble or error
        repeats = any(key.repeat > 1 for key in keys)
        ids = [key.label + (f"-r{key.repeat}" if repeats else "") for key in keys]
        metafunc.parametrize(CASE, keys, ids=ids)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """--swarm-only and --swarm-skip; and jobs of one group in a row."""
        kept, dropped = selected(items, self.session.settings)
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        items[:] = in_groups(kept, self.session)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Make backend, fleet and folder: what is wrong with them ends the run before any test."""
        self.session.collected = [item.nodeid for item in session.items if is_swarm(item)]
        try:
            if self.session.collected and not session.config.option.collectonly:
                self.session.prepare()
            elif self.session.trouble is not None:
                raise self.session.trouble
        except SwarmError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_report_collectionfinish(self, config: pytest.Config) -> list[str]:
        """One line: which backend, and why."""
        if not self.session.collected or config.option.collectonly or config.option.verbose < 0:
            return []
        return [f"swarm: {self.session.backend.detail}"]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """In a worker of xdist: attach the test's events to its report, as one text."""
        report = yield
        if report.when == "call" and is_swarm(item):
            events = self.session.folder.drain()
            if events:
                report.__dict__[EVENTS] = json.dumps([self.session.folder.opening(), *events])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In the controller of xdist: write what a worker sent."""
        text = report.__dict__.get(EVENTS)
        if text is not None and not hasattr(self.session.config, "workerinput"):
            self.session.folder.take(json.loads(text))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist the run's name."""
        node.workerinput["swarm_run"] = self.session.run_name

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the run, and write its reports."""
        from pytest_swarm.plugin.reporting import finish

        if not hasattr(session.config, "workerinput"):
            complete = exitstatus in (0, 1) and not session.shouldstop
            self.report, self.written = finish(self.session, complete=complete)
        self.session.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The comparison, at the end of the output."""
        if self.report is not None:
            from pytest_swarm.plugin.reporting import show

            show(self.report, self.written, terminalreporter)
