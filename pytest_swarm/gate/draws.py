"""Draws: what chance dealt to one job in one repeat, on one side. Repeats that gave the same answers are one draw.

All horizons and budgets of one repeat of one job share its request seed, so their values move together: they are one
draw. So are jobs that share prompts: below, all of them are one job. Where draws are not shared between the sides, all
repeats of both count, and none is paired with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance
from types import MappingProxyType

from pytest_swarm.gate.baseline import BaselineCase, BaselineSample
from pytest_swarm.gate.pairing import Match
from pytest_swarm.metrics.metric_table import AnyMetric
from pytest_swarm.statistics.permutations import Stratum
from pytest_swarm.statistics.sign_flips import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The values of one job in one repeat, by the number of the case.

    `times` is how many repeats gave the same answers.
    """

    run: str
    values: Mapping[int, float]
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraws:
    """The draws of one job on both sides; `cases` are the numbers of its cases that were measured on both."""

    job: str
    cases: range
    before: tuple[Draw, ...]
    now: tuple[Draw, ...]

    def mean(self, case: int, *, now: bool) -> float:
        """Return the mean of a case over all repeats of one side."""
        return _mean_of_case(self.now if now else self.before, case)

    def mean_difference(self, sign: int) -> float:
        """Return the mean over cases of how much higher a case is now, times `sign`."""
        return sign * fmean(self.mean(case, now=True) - self.mean(case, now=False) for case in self.cases)

    def grouped_pairs(self, sign: int, *, share: float = 0.0) -> list[Pair]:
        """Return independent losses: both sides are dealt to as many groups as the smaller side has draws.

        Each case keeps its difference of means over all repeats, whatever the sizes of the groups.

        Args:
            sign: +1 where more is worse, -1 where less is.
            share: share of the value before that is taken off each loss.
        """

        def loss(then: Sequence[Draw], later: Sequence[Draw], case: int) -> float:
            before = _mean_of_case(then, case)
            return sign * (_mean_of_case(later, case) - before) - share * abs(before)

        groups = min(len(self.before), len(self.now))
        dealt = [(self.before[n::groups], self.now[n::groups]) for n in range(groups)]
        found: list[Pair] = []
        for case in self.cases:
            whole = loss(self.before, self.now, case)
            losses = [
                (group, loss(then, later, case))
                for group, (then, later) in enumerate(dealt)
                if _has(then, case) and _has(later, case)
            ]
            losses = losses or [(0, whole)]  # each group lacks the case on one side
            shift = whole - sum(each for _, each in losses) / len(losses)
            found += [Pair(self.job, (self.job, case), group, each + shift) for group, each in losses]
        return found

    def all_differences(self, sign: int) -> list[float]:
        """Return as many losses as the larger side has draws, each of one draw on either side."""
        found: list[float] = []
        for n in range(max(len(self.before), len(self.now))):
            then, now = self.before[n % len(self.before)], self.now[n % len(self.now)]
            both = [case for case in self.cases if case in then.values and case in now.values]
            if both:
                found.append(sign * fmean(now.values[case] - then.values[case] for case in both))
        return found or [self.mean_difference(sign)]

    def stratum(self, sign: int, *, cases: int) -> Stratum:
        """Return the draws as a stratum of a permutation test over `cases` cases in all."""
        draws = self.before + self.now
        middles = {case: fmean(each.values[case] for each in draws if case in each.values) for case in self.cases}
        before, now = (
            tuple(sign * fmean(value - middles[case] for case, value in draw.values.items()) for draw in side)
            for side in (self.before, self.now)
        )
        return Stratum(before=before, now=now, weight=len(self.cases) / cases)

    def run_means(self, case: int) -> dict[str, tuple[float, float]]:
        """Return, for each run of the baseline, the mean of a case and its variance (0 for a single repeat)."""
        found: dict[str, list[float]] = {}
        for draw in self.before:
            if case in draw.values:
                found.setdefault(draw.run, []).append(draw.values[case])
        return {
            run: (fmean(values), variance(values) / len(values) if len(values) > 1 else 0.0)
            for run, values in found.items()
        }


