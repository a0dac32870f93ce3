"""The end of a run: close its events, write the reports that were asked for, show the summary."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.plugin.settings import ReportRequest
from pytest_swarm.report.model import Report, build_report
from pytest_swarm.report.terminal import MAX_WIDTH, terminal_summary

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.plugin.session import SwarmSession

DEFAULT: Final = (ReportRequest(type="json", path=None),)
FOR_A_COMPARISON: Final = (*DEFAULT, ReportRequest(type="html", path=None))


def finish(session: SwarmSession, *, complete: bool, notes: tuple[str, ...] = ()) -> tuple[Report | None, list[str]]:
    """The report of the run, read back from its events, and what was written; (None, []) where nothing was run."""
    if not session.has_folder:
        return None, []
    run = session.folder.end(complete=complete, notes=notes)
    if run is None:
        return None, []
    report = build_report(run)
    default = FOR_A_COMPARISON if len(report.mode_names) > 1 else DEFAULT
    requests = default if session.settings.reports is None else session.settings.reports
    return report, [str(write(request, report, session)) for request in requests]


def write(request: ReportRequest, report: Report, session: SwarmSession) -> Path:
    """Write one report, by default into the run's folder; the path that it went to."""
    folder = session.folder.path
    match request.type:
        case "json":
            from pytest_swarm.report.json_report import write_json

            path = request.path or folder / "report.json"
            write_json(report, path)
        case "html":
            from pytest_swarm.report.html import write_html

            path = request.path or folder / "report.html"
            write_html(report, path, template=session.config.hook.pytest_swarm_report_template())
        case _:
            path = request.path or folder / "events.jsonl"
            if path != session.folder.events:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(session.folder.events, path)
    return path


def show(report: Report, written: list[str], reporter: pytest.TerminalReporter) -> None:
    """The summary in pytest's own style."""
    reporter.section("pytest-swarm", sep="=", bold=True)
    width = reporter._tw.fullwidth if reporter.isatty else MAX_WIDTH  # a log has no width of its own
    for line in terminal_summary(report, width=width, verbose=reporter.config.option.verbose):
        reporter.write_line(line)
    for path in written:
        reporter.write_line(f"wrote {path}")
