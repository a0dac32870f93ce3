"""The summary at the end of a run: plain lines of at most 100 columns, aggregated over repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.metrics.aggregate import Aggregate, aggregate_settings
from pytest_swarm.metrics.lambda_curves import LambdaCurves
from pytest_swarm.metrics.measured_jobs import MeasuredJob, Setting, setting_order
from pytest_swarm.metrics.metric_table import AnyMetric, MetricTable
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.charts.cost_chart import FIGURES, figure_rows, place_of, sentence_of
from pytest_swarm.report.decided_intervals import decided_report
from pytest_swarm.report.findings import answers, missing_sentences, nothing_measured
from pytest_swarm.report.job_rows import natural_order
from pytest_swarm.report.measured import VERIFIED_HEAD, measure_summary, verified_rows
from pytest_swarm.report.metric_text import of_aggregate, summary_columns, summary_row
from pytest_swarm.report.mode_forest import IN_FOREST, ModeForest, mode_forest
from pytest_swarm.report.provenance import provenance
from pytest_swarm.report.report_model import Report, budget_label, horizon_label
from pytest_swarm.report.text_table import TextColumn, columns_under, text_table, wrapped
from pytest_swarm.report.wording import one_line, short_names, whole_line
from pytest_swarm.routing.registry import mode_order
from pytest_swarm.units import plural

MAX_WIDTH: Final = 100
_MAX_ROWS: Final = 60  # beyond this a table in a terminal is no longer read; -v shows all of it
_MAX_NOTES: Final = 8
_NOTE: Final = 2000  # characters of a note, which may hold foreign text
_NAME: Final = 24  # characters of a mode's name
_SIDE_BY_SIDE: Final = 2


def terminal_summary(report: Report, *, width: int, verbose: int) -> list[str]:
    """Return the lines of the summary; by default with at most 60 rows of jobs.

    Args:
        report: The report.
        width: Columns of the terminal; no line has more than 100.
        verbose: The number of -v; -q counts as -1. With -q only the totals and the answer, with -v every row of a job.
    """
    report = decided_report(report)
    width = min(width, MAX_WIDTH)
    if not report.jobs:
        return ["No job was run.", *_not_run(report, width, verbose)]
    lines = _jobs_table(report, width, verbose) if verbose >= 0 else []
    lines += ["", *_totals(report, width), ""]
    for curves in report.lambda_curves:
        lines += [*_cost_curves(curves, width), ""]
    forest = None if nothing_measured(report) else mode_forest(report)
    if forest is not None:
        lines += [*_compared(forest, width), ""]
    for answer in answers(report):
        if forest is None or answer.kind not in IN_FOREST:
            lines += wrapped(whole_line(answer.text), width)
    lines += _not_run(report, width, verbose)
    lines += _verified(report, width)
    origin = provenance(report)
    return lines if origin is None else [*lines, *wrapped(f"{origin.word}: {origin.text}", width)]


def _compared(forest: ModeForest, width: int) -> list[str]:
    """Return what many modes come to against one: a sentence, what is compared over what, and a row for each mode.

    What each mode saves is left out: loads and makespan stand in the table of modes.
    """
    rows = sorted((row for group in forest.groups for row in group.rows), key=lambda row: mode_order(row.mode))
    names = short_names([row.mode for row in rows], _NAME)
    cells = [
        [
            names[row.mode],
            row.score,
            row.difference,
            whole_line(row.supported),
            row.routed.removesuffix(" routed differently"),
        ]
        for row in rows
    ]
    table = text_table(_COMPARED_COLUMNS, cells, width)
    return [*wrapped(whole_line(forest.headline), width), *wrapped(whole_line(forest.caption), width), *table]


_COMPARED_COLUMNS: Final = (
    TextColumn(title="mode", right=False),
    TextColumn(title="score"),
    TextColumn(title="points"),
    TextColumn(title="what the jobs tell", right=False, wraps=True),
    TextColumn(title="other models", right=False, gives_way=1),
)


def _verified(report: Report, width: int) -> list[str]:
    """Return the table of predicted against real figures; nothing where no case was run for real."""
    summary = measure_summary(report)
    if summary is None or not summary.verified:
        return []
    return ["", *text_table(columns_under(VERIFIED_HEAD), verified_rows(summary), width), ""]


def _cost_curves(curves: LambdaCurves, width: int) -> list[str]:
    """Return what the curves of score against cost at one horizon and budget come to."""
    head = f"score against token cost over its weight, {place_of(curves)}: {sentence_of(curves)}"
    if not curves.modes or curves.weak is None:
        return wrapped(whole_line(head), width)
    return [*wrapped(whole_line(head), width), *text_table(columns_under(FIGURES), figure_rows(curves), width)]


def _jobs_table(report: Report, width: int, verbose: int) -> list[str]:
    by_job: dict[tuple[str, Setting], list[MeasuredJob]] = {}
    for each in report.jobs:
        by_job.setdefault((each.job, each.setting), []).append(each)
    order = sorted(by_job, key=lambda key: (natural_order(key[0]), setting_order(key[1])))
    side_by_side = len(report.modes) <= _SIDE_BY_SIDE
    room = _MAX_ROWS if side_by_side else _MAX_ROWS // len(report.modes)
    shown = order if verbose > 0 else order[: max(1, room)]
    make = _pair_rows if side_by_side else _mode_rows
    cells = {key: {each.mode: each for each in aggregate_settings(by_job[key])} for key in shown}
    rows = [row for key in shown for row in make(key, cells[key], report.mode_names)]
    columns = [*_JOB_COLUMNS, *_metric_columns(_PAIR_METRICS) * len(report.modes)]
    if not side_by_side:
        columns = [*_JOB_COLUMNS, TextColumn(title="mode", right=False), *_metric_columns(_MODE_METRICS)]
    lines = text_table(columns, rows, width)
    if side_by_side:
        lines.insert(0, _heads(lines[0], report.mode_names))
    if len(shown) < len(order):
        more = plural(len(order) - len(shown), "more job")
        lines += wrapped(f".. and {more}; -v shows all, the report files hold them.", width)
    return lines


_JOB_COLUMNS: Final = (TextColumn(title="job", right=False), TextColumn(title="hor"), TextColumn(title="VRAM"))
_SCORE: Final = MetricTable.score
_PAIR_METRICS: Final[tuple[AnyMetric, ...]] = (
    MetricTable.violations,
    MetricTable.makespan_s,
    MetricTable.decision_ms,
)
_MODE_METRICS: Final[tuple[AnyMetric, ...]] = (
    MetricTable.violations,
    MetricTable.peak_vram_gb,
    MetricTable.switches,
    MetricTable.makespan_s,
    MetricTable.decision_ms,
)


def _metric_columns(metrics: Sequence[AnyMetric]) -> list[TextColumn]:
    return [TextColumn(title=each.heading, gives_way=each.gives_way) for each in (_SCORE, *metrics)]


def _pair_rows(key: tuple[str, Setting], cells: dict[str, Aggregate], modes: Sequence[str]) -> list[list[str]]:
    """Return one row, the modes next to each other."""
    row = _place(key)
    for mode in modes:
        row += _values(cells[mode], _PAIR_METRICS) if mode in cells else ["-"] * (1 + len(_PAIR_METRICS))
    return [row]


def _mode_rows(key: tuple[str, Setting], cells: dict[str, Aggregate], modes: Sequence[str]) -> list[list[str]]:
    """Return one row for each mode."""
    names = short_names(modes, _NAME)
    return [[*_place(key), names[mode], *_values(cells[mode], _MODE_METRICS)] for mode in modes if mode in cells]


def _place(key: tuple[str, Setting]) -> list[str]:
    name, (horizon, budget_gb, lambda_token) = key
    return [one_line(name, 60), horizon_label(horizon), budget_label(budget_gb, lambda_token)]


def _values(cell: Aggregate, metrics: Sequence[AnyMetric]) -> list[str]:
    score = "ERROR" if cell.errors else "INFEAS" if cell.infeasible else of_aggregate(_SCORE, cell, digits=0)
    return [score, *(of_aggregate(each, cell) for each in metrics)]


def _heads(header: str, modes: Sequence[str]) -> str:
    """Return the line above the header, with each mode's name over its block of columns."""
    starts = [n for n in range(len(header)) if header.startswith("score", n)]
    line = ""
    for start, mode in zip(starts, modes, strict=False):  # a narrow terminal has lost the last columns
        line = f"{line:<{start}}{short_names(modes, 28)[mode]}"
    return line


def _totals(report: Report, width: int) -> list[str]:
    columns = [TextColumn(title="mode", right=False), TextColumn(title="jobs")]
    columns += [TextColumn(title=title, gives_way=level) for title, level in summary_columns(Show.TERMINAL)]
    names = short_names(report.mode_names, _NAME)
    rows = [summary_row(each, Show.TERMINAL, between="..", name=names[each.mode]) for each in report.modes]
    pooled = report.axes.pooled
    return [*text_table(columns, rows, width), *(wrapped(f"The means are over {pooled}.", width) if pooled else [])]


def _not_run(report: Report, width: int, verbose: int) -> list[str]:
    """Return what was not run and why, and the run's notes; shortened unless -v."""
    sentences = missing_sentences(report)
    shown = sentences if verbose > 0 else sentences[:_MAX_NOTES]
    lines = [line for each in shown for line in wrapped("! " + one_line(each, _NOTE), width)]
    if len(shown) < len(sentences):
        lines += wrapped(f"! .. and {plural(len(sentences) - len(shown), 'note')} more; -v shows all.", width)
    return lines