def twin_runs(cases: Iterable[BaselineCase]) -> Mapping[str, str]:
    """Return each run of a baseline that is another one again, with that other one: all its answers are the same.

    A seed that was run twice is one run. Answers of single jobs may agree by coincidence; those of a whole run do not.
    """
    given: dict[str, list[object]] = {}
    for case in cases:
        for sample in case.samples:
            answer = sample.answers if sample.answers is not None else object()  # not known: like no other
            given.setdefault(sample.run, []).append((case.identity, sample.slot, answer))
    first: dict[frozenset[object], str] = {}
    return {run: known for run, answers in given.items() if (known := first.setdefault(frozenset(answers), run)) != run}


def job_draws(
    matches: Iterable[Match], name: str, *, collapse: bool, twins: Mapping[str, str] = MappingProxyType({})
) -> tuple[JobDraws, ...]:
    """Return the draws of each job that measured a metric on both sides.

    Args:
        matches: the cases that are in both.
        name: the metric.
        collapse: whether repeats with the same answers are one draw. They are not where the server is known to draw
            anew for each seed, as the simulator does: there equal answers are a coincidence that counts.
        twins: runs of the baseline that are another one again; each repeat of both is one draw.
    """
    by_job: dict[str, list[Match]] = {}
    for match in matches:
        if _measured(match.before.samples, name) and _measured(match.now.samples, name):
            by_job.setdefault(match.unit, []).append(match)
    return tuple(
        JobDraws(
            job=job,
            cases=range(len(group)),
            before=_draws([match.before.samples for match in group], name, collapse=collapse, twins=twins),
            now=_draws([match.now.samples for match in group], name, collapse=collapse, twins={}),
        )
        for job, group in by_job.items()
    )


def repeat_counts(jobs: Sequence[JobDraws]) -> dict[str, int]:
    """Return the repeats of both sides, and the different ones among them, by the fields of a VerdictRow."""
    return {
        "repeats_before": sum(draw.times for job in jobs for draw in job.before),
        "repeats_now": sum(draw.times for job in jobs for draw in job.now),
        "distinct_before": sum(len(job.before) for job in jobs),
        "distinct_now": sum(len(job.now) for job in jobs),
    }


def _mean_of_case(draws: Sequence[Draw], case: int) -> float:
    """Return the mean of a case over all repeats of the draws that have it."""
    if len(draws) == 1:
        return draws[0].values[case]
    total, times = 0.0, 0
    for draw in draws:
        value = draw.values.get(case)
        if value is not None:
            total, times = total + value * draw.times, times + draw.times
    return total / times


def bet_scale(metric: AnyMetric, before: Iterable[float]) -> float:
    """Return the size of a large difference, for bets: the range of the metric, else that of the baseline's values.

    It knows nothing of the run that is judged, because bets must be placed before the game.

    Args:
        metric: The metric that bets are placed on.
        before: Its values in the baseline, in its own unit.

    Returns:
        In the unit of the metric, above 0.
    """
    if metric.low is not None and metric.high is not None:
        return metric.high - metric.low
    values = list(before)
    return (max(values) - min(values)) or max(map(abs, values)) or 1.0


def _measured(samples: Iterable[BaselineSample], name: str) -> bool:
    return any(sample.figures.get(name) is not None for sample in samples)


def _has(draws: Sequence[Draw], case: int) -> bool:
    return any(case in draw.values for draw in draws)


@dataclass(slots=True)
class _Repeat:
    """What one repeat of a job gave: values and answers by case."""

    values: dict[int, list[float]] = field(default_factory=dict)
    answers: list[tuple[int, int, str | None]] = field(default_factory=list)


def _draws(
    cases: Sequence[Sequence[BaselineSample]], name: str, *, collapse: bool, twins: Mapping[str, str]
) -> tuple[Draw, ...]:
    repeats: dict[tuple[str, int], _Repeat] = {}
    for case, samples in enumerate(cases):
        for sample in samples:
            value = sample.figures.get(name)
            if value is not None:
                slot = sample.run, sample.repeat
                repeat = repeats.get(slot) or repeats.setdefault(slot, _Repeat())
                repeat.values.setdefault(case, []).append(value)
                repeat.answers.append((case, sample.occurrence, sample.answers))
    found: dict[object, Draw] = {}
    for (run, number), repeat in repeats.items():
        key: object = twins.get(run, run), number
        if collapse and all(answers is not None for _, _, answers in repeat.answers):
            key = frozenset(repeat.answers)
        same = found.get(key)
        values = {case: each[0] if len(each) == 1 else fmean(each) for case, each in repeat.values.items()}
        found[key] = Draw(run=run, values=values, times=1 if same is None else same.times + 1)
    return tuple(found.values())
