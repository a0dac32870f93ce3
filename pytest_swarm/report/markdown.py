"""A report for a pull request: verdict and small tables in GitHub's Markdown, at most 60 lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_swarm.files import check_not_measured, write_whole
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report.claims import Tone
from pytest_swarm.report.decided_intervals import decided_report
from pytest_swarm.report.decision_ruling import decision_sentence
from pytest_swarm.report.decision_view import ANSWERED, ruling_label
from pytest_swarm.report.findings import answers, missing_sentences, nothing_measured
from pytest_swarm.report.gate_text import gate_lines
from pytest_swarm.report.job_rows import JobRow, job_rows
from pytest_swarm.report.markdown_text import escaped, inert, markdown_table
from pytest_swarm.report.metric_text import summary_columns, summary_row
from pytest_swarm.report.mode_forest import IN_FOREST, ModeForest, mode_forest
from pytest_swarm.report.provenance import provenance
from pytest_swarm.report.report_model import Report, budget_label, horizon_label, modes_sentence
from pytest_swarm.report.wording import NOT_MEASURED, joined, one_line, percent, short_names, whole_line
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import format_gb, plural

MAX_LINES: Final = 60
_JOBS: Final = 20  # rows of the table of jobs: the most important ones
_FRAME: Final = 7  # lines of the table of jobs that are not rows
_NOTES: Final = 5
_ANSWERS: Final = 14
_MODES: Final = 16  # rows of the table of modes
_NAME: Final = 60  # characters of a mode's name
_MARK: Final = {"good": "✅", "bad": "❌", "open": "❔", "plain": "⚪"}


def render_markdown(report: Report) -> str:
    """Return the Markdown of a report, the verdicts of its gate first; foreign text is escaped."""
    report = decided_report(report)
    info, verdict = report.info, gate_lines(report.gate)
    title = f"### pytest-swarm: {escaped(modes_sentence(report))} over {plural(len(report.jobs), 'job')}"
    lines = [title, "", *verdict, *([""] if verdict else [])]
    origin = provenance(report)
    if origin is not None:
        lines += [f"> **{origin.word}**: {inert(whole_line(origin.text))}", ""]
    forest = None if nothing_measured(report) else mode_forest(report)
    spoken = [*_decided(report), *_spoken(report, forest)]
    lines += [f"- {_MARK[tone]} {inert(whole_line(text))}" for tone, text in spoken[:_ANSWERS]]
    if len(spoken) > _ANSWERS:
        lines.append(f"- and {plural(len(spoken) - _ANSWERS, 'more sentence')} in report.json")
    lines += ["", *_scoreboard(report, forest), ""]
    notes = missing_sentences(report)
    tail = [f"- {escaped(one_line(each, 300))}" for each in notes[:_NOTES]]
    if len(notes) > _NOTES:
        tail.append(f"- and {plural(len(notes) - _NOTES, 'note')} more")
    about = f"run {info.run}, backend {info.backend}, fleet {info.fleet.name}, seed {info.seed}"
    tail += ["", f"<sub>{escaped(one_line(about))}</sub>"]
    jobs = _jobs(report, room=MAX_LINES - len(lines) - len(tail))
    return "\n".join([*lines, *jobs, *tail]) + "\n"


def write_markdown(report: Report, path: Path, *, append: bool) -> None:
    """Write the report as Markdown to a file.

    Args:
        report: The report.
        path: The file.
        append: Whether the text is added to the file, such as the step summary of a CI job.
    """
    text = render_markdown(report)
    if not append:
        write_whole(path, text.encode())
        return
    check_not_measured(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _decided(report: Report) -> Iterator[tuple[Tone, str]]:
    """Yield the decisions that stand in the answer of the page."""
    for each in (report.decisions or ())[:ANSWERED]:
        tone, _ = ruling_label(each)
        yield tone, f"{format_gb(each.budget_gb)}: {decision_sentence(each)}"


def _spoken(report: Report, forest: ModeForest | None) -> Iterator[tuple[Tone, str]]:
    """Yield the sentences of the answer; many modes are compared by one of them, and by columns of the table."""
    if forest is not None:
        yield "plain", forest.headline
    for each in answers(report):
        if forest is None or each.kind not in IN_FOREST:
            yield each.tone, each.text


def _scoreboard(report: Report, forest: ModeForest | None) -> list[str]:
    told = {} if forest is None else {row.mode: row for group in forest.groups for row in group.rows}
    compared = () if forest is None else (f"points to {mode_name(forest.reference)}", "what the jobs tell")
    head = ("mode", "jobs", *(title for title, _ in summary_columns(Show.MARKDOWN)), *compared)
    names = short_names(report.mode_names, _NAME)
    shown, left_out = report.modes[:_MODES], report.modes[_MODES:]
    rows = [summary_row(each, Show.MARKDOWN, between=" to ", name=names[each.mode]) for each in shown]
    for mode, row in zip(shown, rows, strict=True):
        if forest is not None:
            own = told.get(mode.mode)
            row += ["", ""] if own is None else [own.difference, own.supported]
    notes = [f"The means are over {pooled}."] if (pooled := report.axes.pooled) else []
    notes += [forest.caption] if forest is not None else []
    if left_out:
        rest = joined([names[each.mode] for each in left_out])
        notes.append(f"{plural(len(left_out), 'more mode')} not shown here: {rest}; report.json holds all.")
    return [*markdown_table(head, rows), *(["", escaped(" ".join(notes))] if notes else [])]


def _jobs(report: Report, *, room: int) -> list[str]:
    """Return the jobs in at most `room` lines: those that failed, broke a budget, or differ come first."""
    rows = job_rows(report.jobs)
    shown = sorted(rows, key=JobRow.importance)[: max(0, min(_JOBS, room - _FRAME))]
    if not shown:
        return []
    shown.sort(key=lambda row: row.number)
    head = ("job", "horizon", "VRAM", "repeat", *(mode_name(mode) for mode in report.mode_names))
    table = markdown_table(head, [_job(row, report.mode_names) for row in shown], left=3)
    rest = "" if len(shown) == len(rows) else f" ({len(shown):,} of {len(rows):,} rows)"
    summary = f"<details><summary>The score of each job under each mode{rest}</summary>"
    return [summary, "", *table, "", "</details>", ""]


def _job(row: JobRow, modes: Sequence[str]) -> list[str]:
    first = row.jobs[0]
    scores: list[str] = []
    for mode in modes:
        job = row.under(mode)
        text = NOT_MEASURED if job is None else percent(job.metrics.score)
        over = "" if job is None or not job.metrics.violations else f", {job.metrics.violations} over"
        scores.append(text + over)
    key = first.key
    budget = budget_label(key.vram_budget_gb, key.lambda_token)
    return [first.job, horizon_label(key.horizon), budget, str(key.repeat), *scores]
