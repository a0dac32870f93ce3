"""Writes reports of any kind, for --swarm-report and `python -m pytest_swarm report`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_swarm.domain.record import Run
from pytest_swarm.errors import OptionError
from pytest_swarm.files import MeasuredFile, MeasuredFileError, replacing, write_whole
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.run_measurer import RunMeasurer
from pytest_swarm.report.csv_report import write_csv
from pytest_swarm.report.html import PageOptions, render_html
from pytest_swarm.report.json_report import write_json
from pytest_swarm.report.markdown import write_markdown
from pytest_swarm.report.output_kinds import Output
from pytest_swarm.report.report_model import Report, build_report
from pytest_swarm.telemetry import EVENTS_FILE


def write_output(
    output: Output, report: Report, folder: Path, *, page: PageOptions | None = None, events: Path | None = None
) -> tuple[Path, ...]:
    """Write one report and return the paths that were written.

    Args:
        output: Kind and path.
        report: The report.
        folder: Folder of the run, for an output without a path.
        page: Options of the HTML page.
        events: The run's events.jsonl, which `jsonl` copies.

    Raises:
        OptionError: The template of the page cannot be used, or there are no events to copy.
    """
    target = output.target(folder)
    match output.kind:
        case "html":
            write_whole(target, render_html(report, page).encode())
        case "json":
            write_json(report, target)
        case "csv":
            return write_csv(report, target)
        case "md" | "md-append":
            write_markdown(report, target, append=output.kind == "md-append")
        case _:
            _copy(events, target)
    return (target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A run, and the events.jsonl that it was read from. `jobs` are its measured jobs, where they are known."""

    run: Run
    events: Path
    jobs: tuple[MeasuredJob, ...] | None = None


def read_source(path: Path) -> Source:
    """Return the run in a folder, or of an events.jsonl; EventsError where that cannot be read."""
    run, jobs = RunMeasurer(path).finish()
    return Source(run=run, events=path / EVENTS_FILE if path.is_dir() else path, jobs=jobs)


def rebuild(
    sources: Sequence[Source], outputs: Sequence[Output], *, folder: Path | None = None, job: str | None = None
) -> tuple[Path, ...]:
    """Write the reports of one or more runs from their events alone, and return the paths that were written.

    An HTML page of several runs is that of the first, with the others side by side. Every other kind is written for
    each run.

    Args:
        sources: The runs.
        outputs: The reports to write.
        folder: Where to write; None is beside each run's events. Several runs get a folder each.
        job: Keep only the jobs whose name contains this text, which shows them in full.

    Raises:
        OptionError: A report cannot be written, or there is no such job.
    """
    reports = [build_report(restricted(each.run, job), each.jobs if job is None else None) for each in sources]
    written: list[Path] = []
    for output in outputs:
        for n, (source, report) in enumerate(zip(sources, reports, strict=True)):
            if output.kind == "html" and n > 0:
                continue
            page = PageOptions(others=reports[1:])
            named = _named(output, report, several=len(sources) > 1)
            there = _folder(source, report, folder, several=len(sources) > 1)
            try:
                written += write_output(named, report, there, page=page, events=source.events)
            except OSError as error:
                where = named.path or there
                reason = error.strerror or error
                advice = "" if isinstance(error, MeasuredFileError) else "; give another --out"
                raise OptionError(f"report: {where}: cannot be written: {reason}{advice}") from error
    return tuple(written)


def restricted(run: Run, job: str | None) -> Run:
    """Return the run with only the jobs whose name contains a text.

    Args:
        run: The run.
        job: A part of the names of jobs; None for all of them.

    Raises:
        OptionError: No job has such a name.
    """
    if job is None:
        return run
    jobs = tuple(each for each in run.jobs if job in each.case.job)
    if not jobs:
        raise OptionError(f"report: run {run.info.run} has no job whose name contains {job!r}")
    return replace(run, jobs=jobs)


def _folder(source: Source, report: Report, folder: Path | None, *, several: bool) -> Path:
    if folder is None:
        return source.events.parent
    return folder / Path(report.info.run).name if several else folder


def _named(output: Output, report: Report, *, several: bool) -> Output:
    """Return the output with the run's name in its path, where several runs would write to the same one."""
    if not several or output.path is None or output.kind in ("html", "md-append"):
        return output
    path = output.path
    return replace(output, path=path.with_name(f"{path.stem}-{Path(report.info.run).name}{path.suffix}"))


def _copy(events: Path | None, target: Path) -> None:
    if events is None:
        raise OptionError("report: jsonl needs the run's events.jsonl, and there is none")
    if not target.exists() or not target.samefile(events):
        with replacing(target, measured=MeasuredFile.EVENTS) as beside:
            shutil.copyfile(events, beside)
