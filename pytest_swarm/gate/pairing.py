"""Which case of a run is which case of the baseline: by content, never by test id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_swarm.domain.record import CaseKey, JobRecord, JobStatus, PlanStep
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, Setup, sorted_samples
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.metrics.vram_metrics import is_violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A job that has no sample because it was not completed: an error is not a low score."""

    setup: Setup
    test: str
    repeat: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCases:
    """A run as the gate sees it: its cases, and the jobs that were not completed.

    `over` gives the sentences that name the steps over budget, by (case digest, occurrence).
    """

    cases: tuple[BaselineCase, ...]
    broken: tuple[Broken, ...] = ()
    over: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A case of the run and its like in the baseline, with their complete pairs (before, now)."""

    before: BaselineCase
    now: BaselineCase
    pairs: tuple[tuple[BaselineSample, BaselineSample], ...]

    @property
    def setup(self) -> Setup:
        """Job, mode, horizon and budget."""
        return self.now.setup

    @property
    def renamed_from(self) -> str | None:
        """The test's former name, where the same content stood under another one."""
        was, now = test_name(self.before.samples), test_name(self.now.samples)
        return was if was != now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A setup that is still there, but whose graph is another one, and why that is no comparison."""

    before: BaselineCase
    now: BaselineCase

    @property
    def reason(self) -> str:
        """One sentence."""
        if self.before.version != self.now.version:
            return f"case version {self.before.version} then, {self.now.version} now"
        return "the graph has changed (its tasks, prompts, expectations, edges or context)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The run laid beside the baseline. `missing`: the run covered its place, and it was not there;
    `elsewhere`: cases of the baseline that the run did not try to run.
    """

    matches: tuple[Match, ...]
    new: tuple[BaselineCase, ...]
    changed: tuple[Changed, ...]
    missing: tuple[BaselineCase, ...]
    elsewhere: tuple[BaselineCase, ...]


def take(jobs: Iterable[MeasuredJob]) -> RunCases:
    """The samples of a run's completed jobs, by case."""
    jobs = tuple(jobs)
    samples: dict[tuple[Setup, str, int], list[BaselineSample]] = {}
    broken: list[Broken] = []
    for job in jobs:
        setup = setup_of(job.record)
        if job.record.status is not JobStatus.COMPLETED:
            broken.append(_broken(job, setup))
            continue
        graph = job.record.case.graph
        samples.setdefault((setup, graph.digest, graph.version), []).append(sample_of(job))
    cases = tuple(
        BaselineCase(setup=setup, graph_digest=digest, version=version, samples=sorted_samples(group))
        for (setup, digest, version), group in samples.items()
    )
    return RunCases(
        cases=tuple(sorted(cases, key=lambda case: case.setup.order)),
        broken=tuple(broken),
        over=_steps_over_budget(jobs),
    )


def setup_of(record: JobRecord) -> Setup:
    """What a job was run as."""
    key: CaseKey = record.case.key
    return Setup(job=record.case.job, mode=key.mode, horizon=key.horizon, vram_budget_gb=key.vram_budget_gb)


def sample_of(job: MeasuredJob) -> BaselineSample:
    """The sample of a completed job."""
    return BaselineSample(
        digest=job.record.case.digest,
        test=job.record.case.test,
        repeat=job.key.repeat,
        occurrence=job.occurrence,
        tasks=sum(score is not None for score in job.task_score.values()),
        figures={name: _figure(row.of_job(job.metrics)) for name, row in GATE_METRICS.items()},
    )


def pair(baseline: Baseline, cases: Sequence[BaselineCase], *, covered: Callable[[BaselineCase], bool]) -> Pairing:
    """Lay the run's cases beside the baseline's. `covered` says whether the run would have run a case if it were there.

    The same setup and graph digest is the same case. The same setup with another graph, which no case of the run
    matches, is a changed case. What is left is new, or missing, or elsewhere.
    """
    then = {case.identity: case for case in baseline.cases}
    matches = [_match(then.pop(case.identity), case) for case in cases if case.identity in then]
    matched = {match.now.identity for match in matches}
    rest = [case for case in cases if case.identity not in matched]
    by_setup: dict[Setup, list[BaselineCase]] = {}
    for case in then.values():
        by_setup.setdefault(case.setup, []).append(case)
    changed: list[Changed] = []
    new: list[BaselineCase] = []
    for case in rest:
        like = by_setup.get(case.setup)
        if like:
            changed.append(Changed(before=like.pop(0), now=case))
        else:
            new.append(case)
    left = [case for group in by_setup.values() for case in group]
    return Pairing(
        matches=tuple(matches),
        new=tuple(new),
        changed=tuple(changed),
        missing=tuple(case for case in left if covered(case)),
        elsewhere=tuple(case for case in left if not covered(case)),
    )


def _steps_over_budget(jobs: Iterable[MeasuredJob]) -> dict[tuple[str, int], tuple[str, ...]]:
    """Sentences that name the steps over budget, by case digest and occurrence."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for job in jobs:
        if job.metrics.violations:
            sentences = tuple(_sentence(job.record, step) for step in job.record.steps if is_violation(step))
            found[job.record.case.digest, job.occurrence] = sentences
    return found


def _sentence(record: JobRecord, step: PlanStep) -> str:
    key = record.case.key
    models = " + ".join(step.target_residency) or "nothing"
    return (
        f"{record.case.job} [{key.label}] r{key.repeat}, step {step.step}: planned {step.planned_vram_gb:g} GB "
        f"({models}) of {step.vram_budget_gb:g} GB"
    )


def test_name(samples: Sequence[BaselineSample]) -> str:
    """The node id without its parameters: what a user calls the test."""
    return samples[0].test.partition("[")[0] if samples else ""


def _match(before: BaselineCase, now: BaselineCase) -> Match:
    slots = {sample.slot: sample for sample in before.samples}
    pairs = tuple((slots[sample.slot], sample) for sample in now.samples if sample.slot in slots)
    return Match(before=before, now=now, pairs=pairs)


def _broken(job: MeasuredJob, setup: Setup) -> Broken:
    record = job.record
    sentence = f"{setup.label} r{job.key.repeat} ended as {record.status.value}: {record.error or 'no reason given'}"
    return Broken(setup=setup, test=record.case.test, repeat=job.key.repeat, sentence=sentence)


def _figure(value: object) -> float | None:
    assert value is None or isinstance(value, int | float), "every metric of a gate is a number"
    return None if value is None else float(value)
