"""`import PATH... --out DIR`: task graphs and agent workflows of other formats as our TOML files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "import task graphs and agent workflows of other formats"
DESCRIPTION: Final = """
Import task graphs and agent workflows, and write one TOML file for each. A directory is searched at any depth. The
contents of a file tell its format: Dify, Flowise, n8n, LangGraph, LangFlow, CrewAI, WfFormat, DAGBench, WorfBench,
node-link JSON, GraphML, DOT, or our own TOML and JSON. LLM steps become tasks, and what is between them becomes edges.
Invalid graphs are refused with the reason, and no file is overwritten. The exit status is 1 where one was refused.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file with graphs, or directory of files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write to")
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="value of an input of a workflow; repeatable"
    )
    parser.add_argument(
        "--cases", type=Path, metavar="FILE", help="JSONL file of inputs: each line is a job of its own"
    )
    parser.add_argument(
        "--branch",
        action="append",
        default=[],
        metavar="NODE=NAME",
        help="keep one branch of a node (default: all are run); repeatable",
    )
    parser.add_argument(
        "--unroll", type=int, metavar="N", help="run cycles N times (default: refuse a workflow with a cycle)"
    )
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although something was refused")


def run(options: argparse.Namespace) -> int:
    """Import the files, and print what was imported and what was refused; return 1 where something was refused."""
    from pytest_swarm.errors import GraphError
    from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
    from pytest_swarm.workloads.importers.import_cases import ImportOptions, pairs, read_cases
    from pytest_swarm.workloads.importers.import_files import import_files

    if options.unroll is not None and options.unroll < 1:
        raise GraphError(f"--unroll={options.unroll}: must be at least 1")
    flow = FlowOptions(
        inputs=pairs(options.input, "--input"), branches=pairs(options.branch, "--branch"), unroll=options.unroll
    )
    cases = () if options.cases is None else read_cases(options.cases)
    summary = import_files(options.paths, options.out, ImportOptions(flow=flow, cases=cases))
    print(summary.text())
    if summary.imported:
        print(f"next: python -m pytest_swarm expect {options.out} --reference MODEL, then a test as in importing.md")
    return 1 if summary.refused and not options.keep_going else 0
