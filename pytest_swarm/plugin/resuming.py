"""--swarm-resume: which run goes on, and whether this session's jobs belong into it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.run_options import RESUMED_ANEW, differing_options, flag_of, names_of
from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.options import Options
from pytest_swarm.plugin.run_lock import RunLock
from pytest_swarm.telemetry import EVENTS_FILE
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Case, CaseKey, JobRecord, RunInfo
    from pytest_swarm.plugin.resources import Resources

_Place: TypeAlias = "tuple[str, str, CaseKey]"  # test, job and key: where a case stands, whatever its graph
_Content: TypeAlias = "tuple[str, str | None]"  # digest and family: what no case of a run may have changed


def resumed_lock(resume: str, reports: Path) -> RunLock:
    """Return the lock of the run that goes on, taken; OptionError where there is none, or another process writes it.

    Args:
        resume: The value of --swarm-resume: a folder, the name of a run, or `latest`, which passes over the runs that
            other processes are writing.
        reports: The folder of all runs.
    """
    if resume != "latest":
        for path in (Path(resume), reports / resume):
            if (path / EVENTS_FILE).is_file():
                lock = RunLock(path)
                lock.take()
                return lock
        raise OptionError(
            f"--swarm-resume: there is no run {resume!r}; give the folder of its {EVENTS_FILE} (a test's path behind "
            "the option is read as its value: write --swarm-resume=latest)"
        )
    started = {path.parent: _started_ms(path) for path in reports.glob(f"*/{EVENTS_FILE}")}
    runs = {folder: ms for folder, ms in started.items() if ms is not None}
    if not runs and started:
        raise OptionError(f"--swarm-resume: {max(started) / EVENTS_FILE} cannot be read as a run; name another run")
    if not runs:
        raise OptionError(f"--swarm-resume: there is no earlier run in {reports}")
    newest_first = sorted(runs, key=lambda folder: runs[folder], reverse=True)
    free = next((lock for lock in map(RunLock, newest_first) if lock.try_to_take()), None)
    if free is None:
        live = RunLock(newest_first[0])
        raise OptionError(
            f"--swarm-resume: every run in {reports} is being written, {live.folder.name} by {live.owner}; wait until "
            f"one of them ends"
        )
    return free


class EarlierJobs:
    """The jobs of the run that goes on; none where a run begins.

    Args:
        jobs: The jobs, completed or not.
        run_name: The name of their run.
        complete: Whether it came to its end.
        verified: The digests of the cases that were run for real as well.
    """

    def __init__(
        self,
        jobs: Sequence[JobRecord] = (),
        *,
        run_name: str = "",
        complete: bool = False,
        verified: Collection[str] = (),
    ) -> None:
        self._finished = {job.case.digest: job for job in jobs if job.status is JobStatus.COMPLETED}
        self._graphs: dict[_Place, set[_Content]] = {}
        for job in jobs:
            self._graphs.setdefault(_place(job.case), set()).add(_content(job.case))
        self._run_name = run_name
        self._complete = complete
        self.verified = frozenset(verified)

    def sentence(self, tests: Sequence[str]) -> str:
        """Return which run goes on, and how many of the tests it has: the latest may be another than the one meant."""
        done = len(self.finished_tests.intersection(tests))
        end = ", which had come to its end" if self._complete else ""
        return f"goes on with run {self._run_name}{end}: it has {done:,} of {plural(len(tests), 'case')}"

    @property
    def finished_tests(self) -> frozenset[str]:
        """Node IDs of the tests whose case is completed."""
        return frozenset(job.case.test for job in self._finished.values())

    def has_finished(self, case: Case) -> bool:
        """Return whether a case is completed."""
        return case.digest in self._finished

    def finished(self, case: Case) -> JobRecord | None:
        """Return the record of a case that is completed, None for one to run; OptionError for a changed graph.

        A test may run several graphs of one name: those that were asked for before are no earlier version.
        """
        there = self._graphs.get(_place(case), set())
        if there and _content(case) not in there:
            other = "family" if case.digest in {digest for digest, _ in there} else "graph"
            raise OptionError(
                f"--swarm-resume: run {self._run_name} ran {case.job!r} with another {other}, and one table must not"
                " mix both; start a new run"
            )
        there.clear()
        return self._finished.get(case.digest)


def _place(case: Case) -> _Place:
    return case.test, case.job, case.key


def _content(case: Case) -> _Content:
    return case.digest, case.graph.family


def earlier_jobs(folder: Path, resources: Resources) -> EarlierJobs:
    """Return the jobs of the run that goes on; OptionError where they were run otherwise."""
    events = folder / EVENTS_FILE
    if resources.settings.resume is None or not events.exists():
        return EarlierJobs(run_name=folder.name)
    from pytest_swarm.telemetry.reader import read_run  # only then, because each worker would import it at its start

    run = read_run(events)
    difference = _difference(run.info, resources)
    if difference is not None:
        raise OptionError(f"--swarm-resume: run {folder.name} {difference}; start a new run")
    verified = [each.case for each in run.verified]
    return EarlierJobs(run.jobs, run_name=folder.name, complete=run.complete, verified=verified)


def _difference(info: RunInfo, resources: Resources) -> str | None:
    """Why this session's jobs would not belong into the run; None where they do."""
    settings = resources.settings
    if info.fleet.digest != resources.planned_fleet.digest:
        there, here = info.fleet.name, resources.fleet.name
        return f"was made with fleet {there!r}, and this one has " + (
            f"fleet {here!r}" if there != here else "another fleet of that name"
        )
    if info.seed != settings.seed:
        return f"was made with seed {info.seed}, and this one has {settings.seed}"
    if info.simulated != resources.backend.simulated:
        return "was made on another backend"
    of_a_part = {Options.shard.dest}.intersection(info.options)  # which cannot become another part, or the whole
    fixed = ({*info.options, *settings.given} - names_of(*RESUMED_ANEW)) | of_a_part
    for name, there, here in differing_options(info.options, settings.given, names=fixed):
        return f"was made with {flag_of(name)}={there}, and this one has {here}"
    if "group" in (settings.cli.carryover, settings.ini.carryover):
        return "carries over from job to job (group), which cannot be picked up in the middle"
    return None


def _started_ms(path: Path) -> float | None:
    """When a run began; None for a file that has no whole `run_start`."""
    try:
        with path.open("rb") as lines:
            event = json.loads(lines.readline().removeprefix(codecs.BOM_UTF8))
        return float(event["ts_ms"]) if event["event"] == "run_start" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
