"""The hooks of pytest, each only delegating. What they delegate to is imported when a swarm test was collected."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_swarm.errors import NoBudgetError, SwarmError
from pytest_swarm.files import refused_files
from pytest_swarm.garbage import no_collection, no_collection_at_exit
from pytest_swarm.plugin.ending_signals import EndingSignals
from pytest_swarm.plugin.options import Options
from pytest_swarm.plugin.plain_imports import PlainImports
from pytest_swarm.plugin.refused_run import refuse_later, usage_errors
from pytest_swarm.plugin.short_tracebacks import keep_their_lines
from pytest_swarm.plugin.worker_messages import BENCHMARK, EVENTS, REMARKS, TOLD

if TYPE_CHECKING:
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.plugin.prepared_run import PreparedRun
    from pytest_swarm.plugin.reporting import SessionEnd
    from pytest_swarm.plugin.session import SwarmSession

_HOOKS: Final = "swarm-hooks"
_LISTING: Final = ("collectonly", "showfixtures", "show_fixtures_per_test")  # options that only list what they collect
_INTERRUPTED: Final = "interrupted while the run was being closed; where it called a server, look at `ollama ps`"


def hooks_of(config: pytest.Config) -> SwarmHooks:
    """Return the hooks of a session, registered when they are first needed; OptionError for what means nothing."""
    hooks = config.pluginmanager.get_plugin(_HOOKS)
    if hooks is None:
        imports = PlainImports()
        with ExitStack() as undo:
            imports.install()
            undo.callback(imports.remove)
            from pytest_swarm.plugin.session import session_of

            hooks = SwarmHooks(config, session_of(config), imports)
            config.pluginmanager.register(hooks, _HOOKS)
            undo.pop_all()
    assert isinstance(hooks, SwarmHooks), "the name is ours"
    return hooks


def checked_hooks(config: pytest.Config) -> SwarmHooks:
    """Return the hooks of a session; UsageError for what means nothing."""
    with usage_errors(config):
        return hooks_of(config)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize a benchmark over its cases."""
    from pytest_swarm.plugin.cases import CASE

    keys: tuple[CaseKey, ...] = ()
    try:
        with refused_files():
            keys = hooks_of(metafunc.config).session.cases.keys_of(metafunc.definition)
    except NoBudgetError as error:  # refused only where the test is to be run
        metafunc.parametrize(CASE, [error], ids=["no-budget"])
        return
    except SwarmError as error:  # a usage error, but pytest would take one raised here for a broken module
        refuse_later(metafunc.config, error)
    repeats = any(key.repeat > 1 for key in keys)
    ids = [key.label + (f"-r{key.repeat}" if repeats else "") for key in keys]
    metafunc.parametrize(CASE, keys, ids=ids)


