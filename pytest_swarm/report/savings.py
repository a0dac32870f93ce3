"""What each mode saves against `fixed`, the router that people have who have none: loads and time of a job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.metrics.measured_jobs import MeasuredJob, PairKey
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import joined, mode_name, points
from pytest_swarm.routing.registry import FIXED

SAME: Final = 0.01  # an interval within +-1 point of score: the modes are the same for every practical purpose
_LOADS_DIGITS: Final = 1
_LONG_S: Final = 10  # from here on whole seconds are shown


def is_same(c: Comparison) -> bool:
    """Return whether the whole interval of the difference lies within +-1 point of score."""
    return c.difference is not None and c.difference.reach is not None and c.difference.reach <= SAME


def alike(c: Comparison) -> bool:
    """Return whether both modes have the same score in every pair."""
    return c.pairs > 0 and c.jobs_won == c.jobs_lost == 0


def difference_text(mean: float) -> str:
    """Return `the difference of 1.2 points`; one that rounds to nothing is named so."""
    size = points(mean)
    return "a difference below 0.1 points" if size.startswith("0.0 ") else f"the difference of {size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Mean over complete pairs of the reference's figure minus the mode's; None where a figure was not measured."""

    loads: float | None
    seconds: float | None


def savings_sentence(report: Report, comparisons: Iterable[Comparison]) -> str | None:
    """Return `MILP saves 2.1 loads and 9 s a job against fixed, at the same score`; None where `fixed` did not run.

    Args:
        report: The report.
        comparisons: Those of each mode with its reference.
    """
    parts: list[str] = []
    for each in comparisons:
        claim = _claim(mode_name(each.mode), saving(report.jobs, each.mode, FIXED))
        if each.reference == FIXED and each.pairs and claim is not None:
            named = "" if parts else f" against {mode_name(FIXED)}"  # it is named once
            parts.append(f"{claim}{named}{_score(each)}")
    return f"{'; '.join(parts)}." if parts else None


def saving(jobs: Iterable[MeasuredJob], mode: str, reference: str) -> Saving:
    """Return what a mode saves of loads and makespan in a job, over the pairs that have a score under both.

    Args:
        jobs: The jobs of all modes.
        mode: The mode.
        reference: The mode that it is judged against.
    """
    scored = [each for each in jobs if each.metrics.score is not None]
    mine: dict[PairKey, MeasuredJob] = {each.pair_key: each for each in scored if each.key.mode == mode}
    pairs = [(mine[each.pair_key], each) for each in scored if each.key.mode == reference and each.pair_key in mine]
    return Saving(
        loads=_mean((own.metrics.switches, other.metrics.switches) for own, other in pairs),
        seconds=_mean((own.metrics.makespan_s, other.metrics.makespan_s) for own, other in pairs),
    )


def _mean(pairs: Iterable[tuple[float | None, float | None]]) -> float | None:
    known = [other - own for own, other in pairs if own is not None and other is not None]
    return fmean(known) if known else None


def _claim(mode: str, found: Saving) -> str | None:
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
    """Return `2.1 loads`, `9 s`; empty for what rounds to nothing."""
    digits = _LOADS_DIGITS if unit == "load" or value < _LONG_S else 0
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return ""
    return f"{text} s" if unit == "s" else f"{text} load" if text == "1.0" else f"{text} loads"


def _score(c: Comparison) -> str:
    found = c.difference
    if found is None:
        return ""
    if alike(c) or is_same(c):
        return ", at the same score"
    if not found.excludes_zero:
        size = points(found.mean)
        size = "less than 0.1 points" if size.startswith("0.0 ") else size
        return f", at a score that differs by {size}, which may be chance"
    return f", at a score {points(found.mean)} {'higher' if found.mean > 0 else 'lower'}"
