"""Comparisons of two modes by score over complete pairs: the same graph, horizon, budget and repeat, both scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean
from typing import Final, TypeAlias

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.metrics.measured_jobs import MeasuredJob, PairKey, Setting, pair_family, setting_order, unit_name
from pytest_swarm.metrics.summaries import weights_by_case
from pytest_swarm.routing.registry import mode_order
from pytest_swarm.statistics.intervals import Interval, clustered_mean

Jobs: TypeAlias = Mapping[PairKey, MeasuredJob]
TIE: Final = 1e-9  # scores are ratios of small whole numbers; anything closer is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`mode` against `reference` at one horizon, budget and swept weight, or over all of them (None).

    A pair is two jobs that share graph, setting and repeat and both have a score; `incomplete` counts those
    where one side is missing, failed or unscored. Won and lost are seen from `mode`. `difference` is the mean over
    pairs of score(mode) - score(reference), its interval clustered by job or family. Divergence counts tasks that ran
    under both modes; the `when_differed_*` figures say who scored better on those where the models differed.
    """

    mode: str
    reference: str
    horizon_depth: HorizonDepth | None
    vram_budget_gb: float | None
    lambda_token: float | None
    pairs: int
    incomplete: int
    score_mode: float | None
    score_reference: float | None
    difference: Interval | None
    jobs_won: int
    jobs_lost: int
    jobs_tied: int
    tasks_compared: int
    tasks_diverged: int
    routing_divergence_pct: float | None
    when_differed_better: int
    when_differed_worse: int
    when_differed_tie: int
    when_differed_unscored: int

    @property
    def reversed(self) -> Comparison:
        """The same comparison with `mode` and `reference` exchanged."""
        found = self.difference
        return replace(
            self,
            mode=self.reference,
            reference=self.mode,
            score_mode=self.score_reference,
            score_reference=self.score_mode,
            difference=None if found is None else found.negated,
            jobs_won=self.jobs_lost,
            jobs_lost=self.jobs_won,
            when_differed_better=self.when_differed_worse,
            when_differed_worse=self.when_differed_better,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredPair:
    """Two jobs of one graph and setting with their scores: of a mode and its reference, or of one mode in two runs."""

    mode: MeasuredJob
    reference: MeasuredJob
    score_mode: float
    score_reference: float

    @property
    def difference(self) -> float:
        """Return by how much the mode scored better."""
        return self.score_mode - self.score_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedScores:
    """Both mean scores over pairs, and the mean of their differences with its interval; None without a pair."""

    mode: float | None
    reference: float | None
    difference: Interval | None


def complete_pairs(left: Jobs, right: Jobs) -> list[ScoredPair]:
    """Return the pairs of jobs that both have a score.

    Args:
        left: The jobs of the mode that is judged.
        right: Those that they are compared with.
    """
    return [
        ScoredPair(mode=job, reference=other, score_mode=one, score_reference=two)
        for key, job in left.items()
        if (other := right.get(key)) is not None
        and (one := job.metrics.score) is not None
        and (two := other.metrics.score) is not None
    ]


def paired_scores(pairs: Sequence[ScoredPair]) -> PairedScores:
    """Return mean scores and difference; the interval is clustered by job or family, and weighs by case under auto."""
    weights = pair_weights(pairs)
    return PairedScores(
        mode=fmean([pair.score_mode for pair in pairs], weights) if pairs else None,
        reference=fmean([pair.score_reference for pair in pairs], weights) if pairs else None,
        difference=clustered_mean(
            ((pair_family(pair.mode, pair.reference), pair.difference) for pair in pairs),
            low=-1.0,
            high=1.0,
            weights=weights,
            unit=unit_name(job for pair in pairs for job in (pair.mode, pair.reference)),
        ),
    )


def pair_weights(pairs: Sequence[ScoredPair]) -> list[float] | None:
    """Return the weight of each pair in a mean: each case weighs alike under auto; None where all pairs do."""
    by_case = any(pair.reference.weighs_by_case for pair in pairs)
    return weights_by_case(pair.reference.case_without_repeat for pair in pairs) if by_case else None


def compare_modes(jobs: Sequence[MeasuredJob]) -> tuple[Comparison, ...]:
    """Return every pair of modes: over everything, then per budget and horizon where there are several."""
    settings = sorted({each.setting for each in jobs}, key=setting_order)
    several = settings if len(settings) > 1 else []
    whole = jobs_of_modes(jobs)
    parts = {setting: jobs_of_modes([each for each in jobs if each.setting == setting]) for setting in several}
    found: list[Comparison] = []
    for mode, reference in combinations(sorted(whole, key=mode_order), 2):
        found.append(_compare(whole, mode, reference, None))
        cells = (_compare(part, mode, reference, setting) for setting, part in parts.items())
        found += [cell for cell in cells if cell.pairs or cell.incomplete]
    return tuple(found)


def compare(jobs: Iterable[MeasuredJob], *, mode: str, reference: str) -> Comparison:
    """Return `mode` against `reference` over all the given jobs.

    Args:
        jobs: Jobs of any modes; those of other modes than the two are not looked at.
        mode: The mode from which gains and losses are seen.
        reference: The mode that it is compared with.

    Returns:
        Scores from 0 to 1, differences from -1 to 1, divergence in percent of the tasks that both ran.
    """
    return _compare(jobs_of_modes(jobs), mode, reference, None)


def jobs_of_modes(jobs: Iterable[MeasuredJob]) -> dict[str, dict[PairKey, MeasuredJob]]:
    """Return mode -> its jobs by what two jobs must share to be compared."""
    groups: dict[str, dict[PairKey, MeasuredJob]] = {}
    for each in jobs:
        groups.setdefault(each.key.mode, {})[each.pair_key] = each
    return groups


def _compare(groups: Mapping[str, Jobs], mode: str, reference: str, setting: Setting | None) -> Comparison:
    left, right = groups.get(mode, {}), groups.get(reference, {})
    pairs = complete_pairs(left, right)
    scores = paired_scores(pairs)
    won = sum(pair.difference > TIE for pair in pairs)
    lost = sum(pair.difference < -TIE for pair in pairs)
    tasks = Counter(
        _task_verdict(pair, task)
        for pair in pairs
        for task in pair.mode.task_model
        if task in pair.reference.task_model
    )
    compared = tasks.total()
    diverged = compared - tasks["same model"]
    return Comparison(
        mode=mode,
        reference=reference,
        horizon_depth=None if setting is None else setting.horizon,
        vram_budget_gb=None if setting is None else setting.budget_gb,
        lambda_token=None if setting is None else setting.lambda_token,
        pairs=len(pairs),
        incomplete=len(left.keys() | right.keys()) - len(pairs),
        score_mode=scores.mode,
        score_reference=scores.reference,
        difference=scores.difference,
        jobs_won=won,
        jobs_lost=lost,
        jobs_tied=len(pairs) - won - lost,
        tasks_compared=compared,
        tasks_diverged=diverged,
        routing_divergence_pct=100 * diverged / compared if compared else None,
        when_differed_better=tasks["better"],
        when_differed_worse=tasks["worse"],
        when_differed_tie=tasks["tie"],
        when_differed_unscored=tasks["unscored"],
    )


def _task_verdict(pair: ScoredPair, task: str) -> str:
    """Return on which side a task that both modes ran scored better, or that the modes chose the same model."""
    if pair.mode.task_model[task] == pair.reference.task_model[task]:
        return "same model"
    mine, other = pair.mode.task_score.get(task), pair.reference.task_score.get(task)
    if mine is None or other is None:
        return "unscored"
    if abs(mine - other) <= TIE:
        return "tie"
    return "better" if mine > other else "worse"
