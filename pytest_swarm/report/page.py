"""The names that the page's templates may use: the metrics of a report in words and drawings."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Final
from zlib import crc32

from pytest_swarm.metrics.comparison import Comparison
from pytest_swarm.metrics.metric_table import MetricTable
from pytest_swarm.report.charts.cost_chart import FIGURES, cost_charts
from pytest_swarm.report.charts.curve import curves
from pytest_swarm.report.charts.distribution import distribution
from pytest_swarm.report.charts.forest import Whisker, whisker
from pytest_swarm.report.charts.heat import heat
from pytest_swarm.report.charts.scatter import scatter
from pytest_swarm.report.claims import Claim, claim_of
from pytest_swarm.report.decided_intervals import decided_report
from pytest_swarm.report.decision_view import decision_names
from pytest_swarm.report.findings import (
    Answer,
    answers,
    compared,
    main_comparisons,
    missing_sentences,
    nothing_measured,
)
from pytest_swarm.report.fleet_tables import estimate_rows, fleet_head, fleet_rows
from pytest_swarm.report.job_grid import job_grid
from pytest_swarm.report.measured import VERIFIED_HEAD, measure_summary, verified_rows, verified_sentence
from pytest_swarm.report.mode_forest import mode_forest
from pytest_swarm.report.provenance import provenance
from pytest_swarm.report.report_model import Report, budget_label, horizon_label, modes_sentence
from pytest_swarm.report.savings import savings_parts
from pytest_swarm.report.scoreboard import board_choices, boards
from pytest_swarm.report.wording import joined, percent, point_range, signed_points
from pytest_swarm.routing.registry import MODES, SINGLE, built_in, mode_name, mode_order
from pytest_swarm.units import plural

MODEL_COLORS: Final = ("cyan", "violet", "green", "orange", "pink", "blue", "brown", "teal", "slate", "ink")
_MODE_COLORS: Final = (
    *("blue", "teal", "violet", "orange", "magenta", "ink", "olive"),
    *("green", "pink", "brown", "slate", "indigo", "emerald"),
)  # of the rows of MODES; the order gives like colors different shapes
MORE_COLORS: Final = ("cyan", "crimson", "gold", "plum", "navy", "rust")  # for other modes, and for new rows of MODES
SPARE_COLORS: Final = tuple(each for each in MORE_COLORS if each not in {spec.color for spec in MODES})
SHAPES: Final = 5  # that charts draw (`shape` of macros.html.j2)
_MAX_NOTES: Final = 200
_LABELS: Final = {
    "saving": "Loads",
    "caution": "Caution",
    "budget": "VRAM",
    "planner": "Planner",
    "missing": "Missing",
    "code": "Code",
    "hosts": "Hosts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSummary:
    """One comparison of the answer: a word, the sentence and its drawing."""

    label: str
    answer: Answer
    whisker: Whisker | None


def page_context(report: Report) -> dict[str, object]:
    """Return the names for the templates: everything but the list of jobs and what belongs to the file itself.

    A comparison that a decision judges has the decision's interval.
    """
    report = decided_report(report)
    horizons, budgets, weights = board_choices(report.axes)
    notes, nothing = missing_sentences(report), nothing_measured(report)
    return {
        "report": report,
        "provenance": provenance(report),
        **_measured(report),
        "verdicts": [_verdict(each) for each in main_comparisons(report) if nothing is None],
        "single_sentence": _single_sentence(report) if nothing is None else None,
        "nothing": nothing,
        **_sentences(report, nothing),
        "modes_sentence": modes_sentence(report),
        "scope_sentence": _scope(report),
        "started": _started(report.info.started_ts_ms),
        **decision_names(report.decisions or ()),
        "modes_title": joined([mode_name(mode) for mode in report.mode_names] or ["no mode"]),
        "horizons": horizons,
        "budgets": budgets,
        "weights": weights,
        "reference": report.reference,
        "boards": boards(report),
        "board_css": _board_css(h=len(horizons), b=len(budgets), t=len(weights)),
        "comparison_rows": [_comparison_row(each) for each in report.comparisons],
        "grid": job_grid(report),
        **_charts(report),
        "command": shlex.join(report.info.command),
        "fleet_head": fleet_head(report),
        "fleet_rows": fleet_rows(report),
        "cost_charts": cost_charts(report.lambda_curves),
        "curve_head": FIGURES,
        "curve_modes": [mode for mode in report.mode_names if not mode.startswith(SINGLE)],
        "estimate_head": ("model", "type", "prior", "mean", "answers", "estimate"),
        "estimate_rows": estimate_rows(report),
        "notes": notes[:_MAX_NOTES],
        "notes_left_out": max(0, len(notes) - _MAX_NOTES),
    }


def _charts(report: Report) -> dict[str, object]:
    """Return the drawings of the section of plots."""
    times_ms = {
        mode: [ms for job in report.jobs if job.key.mode == mode for ms in job.metrics.decision_ms_per_step]
        for mode in report.mode_names
    }
    plots = (scatter(report.settings, price) for price in (MetricTable.token_cost, MetricTable.makespan_s))
    return {
        "scatters": [plot for plot in plots if plot is not None],
        "curves": curves(report.settings),
        "decision": distribution(times_ms),
        "heat": heat(report.jobs, report.info.fleet),
    }


def _measured(report: Report) -> dict[str, object]:
    """Return what was measured and verified, and the metrics whose figures are grey."""
    summary = measure_summary(report)
    grey = () if summary is None else tuple(each.metric for each in summary.far_off)
    return {
        "measured": summary,
        "verified_head": VERIFIED_HEAD,
        "verified_rows": [] if summary is None else verified_rows(summary),
        "verified_sentence": verified_sentence(summary) if summary is not None and summary.verified else "",
        "grey_css": "".join(f"td[data-metric={name}]{{color:var(--muted);font-style:italic}}" for name in grey),
    }


def mode_colors(modes: Iterable[str]) -> dict[str, str]:
    """Return a color for each mode: that of its row, or a spare one chosen by its name, each once while they last."""
    colors: dict[str, str] = {}
    for mode in sorted(set(modes), key=mode_order):
        row = built_in(mode)
        if row is not None and row.color is not None and row.color not in colors.values():
            colors[mode] = row.color
            continue
        first = crc32(mode.encode()) % len(SPARE_COLORS)
        ring = SPARE_COLORS[first:] + SPARE_COLORS[:first]
        colors[mode] = next((each for each in ring if each not in colors.values()), ring[0])
    return colors


def mode_shape(mode: str) -> int:
    """Return the number of the shape that marks a mode in charts: by its row's color, so that like colors differ in it.

    Args:
        mode: A mode; that of third parties has a shape by its name.
    """
    row, colors = built_in(mode), (*_MODE_COLORS, *MORE_COLORS)
    place = colors.index(row.color) if row is not None and row.color in colors else crc32(mode.encode())
    return place % SHAPES


def script_hash(script: str) -> str:
    """Return the SHA-256 of the page's script for its content security policy: no other script may run."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _verdict(comparison: Comparison) -> ComparisonSummary:
    match claim_of(comparison):
        case Claim.BETTER:
            label = f"{mode_name(comparison.mode)} is better"
        case Claim.WORSE:
            label = f"{mode_name(comparison.reference)} is better"
        case Claim.SAME:
            label = "the same"
        case Claim.EQUAL:
            label = "equal in every pair"
        case Claim.OPEN | Claim.UNPAIRED:
            label = "undecided"
    return ComparisonSummary(label=label, answer=compared(comparison), whisker=whisker(comparison))


