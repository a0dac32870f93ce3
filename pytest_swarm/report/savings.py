"""What each mode saves against `fixed`, the router that people have who have none: loads and time of a job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from pytest_swarm.metrics.comparison import Comparison, ScoredPair, complete_pairs, jobs_of_modes, pair_weights
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import AnyMetric, MetricTable
from pytest_swarm.report.claims import Claim, claim_of
from pytest_swarm.report.metric_text import plain_number
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import MINUTES_FROM_S, joined, points, seconds
from pytest_swarm.routing.registry import FIXED, mode_name
from pytest_swarm.units import plural

_LOADS_DIGITS: Final = 1
_LONG_S: Final = 10  # from here on whole seconds are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Mean over complete pairs of the reference's figure minus the mode's; None where a figure was not measured.

    `measured` of the `pairs` have such figures under both modes: those in which no task failed.
    """

    loads: float | None
    seconds: float | None
    measured: int
    pairs: int


def savings_parts(report: Report) -> list[str]:
    """Return `MILP saves 2.1 loads and 9 s a job against fixed, at the same score` and the like for each other mode."""
    parts: list[str] = []
    for each in report.against(FIXED):
        found = saving(report.jobs, each.mode, FIXED)
        saved = _saved(mode_name(each.mode), found)
        if each.difference is not None and saved is not None:
            named = "" if parts else f" against {mode_name(FIXED)}"  # it is named once
            parts.append(f"{saved}{named}{_beside(found, each, each.difference.mean)}")
    return parts


def saving(jobs: Iterable[MeasuredJob], mode: str, reference: str) -> Saving:
    """Return what a mode saves of loads and makespan in a job, over the pairs that have a score under both.

    Args:
        jobs: The jobs of all modes.
        mode: The mode.
        reference: The mode that it is judged against.
    """
    by_mode = jobs_of_modes(jobs)
    pairs = complete_pairs(by_mode.get(mode, {}), by_mode.get(reference, {}))
    loads, seconds_ = (_less(pairs, each) for each in (MetricTable.switches, MetricTable.makespan_s))
    return Saving(
        loads=_mean(loads),
        seconds=_mean(seconds_),
        measured=max(len(loads), len(seconds_)),
        pairs=len(pairs),
    )


def _less(pairs: Sequence[ScoredPair], metric: AnyMetric) -> list[tuple[ScoredPair, float]]:
    """Return by how much less of a figure the modes took in each pair that measured it."""
    both = [(p, plain_number(p.mode.comparable(metric)), plain_number(p.reference.comparable(metric))) for p in pairs]
    return [(pair, other - own) for pair, own, other in both if own is not None and other is not None]


def _mean(less: Sequence[tuple[ScoredPair, float]]) -> float | None:
    return fmean([saved for _, saved in less], pair_weights([pair for pair, _ in less])) if less else None


def _saved(mode: str, found: Saving) -> str | None:
    """Return `MILP saves 2.1 loads and takes 3 s more a job`; None where neither was measured."""
    figures = [(value, unit) for value, unit in ((found.loads, "load"), (found.seconds, "s")) if value is not None]
    if not figures:
        return None
    saved = [text for value, unit in figures if value > 0 and (text := _figure(value, unit))]
    spent = [text for value, unit in figures if value < 0 and (text := _figure(-value, unit))]
    if saved and spent:
        return f"{mode} saves {joined(saved)} and takes {joined(spent)} more a job"
    if spent:
        return f"{mode} takes {joined(spent)} more a job"
    if saved:
        return f"{mode} saves {joined(saved)} a job"
    nothing = {"load": "no loads", "s": "no time"}
    return f"{mode} saves {'neither loads nor time' if len(figures) == len(nothing) else nothing[figures[0][1]]}"


def _figure(value: float, unit: str) -> str:
    """Return `2.1 loads`, `9 s`, `12 min 5 s`; empty for what rounds to nothing."""
    if unit == "s" and value >= MINUTES_FROM_S:
        return seconds(value)
    digits = _LOADS_DIGITS if unit == "load" or value < _LONG_S else 0
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return ""
    return f"{text} s" if unit == "s" else f"{text} load" if text == "1.0" else f"{text} loads"


def _beside(found: Saving, comparison: Comparison, mean: float) -> str:
    """Return at which score a mode saves that, as far as the data tell; of some of the pairs only how many they are."""
    if found.measured < found.pairs:
        return f", over {found.measured:,} of {plural(found.pairs, 'pair')}"
    claim = claim_of(comparison)
    if claim in (Claim.SAME, Claim.EQUAL):
        return ", at the same score"
    side = f"{points(mean)} {'higher' if mean > 0 else 'lower'}"
    if side.startswith("0.0 "):
        side = "that differs by less than 0.1 points"
    return f", at a score {side}{', which may be chance' if claim is Claim.OPEN else ''}"
