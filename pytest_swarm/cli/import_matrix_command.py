"""`import-matrix FILE --format FORMAT --out DIR`: a table that others measured as jobs with known answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "import a table of prompts and models with measured scores"
DESCRIPTION: Final = """
Import a table that others measured, prompt x model -> score, with tokens, cost and latency where it has them. Writes
flat jobs, a fleet, the known answers, and a test that compares the modes on them without a server: pytest DIR. Nothing
is overwritten. docs/importing.md describes the columns of each format.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("table", type=Path, metavar="FILE", help="the table, or a folder with the files of one")
    parser.add_argument("--format", required=True, help="long, routerbench, routellm, llmrouterbench or routerarena")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write to")
    parser.add_argument(
        "--batch", type=int, metavar="N", help="prompts in a job (default: 200, fewer in a small table)"
    )
    parser.add_argument("--name", metavar="NAME", help="name of the jobs (default: that of the file)")
    parser.add_argument("--models", metavar="A,B", help="import these models only (default: all of the table)")


def run(options: argparse.Namespace) -> int:
    """Import the table, and print the mean score of each model and what was left out."""
    from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, import_matrix

    models = tuple(each.strip() for each in (options.models or "").split(",") if each.strip())
    how = MatrixImport(format=options.format, batch=options.batch, name=options.name, models=models)
    print(import_matrix(options.table, options.out, how).text())
    return 0
