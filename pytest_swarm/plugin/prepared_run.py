"""The run of the benchmarks that a session has collected. It is made once they are known, and owns what they need."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.cases import key_of
from pytest_swarm.plugin.conflicts import check_case_conflicts
from pytest_swarm.plugin.jobless_tests import JoblessTests
from pytest_swarm.plugin.resources import Resources
from pytest_swarm.plugin.resuming import earlier_jobs
from pytest_swarm.plugin.run_folder import RunFolder

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.domain.record import RunInfo
    from pytest_swarm.plugin.collected import Collected
    from pytest_swarm.plugin.dry_run import DryRun
    from pytest_swarm.plugin.job_runner import JobRunner
    from pytest_swarm.plugin.progress import Progress
    from pytest_swarm.plugin.session import SwarmSession


class PreparedRun:
    """Resources, run folder and job runner of a session's benchmarks.

    Args:
        session: The session.
        collected: Its benchmarks.

    Raises:
        OptionError: There is no run to go on with, or another process writes it.
    """

    def __init__(self, session: SwarmSession, collected: Collected) -> None:
        self.session = session
        self.settings = session.settings
        self.collected = collected
        self.resources = Resources(inputs=session.inputs, collected=collected)
        self.jobless = JoblessTests(collected.tests)
        self._ends: list[Callable[[], None]] = [self.resources.close, self._tell_of_jobless]  # the last comes first
        lock = session.lock
        self.folder = RunFolder(
            lock,
            describe=lambda: self._describe(lock.folder.name),
            earlier=lambda: earlier_jobs(lock.folder, self.resources),
            collected=tuple(collected.tests),
            is_worker=session.process.is_worker,
        )

    def _describe(self, run_name: str) -> RunInfo:
        from pytest_swarm.plugin.run_info import run_info

        arguments = self.session.config.invocation_params.args
        return run_info(run_name, self.resources, arguments=[*map(str, arguments)])

    @cached_property
    def dry_run(self) -> DryRun | None:
        """What counts the cost of the run; None where it is run."""
        if not self.settings.dry_run:
            return None
        from pytest_swarm.plugin.dry_run import DryRun  # only then, because it imports what runs cases

        dry_run = DryRun(self.resources, auto_repeat=self.settings.auto_repeat)
        self._ends.append(dry_run.close)
        return dry_run

    @cached_property
    def jobs(self) -> JobRunner:
        """What runs the jobs of tests."""
        from pytest_swarm.plugin.job_runner import JobRunner

        jobs = JobRunner(
            self.resources,
            cases=self.session.cases,
            folder=self.folder,
            repeating=self.session.repeating,
            dry_run=self.dry_run,
        )
        self._ends.append(lambda: jobs.turns.end(self._tell_of_thread))
        return jobs

    def _tell_of_thread(self) -> None:
        self.session.tell("a thread still runs a job, which is waited for; Ctrl-C gives that up")

    def _tell_of_jobless(self) -> None:
        if not self.settings.dry_run:  # which runs none
            self.resources.remarks.extend(self.jobless.remarks())

    def close(self) -> None:
        """Begin no further job, and leave the server as it was found."""
        while self._ends:
            self._ends.pop()()

    def prepare(self) -> None:
        """Make what may fail for a bad file or an absent server."""
        session, resources, whole = self.session, self.resources, self.collected.whole
        _ = (resources.bench, resources.confinement, session.repeating)
        resources.bench.check_modes(key_of(item).mode for item in whole)
        cases = ((key_of(item), session.cases.carryover_of(item)) for item in whole)
        check_case_conflicts(cases, resources)
        if resources.measuring is not None:
            _ = resources.to_verify
        resources.remarks.extend(session.cases.remarks)
        if resources.hosts is None:
            resources.look_at_server()
        resources.look_at_modes()
        if self.settings.dry_run and session.process.is_worker:
            raise OptionError("--swarm-dry-run counts in one process; run it without -n")
        self.folder.claim()
        _ = self.folder.earlier
        if session.gating is not None:
            session.gating.prepare(lambda: self._describe(self.folder.path.name))

    def follow_workers(self) -> None:
        """In the controller of xdist: make what the workers do not; each of them prepares its own run."""
        if self.collected.tests:
            self.resources.look_at_modes()

    def header(self, *, quiet: bool) -> list[str]:
        """Return the lines before the first test; with `quiet`, only warnings."""
        from pytest_swarm.plugin.gate_settings import idle_keys

        idle = idle_keys(self.settings.gating, self.settings.given)
        told = [] if idle is None else [f"swarm: {idle}"]
        if self.session.gating is not None:
            told += [f"swarm: {each}" for each in self.session.gating.forewarnings(lambda: self._describe(""))]
        if self.resources.measuring is not None and not quiet and not self.settings.dry_run:
            from pytest_swarm.plugin.measuring_header import cost_line

            told.append(cost_line(self, self.resources.measuring))
        if self.settings.resume is not None and not quiet:
            told.append(f"swarm: {self.folder.earlier.sentence(tuple(self.collected.tests))}")
        return [*self.resources.header(quiet=quiet), *told]

    def cost_sentence(self) -> str | None:
        """Return what the first worker of xdist says as its first test begins: what the run will ask, where known."""
        from pytest_swarm.plugin.measuring_header import cost_of_parameters

        measuring, first = self.resources.measuring, self.session.process.worker == 0
        if measuring is None or not first or self.session.config.get_verbosity() < 0:
            return None
        return cost_of_parameters(self, measuring)

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
        return Progress(cases=frozenset(self.collected.tests), resumed=resumed)
