"""SwarmSession: puts the parts of one pytest session together. Each part gets what it needs, and knows no session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.cases import Cases, is_swarm, key_of, mode_of_id
from pytest_swarm.plugin.conflicts import check_case_conflicts
from pytest_swarm.plugin.foreign_hooks import foreign_routers
from pytest_swarm.plugin.ini_file import ini_folder
from pytest_swarm.plugin.process import process_of
from pytest_swarm.plugin.resources import Resources
from pytest_swarm.plugin.settings import Settings, read_settings
from pytest_swarm.plugin.worker_messages import WorkerMessages
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.telemetry import EVENTS_FILE

if TYPE_CHECKING:
    from pytest_swarm.domain.record import RunInfo
    from pytest_swarm.plugin.dry_run import DryRun
    from pytest_swarm.plugin.gate_session import Gating
    from pytest_swarm.plugin.job_runner import JobRunner
    from pytest_swarm.plugin.measuring import Measuring
    from pytest_swarm.plugin.progress import Progress
    from pytest_swarm.plugin.repeating import Repeating
    from pytest_swarm.plugin.run_folder import RunFolder
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec

SESSION = pytest.StashKey["SwarmSession"]()


def session_of(config: pytest.Config) -> SwarmSession:
    """The session's state, made when it is first needed; OptionError for an option that means nothing."""
    if SESSION not in config.stash:
        config.stash[SESSION] = make_session(config)
    return config.stash[SESSION]


def make_session(config: pytest.Config) -> SwarmSession:
    """The state of a session, with third parties' routers."""
    routers = foreign_routers(config)
    return SwarmSession(config, read_settings(config, modes=ModeTable(routers)), routers)


