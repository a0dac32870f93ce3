"""`import FILE...`: graphs of other formats to our own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "import task graphs (WfFormat, DAGBench, WorfBench, own TOML or JSON) and write them as own TOML files"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="file or folder of graphs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")


def run(options: argparse.Namespace) -> int:
    """Import what can be, say what was refused and why; status 1 where nothing was taken."""
    from pytest_swarm.workloads.importers.import_files import import_files

    summary = import_files(options.files, options.out)
    print(summary.text())
    return 0 if summary.taken else 1
