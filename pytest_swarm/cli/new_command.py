"""`new NAME`: a working benchmark to start from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "write a working example benchmark: a test and its task graph"
DESCRIPTION: Final = """
Write test_NAME.py and NAME.toml, a benchmark that runs as it is and is meant to be changed. With --from, it is made of
your own prompts: a file of JSON lines or CSV with a column prompt, and perhaps type and expected. The scorer of each
is guessed from the shape of what is expected, and shown. Nothing is overwritten.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="name of the benchmark, such as invoices")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="your own prompts, in .jsonl, .json or .csv",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="directory to write to (default: the current one)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the files, and print how to run them."""
    from pytest_swarm.workloads.new_benchmark import new_benchmark
    from pytest_swarm.workloads.prompt_benchmark import new_prompt_benchmark

    if options.source is not None:
        print(new_prompt_benchmark(options.name, options.source, folder=options.folder).text())
        return 0
    test, graph = new_benchmark(options.name, options.folder)
    print(f"wrote {test}\nwrote {graph}\nrun it: pytest {test}")
    return 0