class SwarmSession:
    """The parts of one session: settings, cases, resources; and made late: run folder, gate, repeats, jobs."""

    def __init__(
        self, config: pytest.Config, settings: Settings, routers: Mapping[str, RouterFactory | ModeSpec]
    ) -> None:
        self.config = config
        self.settings = settings
        self.process = process_of(config)
        self.resources = Resources(settings, routers=routers, process=self.process, tell=self.tell)
        self.resources.folder = ini_folder(config)
        self.messages = WorkerMessages(config)
        if self.resources.in_worker:
            config.pluginmanager.register(self.messages)
            self.resources.tell_progress = self.messages.send
            self.resources.tell_cost = self.messages.send_cost
        self.modes = ModeTable(routers)
        self.cases = Cases(
            settings,
            modes=self.modes,
            gpu_gb=lambda test: self.resources.gpu.budget_gb(test),
            fleet=lambda: self.resources.fleet,
            together=self.resources.in_worker,
        )
        self.collected: list[str] = []
        self.items: tuple[pytest.Item, ...] = ()
        """The benchmarks among the collected items; none in the controller of xdist, which has their node IDs."""
        self.notes: list[str] = []
        self.failed: dict[str, None] = {}
        """The ids of the tests that failed."""
        self.lost_workers = 0
        self._topics: set[str] = set()

    @cached_property
    def folder(self) -> RunFolder:
        """Where this run's events and reports go."""
        from pytest_swarm.plugin.resuming import earlier_jobs, resumed_lock
        from pytest_swarm.plugin.run_folder import REPORTS, RunFolder
        from pytest_swarm.plugin.run_lock import RunLock

        reports, resume = Path(self.config.rootpath) / REPORTS, self.settings.resume
        is_worker = self.process.worker is not None
        if resume is None or is_worker:
            lock = RunLock(self.process.resumed or reports / self.process.run_name)
        else:
            lock = resumed_lock(resume, reports)
        return RunFolder(
            lock,
            describe=lambda: self._describe(lock.folder.name),
            earlier=lambda: earlier_jobs(lock.folder / EVENTS_FILE, self.settings, self.resources),
            is_worker=is_worker,
        )

    def tell(self, sentence: str) -> None:
        """Show a sentence at once, past the capture of a test's output."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                if reporter._tw.width_of_current_line:  # with -q, dots have no line of their own to leave
                    reporter._tw.line()
                reporter.write_line(f"swarm: {sentence}")

    def tell_for_worker(self, sentence: str, topic: str | None) -> None:
        """In the controller of xdist: show a worker's sentence, unless another one was about the same."""
        if topic is None or topic not in self._topics:
            self.tell(sentence)
        if topic is not None:
            self._topics.add(topic)

    @property
    def has_folder(self) -> bool:
        """Whether a test has needed the run's folder, or a worker has sent something for it."""
        return "folder" in self.__dict__

    def give_back(self) -> None:
        """Let other processes go on with this run."""
        if self.has_folder:
            self.folder.lock.release()

    def _describe(self, run_name: str) -> RunInfo:
        from pytest_swarm.plugin.run_info import run_info

        arguments = self.config.invocation_params.args
        return run_info(run_name, settings=self.settings, resources=self.resources, arguments=[*map(str, arguments)])

    @cached_property
    def gating(self) -> Gating | None:
        """The gate; None where there is neither a baseline nor one to be written."""
        settings = self.settings.gating
        if settings.file is None:
            return None
        from pytest_swarm.plugin.gate_session import Gating  # only then, because it imports what judges a run

        return Gating(self.config, settings, sequential=self.settings.auto_repeat)

    @cached_property
    def repeating(self) -> Repeating | None:
        """What decides on further repeats; None where every repeat is run, as it is for a baseline."""
        from pytest_swarm.plugin.repeating import Repeating

        if not self.settings.auto_repeat:
            return None
        if self.gating is None:
            raise OptionError("--swarm-repeat=auto goes on until the gate has decided: give --swarm-baseline=FILE")
        baseline = self.gating.baseline
        if baseline is None or self.gating.settings.update is not None:
            return None
        return Repeating(baseline, self.settings.gating.rule)

    @cached_property
    def jobs(self) -> JobRunner:
        """What runs the jobs of tests."""
        from pytest_swarm.plugin.job_runner import JobRunner

        runner = JobRunner(
            settings=self.settings,
            cases=self.cases,
            resources=self.resources,
            folder=self.folder,
            repeating=self.repeating,
        )
        runner.dry_run = self.dry_run
        return runner

    @cached_property
    def dry_run(self) -> DryRun | None:
        """What counts the cost of the run; None where it is run."""
        if not self.settings.dry_run:
            return None
        from pytest_swarm.plugin.dry_run import DryRun  # only then, because it imports what runs cases

        return DryRun(self.resources)

    def note_budgets(self, items: Iterable[pytest.Item]) -> None:
        """Keep the budgets of all cases, those of other shards too: every shard must choose the same planner."""
        self.resources.budgets_gb = frozenset(key_of(item).vram_budget_gb for item in items if is_swarm(item))

    def prepare(self, items: Sequence[pytest.Item], *, collect_only: bool) -> None:
        """Make what may fail for a bad file or an absent server, unless nothing will be run."""
        from pytest_swarm.plugin.gate_settings import check_rule, rule_of_marker
        from pytest_swarm.plugin.host_setup import pool_of_hosts

        benchmarks = [item for item in items if is_swarm(item)]
        self.collected, self.items = [item.nodeid for item in benchmarks], tuple(benchmarks)
        if benchmarks and not collect_only:
            for item in items:
                rule = rule_of_marker(item, self.settings.gating.rule)  # a wrong one is an error without a baseline too
                if rule is not None:
                    check_rule(rule, modes=self.modes, auto=self.settings.auto_repeat)
                    if self.gating is not None:
                        self.gating.rules[str(rule.test)] = rule
            self.resources.modes = frozenset(key_of(item).mode for item in benchmarks)
            _ = (self.resources.bench, self.resources.confinement, self.repeating)
            self.resources.bench.check_modes(key_of(item).mode for item in benchmarks)
            cases = ((key_of(item), self.cases.axes_of(item).carryover or "case") for item in benchmarks)
            check_case_conflicts(cases, self.settings, self.resources)
            if self.resources.measuring is not None:
                self._draw_to_verify(self.resources.measuring, benchmarks)
                if self.process.worker == 0:
                    self._tell_cost_later(self.resources.measuring)
            self.resources.remarks += self.cases.remarks
            self.resources.hosts = pool_of_hosts(self.resources, self.settings, worker=self.process.worker)
            if self.resources.hosts is None:
                self.resources.look_at_server()
            self.resources.look_at_policies()
            if self.settings.dry_run and self.resources.in_worker:
                raise OptionError("--swarm-dry-run counts in one process; run it without -n")
            self.folder.claim()
            self.folder.collected = tuple(self.collected)
            _ = self.folder.earlier
            if self.gating is not None:
                self.gating.prepare(lambda: self._describe(self.folder.path.name))

    def _draw_to_verify(self, measuring: Measuring, benchmarks: Sequence[pytest.Item]) -> None:
        """Draw the cases that are run for real as well, among those that a server can run."""
        from pytest_swarm.plugin.verifying import drawn, verifiable

        if not (count := self.settings.verify):
            return
        tests = {item.nodeid: key_of(item).mode for item in benchmarks}
        able = verifiable(tests, self.resources.server_bench)
        measuring.to_verify = drawn(able, count, seed=self.settings.seed)
        if len(able) < min(count, len(tests)):
            self.resources.remarks.append(
                f"--swarm-verify={count}: a server can run {len(able)} of the {len(tests)} cases, and these are "
                "verified; the modes of the others must know all answers beforehand"
            )

    def _tell_cost_later(self, measuring: Measuring) -> None:
        """In the first worker of xdist: say what the run will ask when its first test begins, where that is known."""
        from pytest_swarm.plugin.measuring_header import cost_of_parameters

        if self.config.get_verbosity() >= 0:
            self.messages.first = lambda: cost_of_parameters(self, measuring)

    def header(self, *, quiet: bool) -> list[str]:
        """Return the lines before the first test; with `quiet`, only warnings."""
        from pytest_swarm.plugin.gate_settings import idle_keys

        idle = idle_keys(self.settings.gating, self.settings.given)
        told = [] if idle is None else [f"swarm: {idle}"]
        if self.gating is not None:
            told += [f"swarm: {each}" for each in self.gating.forewarnings(lambda: self._describe(""))]
        if self.resources.measuring is not None and not quiet and not self.settings.dry_run:
            from pytest_swarm.plugin.measuring_header import cost_line

            told.append(cost_line(self, self.resources.measuring))
        if self.settings.resume is not None and not quiet:
            told.append(f"swarm: {self.folder.earlier.sentence(self.collected)}")
        return [*self.resources.header(quiet=quiet), *told]

    def header_of_workers(self, collected: Sequence[str], *, quiet: bool) -> list[str]:
        """Return the lines before the first test of the workers of xdist, who have no terminal.

        Args:
            collected: The node IDs that a worker has collected.
            quiet: Whether only warnings are shown.
        """
        modes = {node_id: mode for node_id in collected if (mode := mode_of_id(node_id)) is not None}
        if not modes:
            return []
        self.collected = list(modes)
        self.resources.modes = frozenset(modes.values())
        self.resources.look_at_policies()
        return self.header(quiet=quiet)

    def status(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Category, letter and verbose word of a benchmark that has ended; None for any other report."""
        from pytest_swarm.plugin.progress import is_benchmark_call

        if not is_benchmark_call(report) or hasattr(report, "wasxfail"):
            return None
        return report.outcome, "." if report.passed else "F", self.progress.word(report)

    @cached_property
    def progress(self) -> Progress:
        """How far the run is; made when its first benchmark has ended."""
        from pytest_swarm.plugin.progress import Progress

        resumed = frozenset[str]() if self.settings.resume is None else self.folder.earlier.finished_tests
        return Progress(cases=frozenset(self.collected), resumed=resumed)

    def lost_test(self, node_id: str) -> None:
        """A worker of xdist died and took a test with it."""
        self.notes.append(f"a worker of xdist died; {node_id}, which it was running, is not in this run")
        if self.gating is not None:
            self.gating.lost_worker = True
