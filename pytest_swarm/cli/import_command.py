"""`import FILE... --out DIR`: task graphs of other formats as our TOML files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "import task graphs of other formats as TOML files"
DESCRIPTION: Final = """
Import task graphs, and write one TOML file for each. The contents of a file tell its format: WfFormat 1.5, DAGBench
graph.json, WorfBench lists of conversations, or our own TOML and JSON. Invalid graphs are refused with the reason, and
no file is overwritten. The exit status is 1 where no graph was imported.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="file with one or more graphs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write to")


def run(options: argparse.Namespace) -> int:
    """Import the files, and print what was imported and what was refused; return 1 where nothing was imported."""
    from pytest_swarm.workloads.importers.import_files import import_files

    summary = import_files(options.files, options.out)
    print(summary.text())
    return 0 if summary.imported else 1
