"""`new NAME`: a working benchmark to start from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "write a working example benchmark: a test and its task graph"
DESCRIPTION: Final = """
Write test_NAME.py and NAME.toml, a benchmark that runs as it is and is meant to be changed. Nothing is overwritten.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="name of the benchmark, such as invoices")
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="directory to write to (default: the current one)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the files, and print how to run them."""
    from pytest_swarm.workloads.new_benchmark import new_benchmark

    test, graph = new_benchmark(options.name, options.folder)
    print(f"wrote {test}\nwrote {graph}\nrun it: pytest {test}")
    return 0
