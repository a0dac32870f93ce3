"""The hooks of a controller of xdist: what it tells its workers, and what it does with what they send."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_swarm.errors import SwarmError
from pytest_swarm.files import refused_files
from pytest_swarm.garbage import no_collection
from pytest_swarm.plugin.hooks import checked_hooks
from pytest_swarm.plugin.packed_reports import FORM, PACKED, UnpackedReports
from pytest_swarm.plugin.progress import is_of_subtest
from pytest_swarm.plugin.refused_run import REFUSAL
from pytest_swarm.plugin.worker_ends import take_outputs
from pytest_swarm.plugin.worker_messages import EVENTS, REMARKS, TOLD, TOPIC

if TYPE_CHECKING:
    from pytest_swarm.plugin.hooks import SwarmHooks
    from pytest_swarm.plugin.prepared_run import PreparedRun

_CONTROLLER: Final = "swarm-xdist-controller"


def controller_of(config: pytest.Config) -> XdistController:
    """Return the hooks of a controller of xdist, registered when they are first needed; UsageError for bad options."""
    controller = config.pluginmanager.get_plugin(_CONTROLLER)
    if controller is None:
        controller = XdistController(checked_hooks(config))
        config.pluginmanager.register(controller, _CONTROLLER)
    assert isinstance(controller, XdistController), "the name is ours"
    return controller


class XdistController:
    """One per controller, registered when its first worker is made. Nodes and schedulers of xdist have no types."""

    def __init__(self, hooks: SwarmHooks) -> None:
        self._signals = hooks.signals
        self._config = hooks.config
        self._session = hooks.session
        self._headed = False  # whether the lines before the first test were shown
        self._reports = UnpackedReports()
        self._taken: set[str] = set()
        """The ids of the tests whose jobs have ended and were sent."""

    @property
    def _run(self) -> PreparedRun:
        """The run of the benchmarks that the workers have collected."""
        run = self._session.run
        assert run is not None, "a worker sends remarks and events after its collection"
        return run

    def tell(self, node: Any) -> None:
        """Tell a worker of xdist what all must agree on: the run's name or its folder, and its VRAM."""
        from pytest_swarm.plugin.process import FREE_VRAM, RESUMED, RUN, STARTED

        self._signals.watch()
        session = self._session
        session.workers.append(node)
        try:
            with refused_files():
                resumed = session.lock.folder if session.settings.resume is not None else None
        except SwarmError as error:
            raise pytest.UsageError(str(error)) from error
        node.workerinput[PACKED] = FORM
        node.workerinput[RUN] = session.process.run_name
        node.workerinput[STARTED] = session.process.started_ts_ms
        node.workerinput[FREE_VRAM] = session.inputs.gpu.free_vram
        node.workerinput[RESUMED] = None if resumed is None else str(resumed)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self) -> None:
        """Import what the end of the run needs while the workers collect."""
        with no_collection():
            for name in ("pytest_swarm.plugin.backend_choice", "pytest_swarm.plugin.reporting", "scipy.special"):
                import_module(name)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Show the lines before the first test, once; workers have no terminal."""
        if not self._headed and not node.config.option.collectonly:
            self._headed = True
            with suppress(SwarmError), refused_files():  # a worker refuses the run for the same reason, and says it
                self._session.follow_workers(ids)
                self._show_header()

    def _show_header(self) -> None:
        run, reporter = self._session.run, self._config.pluginmanager.get_plugin("terminalreporter")
        if run is not None and run.collected.tests and reporter is not None:
            for line in run.header(quiet=self._config.get_verbosity() < 0):
                reporter.write_line(line)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """End the run where a worker refused it; take a worker's remarks; count a worker that died."""
        output = getattr(node, "workeroutput", {})  # a worker that died has none
        if REFUSAL in output:
            raise pytest.UsageError(output[REFUSAL])
        if REMARKS in output:
            take_outputs([node], self._run)
        if error is not None:
            self._session.lost_workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Note the benchmark that a worker was running when it died; one whose jobs were sent lost none."""
        run = self._session.run
        if run is not None and crashitem in run.collected.tests and crashitem not in self._taken:
            self._session.lost_tests[crashitem] = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        """Keep the cases of a workflow in one worker, unless somebody chose another way to deal out tests."""
        if config.getoption("dist") != "load":
            return None
        from pytest_swarm.plugin.scheduling import WorkflowScheduling

        return WorkflowScheduling(config, log)

    @pytest.hookimpl(tryfirst=True)  # others make the report of its entries
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> None:
        """Unpack what a worker sent."""
        self._reports.unpack(data)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what a worker sent, and show what it says."""
        if TOLD in report.__dict__:
            self._session.tell_for_worker(report.__dict__[TOLD], report.__dict__[TOPIC])
        text = report.__dict__.pop(EVENTS, None)  # the terminal keeps every report until the run ends
        if text is not None and self._run.folder.trouble is None:
            self._take(text)
            if report.when == "call" and not is_of_subtest(report):
                self._taken.add(report.nodeid)
                self._session.lost_tests.pop(report.nodeid, None)  # with some --dist another worker runs it

    def _take(self, text: str) -> None:
        """Write what a worker sent; where it cannot be written, stop the workers, whose results would be lost."""
        try:
            self._run.folder.take(text)
        except SwarmError:  # the end of the session says why
            scheduler: Any = self._config.pluginmanager.get_plugin("dsession")  # of xdist
            scheduler.shouldstop = "the run's events cannot be written"
