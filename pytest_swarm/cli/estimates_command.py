"""`estimates --from RUN --out FILE`: what the answers of a run or table say of each model on each task type."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP: Final = "make a file of estimates from the answers of a run or table"
DESCRIPTION: Final = """
Make a file for --swarm-estimates=FILE: per model and task type, the mean score of the answers, shrunk to the fleet's
prior by as much as the answers are few and the types alike (docs/estimates.md). Answers that two modes share count
once.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        required=True,
        metavar="RUN",
        help="directory of a run, its events.jsonl, or the directory of an imported table",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write, such as estimates.json")
    parser.add_argument(
        "--fleet", metavar="FILE", help="fleet with the models and their priors (default: that of the run or table)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the file, and print a row for each model and type; raise SwarmError for a file that cannot be used."""
    from pytest_swarm.domain.estimates_info import EstimatesKind
    from pytest_swarm.estimate.estimate_formulas import DIFFICULTY_PENALTY
    from pytest_swarm.estimate.estimates_file import write_estimates
    from pytest_swarm.estimate.starting_estimates import estimates_info
    from pytest_swarm.execution.known_answers import read_known_answers
    from pytest_swarm.workloads.fleet import load_fleet

    known = read_known_answers(options.source)
    fleet = known.fleet if options.fleet is None else load_fleet(options.fleet)
    table = known.table(fleet)
    info = estimates_info(known.calls, table, kind=EstimatesKind.FILE, source=known.source, learning=True)
    write_estimates(table, info, options.out, graphs=(call.graph for call in known.calls))
    chance = "they differ from the priors by no more than chance, so the priors stay"
    worth = chance if info.strength is None else f"a prior is worth {info.strength:.1f} answers"
    print(f"{info.counted}; {worth}")
    print(
        f"prior, mean and estimate are scores at difficulty 1: each level above it adds {DIFFICULTY_PENALTY:g},"
        " so a mean may be over 1"
    )
    width = max(len(row.model) for row in info.rows)
    print(f"{'model':{width}}  {'type':24} {'prior':>6} {'mean':>6} {'answers':>8} {'estimate':>9}")
    for row in info.rows:
        print(
            f"{row.model:{width}}  {row.type:24.24} {row.prior:6.3f} {row.mean:6.3f} {row.count:8,} {row.estimate:9.3f}"
        )
    print(f"wrote {options.out}\nnext: pytest --swarm-estimates={options.out}")
    return 0
