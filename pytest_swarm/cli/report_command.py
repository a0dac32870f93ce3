"""`report RUN...`: rebuild reports from events alone, and lay runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

DEFAULT: Final = ("html", "json")
HELP: Final = "rebuild reports from the events of one or more runs; an HTML page lays several side by side"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run, or its events.jsonl")
    parser.add_argument(
        "--type",
        action="append",
        metavar="TYPE[:PATH]",
        help="html, json, csv, md, md-append, jsonl; repeatable (default: html and json)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write into (default: beside the events)")
    parser.add_argument("--job", metavar="TEXT", help="only the jobs whose name contains TEXT")


def run(options: argparse.Namespace) -> int:
    """Write the reports and name each file."""
    from pytest_swarm.report.outputs import Source, parse_output, rebuild
    from pytest_swarm.telemetry.reader import read_run

    outputs = [parse_output(text, what="--type") for text in options.type or DEFAULT]
    sources = [
        Source(run=read_run(path), events=path / "events.jsonl" if path.is_dir() else path) for path in options.runs
    ]
    for path in rebuild(sources, outputs, folder=options.out, job=options.job):
        print(f"wrote {path}")
    return 0