def _sentences(report: Report, nothing: Answer | None) -> dict[str, object]:
    """Return the forest of many modes, and the sentences of the answer beside the comparisons.

    With a forest, what each mode saves stands beside it.
    """
    forest = mode_forest(report) if nothing is None else None
    spoken = [each for each in answers(report) if each.kind != "comparison" and each != nothing]
    return {
        "forest": forest,
        "savings_parts": [] if forest is None else savings_parts(report),
        "says": [(_LABELS[each.kind], each) for each in spoken if forest is None or each.kind != "saving"],
    }


def _single_sentence(report: Report) -> str:
    """Return the sentence in place of comparisons where one mode ran."""
    only = report.modes[0]
    if only.score is None:
        return f"Only {mode_name(only.mode)} has jobs, and none of its {plural(only.jobs, 'job')} has a score."
    score = f"{mode_name(only.mode)} scored {percent(only.score.mean, digits=1)} over {plural(only.scored, 'job')}"
    return f"{score}; no other mode has a job to compare it with."


def _scope(report: Report) -> str:
    """Return `5 workflows, 60 jobs, horizon 0, 1 and 3, VRAM 8GB`."""
    axes, names = report.axes, len({each.job for each in report.jobs})
    weights = [f"{each:g}" for each in axes.weights]
    parts = [
        plural(names, "workflow"),
        plural(len(report.jobs), "job"),
        "horizon " + joined([str(each) for each in axes.horizons] or ["none"]),
        "VRAM " + joined([budget_label(each) for each in axes.budgets_gb] or ["none"]),
        *(["weight of token cost " + joined(weights)] if weights else []),
    ]
    return ", ".join(parts)


def _started(started_ts_ms: float) -> str:
    try:
        return datetime.fromtimestamp(started_ts_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):  # a foreign file may hold any number
        return ""


def _board_css(**sizes: int) -> str:
    """Return the CSS rules that show the chosen board, of so many choices an axis; without :has, all boards show."""
    if max(sizes.values()) <= 1:
        return ""
    rules = [".card.board{display:none}"]
    for place in product(*map(range, sizes.values())):
        named = list(zip(sizes, place, strict=True))
        chosen = "".join(f":has(#board-{axis}-{n}:checked)" for axis, n in named if sizes[axis] > 1)
        rules.append(f"#scoreboard{chosen} #board-{'-'.join(map(str, place))}{{display:block}}")
    return f"@supports selector(:has(*)){{{''.join(rules)}}}"


def _comparison_row(c: Comparison) -> tuple[str, ...]:
    found = c.difference
    return (
        f"{mode_name(c.mode)} - {mode_name(c.reference)}",
        horizon_label(c.horizon_depth),
        budget_label(c.vram_budget_gb, c.lambda_token),
        f"{c.pairs:,}" + (f" (+{c.incomplete:,} incomplete)" if c.incomplete else ""),
        "-" if found is None else f"{signed_points(found.mean)} pts",
        (None if found is None else point_range(found.low, found.high)) or "-",
        f"{c.jobs_won:,} / {c.jobs_tied:,} / {c.jobs_lost:,}",
        "-"
        if c.routing_divergence_pct is None
        else f"{c.tasks_diverged:,} of {c.tasks_compared:,} ({percent(c.routing_divergence_pct / 100)})",
        f"{c.when_differed_better:,} / {c.when_differed_worse:,} / {c.when_differed_tie:,}",
    )
