"""The answer of a run with more than two modes: every mode against one reference, in groups, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.charts.forest import Forest, ForestMark, forest
from pytest_swarm.report.findings import Tone, main_comparisons
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.savings import is_same
from pytest_swarm.report.scoreboard import grouped, reference_mode
from pytest_swarm.report.wording import mode_name, percent, plural, points, signed_points


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One mode: its mean score, its difference to the reference, and what the interval supports in one sentence.

    `over` says over which jobs the score is, where not every mode has one in each job.
    """

    mode: str
    score: str
    over: str
    difference: str
    mark: ForestMark | None
    tone: Tone
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestGroup:
    """The modes of one group; `heading` names it."""

    heading: str
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeForest:
    """All modes against `reference`; `caption` says what is compared over what."""

    reference: str
    caption: str
    drawing: Forest
    groups: tuple[ForestGroup, ...]


def mode_forest(report: Report) -> ModeForest | None:
    """Return every mode against the reference; None for a run of one or two modes, which a sentence answers."""
    reference = reference_mode(report)
    if reference is None or len(report.modes) <= 2:
        return None
    against = {each.mode: each for each in main_comparisons(report)}
    modes = grouped([each for each in report.modes if each.mode == reference or each.mode in against])
    compared = [against[each.mode] for _, group in modes for each in group if each.mode in against]
    drawing = forest(compared)
    uneven = any(each.incomplete for each in compared)
    marks = dict(zip([each.mode for each in compared], drawing.marks, strict=True))
    groups = tuple(
        ForestGroup(
            heading=heading,
            rows=tuple(_row(each, against.get(each.mode), marks.get(each.mode), uneven=uneven) for each in group),
        )
        for heading, group in modes
    )
    return ModeForest(reference=reference, caption=_caption(reference, compared), drawing=drawing, groups=groups)


def _caption(reference: str, compared: Sequence[Comparison]) -> str:
    """Return `Difference in score to LLM, in points, over 102 pairs from 17 workflows`."""
    found = [each.difference for each in compared if each.difference is not None]
    if not found:
        return f"No pair of jobs has a score under {mode_name(reference)} and another mode."
    most = max(found, key=lambda each: each.samples)
    pairs = plural(most.samples, "pair")
    over = pairs if all(each.samples == most.samples for each in found) else f"up to {pairs}"
    return (
        f"Difference in score to {mode_name(reference)} in points, over {over} from {plural(most.clusters, 'workflow')}"
        ", with 95 % intervals that speak of other workflows like these."
    )


def _row(mode: Aggregate, compared: Comparison | None, mark: ForestMark | None, *, uneven: bool) -> ForestRow:
    found = None if compared is None else compared.difference
    tone, sentence = _claim(compared)
    if compared is None or found is None:
        score, over = None if mode.score is None else mode.score.mean, f"over {plural(mode.scored, 'job')}"
    else:
        score, reference = compared.score_mode, percent(compared.score_reference, digits=1)
        over = f"over {plural(compared.pairs, 'job')}; {mode_name(compared.reference)} {reference}"
    return ForestRow(
        mode=mode.mode,
        score=percent(score, digits=1),
        over=over if uneven else "",
        difference="" if found is None else signed_points(found.mean),
        mark=mark,
        tone=tone,
        sentence=sentence,
    )


def _claim(c: Comparison | None) -> tuple[Tone, str]:
    """Return what the data support of a mode against the reference, and how often they chose differently."""
    if c is None:
        return "plain", "the reference"
    found, routed = c.difference, _routed(c)
    if found is None:
        return "open", "not compared: no pair of jobs has a score under both"
    if c.jobs_won == c.jobs_lost == 0:
        return "plain", f"the same score in every pair{routed}"
    if found.low is None or found.high is None:
        return "open", f"not decided, {found.note}{routed}"
    if is_same(c):
        return "plain", f"the same within {points(found.reach or 0.0)}{routed}"
    interval = f"{signed_points(found.low)} to {signed_points(found.high)}"
    if not found.excludes_zero:
        return "open", f"within noise, {interval}{routed}"
    side: Tone = "good" if found.mean > 0 else "bad"
    return side, f"{'better' if found.mean > 0 else 'worse'} by {points(found.mean)}, {interval}{routed}"


def _routed(c: Comparison) -> str:
    if c.routing_divergence_pct is None:
        return ""
    if c.tasks_diverged == 0:
        return "; the same model for every task"
    return f"; {percent(c.routing_divergence_pct / 100)} of tasks routed differently"
