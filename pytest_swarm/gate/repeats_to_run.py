"""How many repeats would decide an undecided row: two numbers, each with a chance of 80 % to do so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean

from pytest_swarm.gate.draws import JobDraws
from pytest_swarm.gate.hypotheses import Hypothesis
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.statistics.sample_size import Spread, units_to_exceed
from pytest_swarm.statistics.sequential import price_of_looking


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatsToRun:
    """Repeats of each case, in the run and in the baseline. None = no number of them does.

    `to_settle`: a true difference as large as the one seen gets its verdict. `to_prove_ok`: a run without a loss is ok,
    and one with twice the allowed loss is REGRESSED.
    `same_answers`: the repeats so far gave the same answers, so more of them add nothing.
    """

    to_settle: int | None
    to_prove_ok: int | None
    same_answers: bool = False

    @property
    def sentence(self) -> str:
        """What to do, in one sentence."""
        if self.same_answers:
            return "all repeats of a job gave the same answers, so more repeats would not decide it; more jobs would"
        if self.to_prove_ok is None and self.to_settle is None:
            return "no loss at all is allowed, and no number of repeats can show that there is none"
        settle = "no number of repeats" if self.to_settle is None else f"{self.to_settle:,} repeats of each case"
        prove = "no number" if self.to_prove_ok is None else f"{self.to_prove_ok:,}"
        return (
            f"{settle} would settle a difference as large as this one, {prove} would prove ok where there is none "
            "(in run and baseline, each with 80 % assurance)"
        )


def repeats_to_run(hypothesis: Hypothesis, jobs: tuple[JobDraws, ...], *, allowed: float, reach: float) -> RepeatsToRun:
    """Return how many repeats would decide a mean.

    Args:
        hypothesis: what is tested.
        jobs: the draws so far.
        allowed: the allowed loss.
        reach: the largest difference that can be.
    """
    draws = sum(len(job.before) + len(job.now) for job in jobs)
    repeats = sum(draw.times for job in jobs for draw in (*job.before, *job.now))
    if repeats > draws == 2 * len(jobs):
        return RepeatsToRun(to_settle=None, to_prove_ok=None, same_answers=True)
    level, sign = hypothesis.level_of_next_look, hypothesis.expression.metric.worse
    losses = [each for job in jobs for each in job.all_differences(sign)]
    seen = fmean(job.mean_difference(sign) for job in jobs)
    step = fmean(map(abs, losses))
    if hypothesis.expression.metric.name == MetricTable.score.name:
        step = fmean(1 / max(1, sample.tasks) for match in hypothesis.matches for sample in match.now.samples)
    spread = Spread(values=tuple(losses), step=step, low=-reach, high=reach)
    mirrored = Spread(values=tuple(-each for each in losses), step=step, low=-reach, high=reach)
    per_draw = repeats / draws * (price_of_looking(hypothesis.level) ** 2 if hypothesis.chance.sequential else 1.0)

    def repeats_for(units: int | None) -> int | None:
        return None if units is None else math.ceil(per_draw * math.ceil(units / len(jobs)))

    worse = units_to_exceed(spread, true_mean=seen, limit=allowed, level=level)
    fine = units_to_exceed(mirrored, true_mean=-seen, limit=-allowed, level=level)
    none = units_to_exceed(mirrored, true_mean=0.0, limit=-allowed, level=level)
    twice = replace(spread, uneven=2 * allowed * step)  # a loss strikes single tasks, not all of them a little
    found = units_to_exceed(twice, true_mean=2 * allowed, limit=allowed, level=level)
    prove = None if none is None or found is None else max(none, found)
    return RepeatsToRun(to_settle=repeats_for(worse if seen > allowed else fine), to_prove_ok=repeats_for(prove))
