"""`report RUN...`: reports rebuilt from events alone, of one run or of several side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from pytest_swarm.errors import OptionError

DEFAULT: Final = ("html", "json")
HELP: Final = "rebuild the reports of one or more runs from their events"
DESCRIPTION: Final = """
Rebuild reports from the events of a run; no server is needed, and nothing is scored again. With several runs, the HTML
page shows them side by side. The telemetry.jsonl of the published system, or a folder with such files, is read as far
as it goes, and its figures are printed.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run, or its events.jsonl")
    parser.add_argument(
        "--type",
        action="append",
        metavar="TYPE[:PATH]",
        help="html, json, csv, md, md-append or jsonl; repeatable (default: html and json)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="directory to write to (default: that of the events)")
    parser.add_argument("--job", metavar="TEXT", help="include only the jobs whose name contains TEXT")


def run(options: argparse.Namespace) -> int:
    """Write the reports, and print the path of each; print the figures of published telemetry."""
    from pytest_swarm.report.output_kinds import check_apart, parse_output
    from pytest_swarm.report.outputs import read_source, rebuild
    from pytest_swarm.telemetry.published import published_files

    published = {path: published_files(path) for path in options.runs}
    if any(published.values()):
        return _print_published(options, published)
    outputs = [parse_output(text, what="--type") for text in options.type or DEFAULT]
    check_apart(outputs, what="--type")
    for path in rebuild([*map(read_source, options.runs)], outputs, folder=options.out, job=options.job):
        print(f"wrote {path}")
    return 0


def _print_published(options: argparse.Namespace, published: dict[Path, tuple[Path, ...]]) -> int:
    from pytest_swarm.report.published_figures import published_text
    from pytest_swarm.telemetry.published import read_published

    for path, files in published.items():
        if not files:
            raise OptionError(f"report: {path} is no published telemetry, but others are; report them separately")
    if options.type or options.out or options.job:
        raise OptionError("report: published telemetry has printed figures only; leave --type, --out and --job out")
    print(published_text(read_published(file for files in published.values() for file in files)))
    return 0