class SwarmHooks:
    """One per session, registered when an option is given or the first benchmark is collected.

    Args:
        config: The session's configuration.
        session: What the session is by its options.
        imports: The finder of our modules, which is removed at the end.
    """

    def __init__(self, config: pytest.Config, session: SwarmSession, imports: PlainImports) -> None:
        self.config = config
        self.session = session
        self.is_worker = session.process.is_worker
        self.signals = EndingSignals()
        self.ending: SessionEnd | None = None
        self._imports = imports
        self._keywords: Mapping[str, Any] = {}
        self._at_the_end: list[str] = []  # what was said as the server was left

    @property
    def run(self) -> PreparedRun | None:
        """The run of the collected benchmarks; None where there is none, or they are only collected."""
        return self.session.run

    def check_options(self) -> None:
        """Read the baseline now; UsageError for one that is damaged."""
        with usage_errors(self.config), self.session.settings.naming(Options.baseline):
            _ = self.session.gating and self.session.gating.baseline
        if self.session.settings.dry_run and not self.is_worker:
            self._stay_in_one_process()

    def _stay_in_one_process(self) -> None:
        """Let xdist start no worker: a dry run counts each question and each load once, whoever would ask it."""
        option = self.config.option
        if hasattr(option, "numprocesses"):  # xdist is installed
            option.numprocesses, option.dist, option.tx = 0, "no", []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """--swarm-only, --swarm-skip and --swarm-shard; and jobs of one group in a row."""
        from pytest_swarm.plugin.cases import selected

        self.session.note_whole(items)
        try:
            kept, dropped = selected(items, self.session.settings)
        except SwarmError as error:
            refuse_later(config, error)
            return
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        items[:] = self.session.cases.ordered(kept)

    @pytest.hookimpl(tryfirst=True)  # before the terminal asks for our header line
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Make backend, fleet and folder: what is wrong with them ends the run before any test."""
        self.signals.watch()
        if any(getattr(session.config.option, each) for each in _LISTING):
            return
        with usage_errors(self.config), no_collection():  # it imports some 200 modules
            self.session.prepare(session.items)

    def pytest_report_collectionfinish(self, config: pytest.Config) -> list[str]:
        """One line: which backend, and why; and one where answered code is run that the kernel does not confine."""
        return [] if self.run is None else self.run.header(quiet=config.get_verbosity() < 0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach a marked test's rule to its report, and in a worker of xdist its events, each as one text."""
        if call.excinfo is not None:
            keep_their_lines(call.excinfo, self.config)
        report = yield
        if report.keywords == self._keywords:  # those of one test: its reports of setup, call and teardown share them
            report.keywords = self._keywords
        self._keywords = report.keywords
        if self.session.gating is not None:
            self.session.gating.attach(item, report)
        if self.run is not None and item.nodeid in self.run.collected.tests:
            report.__dict__[BENCHMARK] = True
        if self.is_worker and self.run is not None:
            shipped = self.run.folder.shipped()
            if shipped is not None:
                report.__dict__[EVENTS] = shipped
        return report

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
    ) -> tuple[str, str, str] | None:
        """With -v: a benchmark's score, and how long is left."""
        if self.run is None or config.get_verbosity() <= 0 or not isinstance(report, pytest.TestReport):
            return None
        return self.run.status(report)

    @pytest.hookimpl(trylast=True)  # a sentence of ours comes after the terminal's own word
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep which tests failed, and what the gate needs of a test; a sentence of a worker comes as a report, too."""
        if self.is_worker:
            report.__dict__.pop(EVENTS, None)  # it was sent, and the terminal of a worker keeps its reports as well
        elif TOLD not in report.__dict__:
            if report.failed:
                self.session.failed[report.nodeid] = None
            if self.session.gating is not None:
                self.session.gating.take(report)
            if self.run is not None:
                self.run.jobless.take(report)
                self._tell_progress(report, self.run)

    def _tell_progress(self, report: pytest.TestReport, run: PreparedRun) -> None:
        """Say now and then how long a run still takes; one on measured answers says at each test what it asks."""
        settings, verbosity = self.session.settings, self.config.get_verbosity()
        if verbosity > 0:  # then each benchmark says it
            run.progress.count(report)
        elif verbosity == 0 and not settings.dry_run and settings.backend != "measure":
            sentence = run.progress.sentence(report)
            if sentence is not None:
                self.session.tell(sentence)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """A run that leaves tests out does not miss their cases."""
        if self.session.gating is not None and items:
            self.session.gating.deselected = True

    @pytest.hookimpl(tryfirst=True)  # the exit status must stand before others read it
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Leave the server as it was found, close the run, and write its reports."""
        no_collection_at_exit()
        self.signals.close()
        with ExitStack() as end:  # whatever fails, the reports are written, and others may go on with the run
            end.callback(self.session.give_back)
            if self.run is not None:
                end.callback(self._write_reports, self.run, session, exitstatus)
                if not self._close(self.run):
                    session.exitstatus = pytest.ExitCode.INTERRUPTED

    @pytest.hookimpl(tryfirst=True)  # the terminal takes its time to show where it was
    def pytest_keyboard_interrupt(self) -> None:
        """From here on the run is being closed, which a further Ctrl-C must not break off."""
        self.signals.close(interrupted=True)

    @pytest.hookimpl(trylast=True)  # pytest itself collects garbage there, which takes its time
    def pytest_unconfigure(self) -> None:
        """Leave the handlers of signals and the finders of modules as they were found."""
        self.session.give_back()  # one whose workers of xdist could not be started has no other end
        self.signals.end()
        self._imports.remove()

    def _close(self, run: PreparedRun) -> bool:
        """Leave the server as it was found; where a further Ctrl-C ends that, say so, and return False."""
        resources, whole = run.resources, True
        before = tuple(resources.remarks)
        try:
            with self.signals.interruptible(self._tell_of_restoration):
                from pytest_swarm.plugin.worker_ends import end_workers_at_work, leave_for_killed_workers, take_outputs

                if end_workers_at_work(self.config) or self.session.lost_workers:
                    take_outputs(self.session.workers, run)
                    resources.remarks.extend(leave_for_killed_workers(resources))
                run.close()
        except KeyboardInterrupt:
            from pytest_swarm.plugin.server_visit import broken_off

            whole = False
            sentences = broken_off(resources.settings.hosts, run=self.session.process.run_name)
            resources.remarks.extend(sentences or [_INTERRUPTED])
        self._at_the_end = [each for each in resources.remarks if each not in before]
        return whole

    def _tell_of_restoration(self) -> None:
        self.session.tell("the server is being left as it was found; a further Ctrl-C gives that up")

    def _write_reports(self, run: PreparedRun, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports; a worker sends its remarks to its controller, and the events of a broken-off test."""
        if self.is_worker:
            output = {REMARKS: run.resources.remarks, EVENTS: run.folder.shipped()}
            self.config.workeroutput |= output  # type: ignore[attr-defined]  # xdist's
        elif run.dry_run is not None:
            run.dry_run.complete = self._came_to_its_end(session, exitstatus)
        else:
            failed = self._finish(run, complete=self._came_to_its_end(session, exitstatus))
            if failed and (exitstatus == 0 or run.folder.trouble is not None):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _finish(self, run: PreparedRun, *, complete: bool) -> bool:
        """Write the reports; return whether the run fails. Where even that fails, say what is kept, and where."""
        try:
            with no_collection():
                from pytest_swarm.plugin.reporting import finish
                from pytest_swarm.plugin.worker_ends import ending_workers

                with ending_workers(self.config):
                    self.ending = finish(run, complete=complete)
        except Exception as error:  # noqa: BLE001 # whatever it is, such as no memory, what was measured must be named
            why = ": ".join(filter(None, (type(error).__name__, str(error))))
            self._at_the_end.append(
                f"ERROR: the reports failed ({why}); what was measured is kept: write them with "
                f"`python -m pytest_swarm report {run.folder.path}`"
            )
            return True
        return self.ending is not None and self.ending.failed

    def _came_to_its_end(self, session: pytest.Session, exitstatus: int) -> bool:
        """Whether every collected test was run: not interrupted, not stopped by --maxfail, no worker lost."""
        stopped = session.shouldstop or session.shouldfail or self.session.notes
        return exitstatus in (0, 1) and not stopped

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The comparison, at the end of the output; after a dry run, what the run would cost."""
        if not self.is_worker and self.run is not None and self.run.dry_run is not None:
            terminalreporter.section("pytest-swarm", sep="=", bold=True)
            for line in self.run.dry_run.lines():
                terminalreporter.write_line(line)
        if self.ending is not None:
            from pytest_swarm.plugin.reporting import show

            show(self.ending, terminalreporter)
        if self.ending is None or self.ending.report is None:  # no report has them
            for remark in self._at_the_end:
                terminalreporter.write_line(f"swarm: {remark}")
