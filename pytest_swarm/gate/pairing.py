"""Pairing: which case of a run is which case of the baseline, by content and never by test id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_swarm.domain.imported_call import MEASURED_ELSEWHERE
from pytest_swarm.domain.record import JobRecord, JobStatus, PlanStep, TaskOutcome
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, Setup, sorted_samples
from pytest_swarm.gate.shared_prompts import jobs_drawn_together
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.metrics.vram_metrics import is_violation


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteJob:
    """A job that was not completed, and so has no sample: an error is not a low score."""

    setup: Setup
    test: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCases:
    """A run as the gate compares it: its cases, and the jobs that were not completed.

    `over_budget` holds sentences that name the steps over budget, by (case digest, occurrence). `lost_tests` are the
    ids of the tests that failed before they were a job.
    """

    cases: tuple[BaselineCase, ...]
    incomplete: tuple[IncompleteJob, ...] = ()
    lost_tests: tuple[str, ...] = ()
    over_budget: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A case that is in the baseline and in the run, with the pairs of its repeats (before, now)."""

    before: BaselineCase
    now: BaselineCase
    pairs: tuple[tuple[BaselineSample, BaselineSample], ...]

    @property
    def setup(self) -> Setup:
        """Job, mode, horizon and budget."""
        return self.now.setup

    @property
    def unit(self) -> str:
        """What chance deals to as one: the job, or the one that stands for all that share its draws."""
        return self.now.drawn_with or self.setup.job

    @property
    def renamed_from(self) -> str | None:
        """The name of the test in the baseline, where it is another one."""
        was, now = self.before.test_name or "", self.now.test_name or ""
        return was if was != now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedCase:
    """A setup that is in both, with another graph, so that the two cannot be compared."""

    before: BaselineCase
    now: BaselineCase

    @property
    def reason(self) -> str:
        """Why the two cannot be compared, in a few words."""
        if self.before.version != self.now.version:
            return f"case version {self.before.version} then, {self.now.version} now"
        return "the graph has changed (its tasks, prompts, expectations, edges or context)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A run beside the baseline.

    `missing` are cases of the baseline that the run would have run, and did not; `elsewhere` those that it did not
    cover.
    """

    matches: tuple[Match, ...]
    new: tuple[BaselineCase, ...]
    changed: tuple[ChangedCase, ...]
    missing: tuple[BaselineCase, ...]
    elsewhere: tuple[BaselineCase, ...]


def run_cases(jobs: Iterable[MeasuredJob], *, lost_tests: Iterable[str] = (), simulated: bool = False) -> RunCases:
    """Return the samples of a run's completed jobs, by case.

    Args:
        jobs: the jobs of the run.
        lost_tests: the ids of its tests that failed before they were a job.
        simulated: whether the simulator answered, which draws by prompt.
    """
    jobs = tuple(jobs)
    graphs = {(job.record.case.job, job.record.case.graph.digest): job.record.case.graph for job in jobs}
    together = jobs_drawn_together(((name, graph) for (name, _), graph in graphs.items()), simulated=simulated)
    samples: dict[tuple[Setup, str, int], list[BaselineSample]] = {}
    families: dict[str, str] = {}
    incomplete: list[IncompleteJob] = []
    for job in jobs:
        setup = Setup(job=job.record.case.job, key=replace(job.key, repeat=1))
        if job.record.status is not JobStatus.COMPLETED:
            incomplete.append(_incomplete(job, setup))
            continue
        graph = job.record.case.graph
        if graph.family is not None:
            families[graph.digest] = graph.family
        samples.setdefault((setup, graph.digest, graph.version), []).append(sample_of(job))
    cases = tuple(
        BaselineCase(
            setup=setup,
            graph_digest=digest,
            version=version,
            samples=sorted_samples(group),
            family=families.get(digest),
            drawn_with=together.get(setup.job),
        )
        for (setup, digest, version), group in samples.items()
    )
    return RunCases(
        cases=tuple(sorted(cases, key=lambda case: case.setup.order)),
        incomplete=tuple(incomplete),
        lost_tests=tuple(lost_tests),
        over_budget=_steps_over_budget(jobs),
    )


def sample_of(job: MeasuredJob) -> BaselineSample:
    """Return the sample of a completed job."""
    return BaselineSample(
        digest=job.record.case.digest,
        test=job.record.case.test,
        repeat=job.key.repeat,
        occurrence=job.occurrence,
        tasks=sum(score is not None for score in job.task_score.values()),
        figures={name: _figure(job.comparable(row)) for name, row in GATE_METRICS.items()},
        answers=answers_digest(job.record),
    )


def pair_cases(
    baseline: Baseline, cases: Sequence[BaselineCase], *, covered: Callable[[BaselineCase], bool]
) -> Pairing:
    """Return the run's cases beside the baseline's.

    The same setup and graph digest is the same case. The same setup with another graph is a changed case. What is left
    is new, missing, or elsewhere.

    Args:
        baseline: the stored results.
        cases: the cases of the run.
        covered: whether the run would have run a case of the baseline if it still existed.
    """
    then = {case.identity: case for case in baseline.cases}
    matches = [_match(then.pop(case.identity), case) for case in cases if case.identity in then]
    matched = {match.now.identity for match in matches}
    rest = [case for case in cases if case.identity not in matched]
    by_setup: dict[Setup, list[BaselineCase]] = {}
    for case in then.values():
        by_setup.setdefault(case.setup, []).append(case)
    changed: list[ChangedCase] = []
    new: list[BaselineCase] = []
    for case in rest:
        like = by_setup.get(case.setup)
        if like:
            changed.append(ChangedCase(before=like.pop(0), now=case))
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
    case, models = record.case, " + ".join(step.target_residency) or "nothing"
    return (
        f"{case.label} r{case.key.repeat}, step {step.step}: planned {step.planned_vram_gb:g} GB "
        f"({models}) of {step.vram_budget_gb:g} GB"
    )


def _match(before: BaselineCase, now: BaselineCase) -> Match:
    slots = {sample.slot: sample for sample in before.samples}
    pairs = tuple((slots[sample.slot], sample) for sample in now.samples if sample.slot in slots)
    return Match(before=before, now=now, pairs=pairs)


def answers_digest(record: JobRecord) -> str | None:
    """Return the SHA-256 over task, model and answer of all tasks; None where an answer is not known.

    Of a call that was measured elsewhere, the score stands for the answer.
    """
    rows = sorted((each.task, each.model, _answer(each)) for each in record.outcomes if each.model is not None)
    if not rows or any(answer is None for _, _, answer in rows):
        return None
    return hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _answer(outcome: TaskOutcome) -> str | None:
    measured = outcome.score_detail == MEASURED_ELSEWHERE and outcome.answer is None
    return f"{MEASURED_ELSEWHERE}: {outcome.score}" if measured else outcome.answer


def _incomplete(job: MeasuredJob, setup: Setup) -> IncompleteJob:
    record = job.record
    why = (record.error or "no reason given").removeprefix(f"{record.case.label}, ")
    sentence = f"{setup.label} r{job.key.repeat} ended as {record.status.value}: {why}"
    return IncompleteJob(setup=setup, test=record.case.test, sentence=sentence)


def _figure(value: object) -> float | None:
    assert value is None or isinstance(value, int | float), "every metric of a gate is a number"
    return None if value is None else float(value)
