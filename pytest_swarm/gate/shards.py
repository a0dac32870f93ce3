"""The parts of one run, which were run apart (`--swarm-shard`, several machines): whether they belong together.

Owns the checks of parts and what is missing of the whole. Writing them as one file is `telemetry.merging`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.record import JobRecord, Run, RunInfo
from pytest_swarm.domain.run_options import TAKEN_TOGETHER, OptionRole, differing_options, flag_of, names_of
from pytest_swarm.errors import EventsError
from pytest_swarm.gate.pairing import RunCases, run_cases
from pytest_swarm.gate.run_context import STORED, RunContext, differences, run_context_of
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.telemetry.reader import read_run

SHARD: Final = "swarm_shard"
_PART: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """The parts of one run, in the order of their numbers.

    `missing` has a sentence for everything that the whole lacks; empty where nothing is known to be missing. `numbered`
    says which parts are there; None where they have no numbers.
    """

    paths: tuple[Path, ...]
    runs: tuple[Run, ...]
    missing: tuple[str, ...]
    numbered: MergedParts | None

    @property
    def jobs(self) -> tuple[JobRecord, ...]:
        """The jobs of all parts."""
        return tuple(job for run in self.runs for job in run.jobs)

    @property
    def cases(self) -> RunCases:
        """The cases of all parts, as the gate compares them."""
        lost = (test for run in self.runs for test in run.lost_tests)
        return run_cases(measure(self.jobs), lost_tests=lost, simulated=self.runs[0].info.simulated)

    @property
    def context(self) -> RunContext:
        """The context that all parts share."""
        return run_context_of(self.runs[0].info)


def read_shards(paths: Sequence[Path]) -> Shards:
    """Return the parts of one run.

    Args:
        paths: Folders of runs, or their events.jsonl.

    Raises:
        EventsError: A file holds no events, the parts were not run alike, two of them hold the same case, or declare
            two families for one job.
    """
    parts = [(path, read_run(path)) for path in paths]
    for path, run in parts[1:]:
        difference = next(_differences(parts[0][1], run), None)
        if difference is not None:
            raise EventsError(f"{path} is no part of the same run as {paths[0]} ({difference}); treat it by itself")
    _refuse_twice(parts)
    _refuse_two_families(parts)
    parts = [(path, _without_absent_parts(run)) for path, run in sorted(parts, key=_identity)]
    runs = tuple(run for _, run in parts)
    lacking = (*_missing_ends(parts), *_missing_jobs(runs))
    numbered = _numbered(runs, whole=not lacking)
    missing = lacking if numbered is None else (*numbered.missing, *lacking)
    return Shards(paths=tuple(path for path, _ in parts), runs=runs, missing=missing, numbered=numbered)


def run_differences(first: RunInfo, other: RunInfo, *, unfelt: Collection[str] = ()) -> Iterator[str]:
    """Yield why two runs, whatever their seeds and repeats, cannot be taken together: context, backend and options.

    Args:
        first: What one run was.
        other: What the other run was.
        unfelt: Options that may differ, because nothing in the runs could have felt it. Not those of the context.
    """
    contexts = [run_context_of(info) for info in (first, other)]
    yield from differences(*contexts)
    if first.backend != other.backend and {first.backend, other.backend} & set(STORED):
        yield f"other backend: {first.backend} and {other.backend}"
    draws = names_of(OptionRole.SEED, OptionRole.REPEATS)
    yield from _options(first, other, {*first.options, *other.options} - names_of(*TAKEN_TOGETHER) - draws - {*unfelt})


def _options(first: RunInfo, other: RunInfo, names: Iterable[str]) -> Iterator[str]:
    for name, there, here in differing_options(first.options, other.options, names=names):
        yield f"other {flag_of(name)}: {there} and {here}"


def _differences(first: Run, other: Run) -> Iterator[str]:
    yield from run_differences(first.info, other.info)
    if first.info.seed != other.info.seed:
        yield f"other seed: {first.info.seed} and {other.info.seed}"
    yield from _options(first.info, other.info, names_of(OptionRole.REPEATS))
    counts = [{parts for _, parts in _numbers(run)} for run in (first, other)]
    for there, here in zip(*counts, strict=False):
        if there != here:
            yield f"other {flag_of(SHARD)}: one of {there} parts and one of {here}"


def _identity(part: tuple[Path, Run]) -> tuple[tuple[int, int], float, str, str]:
    """Return what a part is sorted by, so that the order in which the parts are given changes nothing."""
    path, run = part
    return min(_numbers(run), default=(0, 0)), run.info.started_ts_ms, run.info.run, str(path)


def _numbers(run: Run) -> set[tuple[int, int]]:
    """Return the number of each part that a run holds, and how many there are; none for a run that is not divided.

    A run that was merged of numbered parts holds all but those that are absent.
    """
    part = _PART.fullmatch(run.info.options.get(SHARD, ""))
    if part is not None:
        return {(int(part[1]), int(part[2]))}
    return set() if run.parts is None else run.parts.numbers


def _without_absent_parts(run: Run) -> Run:
    """Return a run without its notes of absent parts; one that lacks nothing else has come to its end."""
    if run.parts is None or not run.parts.absent:
        return run
    notes = tuple(note for note in run.notes if note not in run.parts.missing)
    return replace(run, notes=notes, complete=run.parts.whole and not run.lost)


def _refuse_twice(parts: Sequence[tuple[Path, Run]]) -> None:
    """Raise EventsError for a case that two parts hold: one of them would count twice."""
    held: dict[tuple[str, str], Path] = {}
    for path, run in parts:
        own = {(job.case.digest, job.case.test): job for job in run.jobs}
        for identity, job in own.items():
            if identity in held:
                raise EventsError(
                    f"{held[identity]} and {path} both hold the case {job.case.test or job.case.job}, "
                    f"repeat {job.case.key.repeat}; leave one of the runs out"
                )
        held.update(dict.fromkeys(own, path))


def _refuse_two_families(parts: Sequence[tuple[Path, Run]]) -> None:
    """Raise EventsError for a job of two families, by the word of two parts: a family is one unit of chance."""
    declared: dict[str, tuple[str, Path]] = {}
    for path, run in parts:
        for graph in (job.case.graph for job in run.jobs if job.case.graph.family is not None):
            family, there = declared.setdefault(graph.digest, (str(graph.family), path))
            if graph.family != family and there != path:
                raise EventsError(
                    f"job {graph.name!r:.80} is of family {family!r:.60} in {there} and of family "
                    f"{graph.family!r:.60} in {path}; declare the same one in all parts"
                )


def _numbered(runs: Iterable[Run], *, whole: bool) -> MergedParts | None:
    there = {number for run in runs for number in _numbers(run)}
    if not there:
        return None
    count = max(parts for _, parts in there)
    absent = tuple(part for part in range(1, count + 1) if (part, count) not in there)
    return MergedParts(count=count, absent=absent, whole=whole)


def _missing_ends(parts: Sequence[tuple[Path, Run]]) -> Iterator[str]:
    for path, run in parts:
        if not run.complete:
            yield f"{path} is not whole: {'; '.join(run.lost)}" if run.lost else f"{path} did not come to its end"


def _missing_jobs(runs: Sequence[Run]) -> Iterator[str]:
    """A sentence for each benchmark that has no job: of those that failed, and where that is not known, of all."""
    ran = {job.case.test for run in runs for job in run.jobs}
    wanted = (test for run in runs for test in (run.collected if _all_wanted(run) else run.lost_tests))
    for test in dict.fromkeys(wanted):
        if test not in ran:
            yield f"{test} has no job"


def _all_wanted(run: Run) -> bool:
    """Whether all collected benchmarks should have a job; of a run that ended well, those that failed: others skip."""
    return run.failed is None or not run.complete
