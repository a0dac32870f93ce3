"""The answer of a run with more than two modes: every mode against one reference, in groups, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate
from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.report.charts.forest import Forest, ForestMark, forest
from pytest_swarm.report.claims import TONES, Claim, Tone, claim_of
from pytest_swarm.report.decided_intervals import decided_estimate
from pytest_swarm.report.decision_text import passed_over
from pytest_swarm.report.findings import main_comparisons
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.scoreboard import grouped
from pytest_swarm.report.wording import joined, part_of, percent, point_range, points, signed_points
from pytest_swarm.routing.registry import mode_group, mode_name
from pytest_swarm.units import plural

IN_FOREST: Final = ("comparison", "saving")
"""The kinds of answers that stand in the forest, or in the table of modes, where there are more than two modes."""
_NAMED: Final = 3  # up to so many modes are named in the headline


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One mode: its mean score, its difference to the reference, and what the interval supports.

    `over` says over which jobs the score is, where not every mode has one in each job. `routed` says how many tasks
    ran on another model than under the reference.
    """

    mode: str
    score: str
    over: str
    difference: str
    mark: ForestMark | None
    tone: Tone
    supported: str
    routed: str

    @property
    def sentence(self) -> str:
        """Return what the interval supports, and how much was routed differently."""
        return "; ".join(filter(None, (self.supported, self.routed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestGroup:
    """The modes of one group; `heading` names it."""

    heading: str
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeForest:
    """All modes against `reference`; `caption` says what is compared over what."""

    reference: str
    headline: str
    caption: str
    drawing: Forest
    groups: tuple[ForestGroup, ...]


def mode_forest(report: Report) -> ModeForest | None:
    """Return every mode against the reference; None for a run of one or two modes, which a sentence answers."""
    reference = report.reference
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
    return ModeForest(
        reference=reference,
        headline=headline(reference, compared),
        caption="".join(
            (_caption(reference, compared, report.axes.pooled), _passed_over(report), _not_decided_on(report, compared))
        ),
        drawing=drawing,
        groups=groups,
    )


def headline(reference: str, compared: Sequence[Comparison]) -> str:
    """Return which modes are better, worse or the same as the reference, and of how many that is not known.

    Modes that know the answers beforehand are no news, and left out.

    Args:
        reference: The mode that all are compared with.
        compared: One comparison with it for each other mode.
    """
    found: dict[Claim, list[str]] = {claim: [] for claim in Claim}
    for each in compared:
        if mode_group(each.mode) != "hindsight":
            found[claim_of(each)].append(mode_name(each.mode))
    unknown, unpaired, equal = found[Claim.OPEN], found[Claim.UNPAIRED], found[Claim.EQUAL]
    name = mode_name(reference)
    sides = ((Claim.BETTER, "better than"), (Claim.WORSE, "worse than"), (Claim.SAME, "the same as"))
    said = [
        f"{_names(found[claim])} {_verb(found[claim], 'is', 'are')} {than} {name}"
        for claim, than in sides
        if found[claim]
    ]
    parts = [f"By score {joined(said)}"] if said else []
    if equal:
        parts.append(f"{_names(equal)} {_verb(equal, 'has', 'have')} the same score as {name} in every pair")
    if unknown:
        many = f"the {'other ' if parts else ''}{len(unknown)} modes"
        rest = _names(unknown) if len(unknown) <= _NAMED else many
        scores, verb = (_verb(unknown, *each) for each in (("score", "scores"), ("differs", "differ")))
        parts.append(f"{'the' if parts else 'The'} jobs do not tell whether the {scores} of {rest} {verb} from {name}")
    if unpaired:
        parts.append(f"{_names(unpaired)} {_verb(unpaired, 'has', 'have')} no pair of jobs with {name}")
    return f"{'; '.join(parts)}." if parts else f"Nothing is compared with {name}."


def _verb(modes: Sequence[str], one: str, many: str) -> str:
    return one if len(modes) == 1 else many


def _names(modes: Sequence[str]) -> str:
    """Return up to three modes by name, else how many."""
    return joined(list(modes)) if len(modes) <= _NAMED else f"{len(modes)} modes"


def _caption(reference: str, compared: Sequence[Comparison], pooled: str) -> str:
    """Return `Difference in score to LLM in points, over 102 pairs from 17 workflows`, and what that pools."""
    found = [each.difference for each in compared if each.difference is not None]
    if not found:
        return f"No pair of jobs has a score under {mode_name(reference)} and another mode."
    most = max(found, key=lambda each: each.samples)
    pairs = plural(most.samples, "pair")
    over = pairs if all(each.samples == most.samples for each in found) else f"up to {pairs}"
    bounded = any(each.low is not None for each in found)
    intervals = ", with 95 % intervals that speak of other workflows like these" if bounded else ""
    return (
        f"Difference in score to {mode_name(reference)} in points, over {over} from {plural(most.clusters, most.unit)}"
        f"{f', over {pooled}' if pooled else ''}{intervals}."
    )


def _passed_over(report: Report) -> str:
    """Return why the reference is not the mode that the names of the modes tell; nothing where it is."""
    told = (passed_over(each) for each in report.decisions or () if each.present.mode == report.reference)
    return next((f" {each}." for each in told if each is not None), "")


def _not_decided_on(report: Report, compared: Sequence[Comparison]) -> str:
    """Return which modes have another kind of interval than those that the run's one decision judges."""
    if report.decisions is None or len(report.decisions) != 1 or len({each.setting for each in report.settings}) != 1:
        return ""
    (decision,) = report.decisions
    bounded = [each for each in compared if each.difference is not None and each.difference.low is not None]
    rest = [mode_name(each.mode) for each in bounded if decided_estimate(each, decision, whole=True) is None]
    if not rest or len(rest) == len(bounded):
        return ""
    said = ("interval", "intervals"), ("is", "are"), ("assumes", "assume")
    intervals, are, assume = (_verb(rest, *each) for each in said)
    return f" The {intervals} of {joined(rest)} {are} not the decision's, and {assume} less."


def _row(mode: Aggregate, compared: Comparison | None, mark: ForestMark | None, *, uneven: bool) -> ForestRow:
    found = None if compared is None else compared.difference
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
        tone="plain" if compared is None else TONES[claim_of(compared)],
        supported="the reference" if compared is None else _supported(compared),
        routed="" if compared is None else _routed(compared),
    )


def _supported(c: Comparison) -> str:
    """Return what the data support of a mode against the reference."""
    found, claim = c.difference, claim_of(c)
    if found is None:
        return "not compared: no pair of jobs has a score under both"
    if claim is Claim.EQUAL:
        others = "" if found.reach is None else f"; other workflows may differ by up to {points(found.reach)}"
        return f"the same score in every pair{others}"
    interval = point_range(found.low, found.high)
    if interval is None:
        return f"not decided, {found.note}"
    match claim:
        case Claim.SAME:
            return f"the same within {points(found.reach or 0.0)}"
        case Claim.OPEN:
            return f"within noise, {interval}"
    return f"{'better' if claim is Claim.BETTER else 'worse'} by {points(found.mean)}, {interval}"


def _routed(c: Comparison) -> str:
    if c.routing_divergence_pct is None:
        return ""
    if c.tasks_diverged == 0:
        return "no task routed differently"
    return f"{part_of(c.tasks_diverged, c.tasks_compared, 'task')} routed differently"
