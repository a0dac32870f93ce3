"""`report RUN...`: reports rebuilt from events alone, of one run or of several side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

DEFAULT: Final = ("html", "json")
HELP: Final = "rebuild the reports of one or more runs from their events"
DESCRIPTION: Final = """
Rebuild reports from the events of a run; no server is needed, and nothing is scored again. With several runs, the HTML
page shows them side by side.
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
    """Write the reports, and print the path of each."""
    from pytest_swarm.report.outputs import Source, parse_output, rebuild
    from pytest_swarm.telemetry.reader import read_run

    outputs = [parse_output(text, what="--type") for text in options.type or DEFAULT]
    sources = [
        Source(run=read_run(path), events=path / "events.jsonl" if path.is_dir() else path) for path in options.runs
    ]
    for path in rebuild(sources, outputs, folder=options.out, job=options.job):
        print(f"wrote {path}")
    return 0
