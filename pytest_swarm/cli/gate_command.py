"""`gate RUN... --baseline FILE`: the verdicts on a run that exists, with the exit status that it would have had."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

HELP: Final = "judge a run that exists against a baseline"
DESCRIPTION: Final = """
Judge a run by its events, as pytest with --swarm-baseline judges it. Several runs are parts of one run. The exit status
is 1 where the gate fails or a part of the run is missing, and 4 where a file or an option is wrong. Rules of single
tests (@pytest.mark.swarm_gate) are not part of the events: all cases are judged under --fail.
"""
ERROR_STATUS: Final = 4  # as that of pytest for a wrong option, so that no error looks like a regression
_WIDTH: Final = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run, or its events.jsonl")
    parser.add_argument("--baseline", type=Path, required=True, metavar="FILE", help="the stored results")
    parser.add_argument(
        "--fail",
        action="append",
        metavar="EXPR",
        help="what may get worse, and by how much; repeatable (default: score:-2.5%%@95 and violations:+0)",
    )
    parser.add_argument(
        "--incomparable",
        choices=("warn", "fail", "ignore"),
        default="warn",
        help="what missing and incomparable cases do (default: warn)",
    )
    parser.add_argument(
        "--inconclusive",
        choices=("pass", "warn", "fail"),
        default="warn",
        help="what an undecided verdict does (default: warn)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the verdicts, and return 1 where the gate fails."""
    from pytest_swarm.gate.baseline_codec import read_baseline
    from pytest_swarm.gate.evaluate import judge_run
    from pytest_swarm.gate.look_memory import remember_look
    from pytest_swarm.gate.rules import DEFAULTS, Policy, Rule, check_modes, parse_expression
    from pytest_swarm.gate.shards import read_shards
    from pytest_swarm.report.gate_text import gate_text, terminal_lines

    expressions = tuple(parse_expression(text, what="--fail") for text in options.fail or DEFAULTS)
    policy = Policy(
        default=Rule(expressions=expressions), incomparable=options.incomparable, inconclusive=options.inconclusive
    )
    baseline = read_baseline(options.baseline)
    shards = read_shards(options.runs)
    check_modes(expressions, [case.setup.mode for case in (*baseline.cases, *shards.cases.cases)], what="--fail")
    result = judge_run(shards.cases, shards.context, baseline, policy)
    text = gate_text(result)
    assert text is not None, "there is a result"
    lost = () if options.incomparable == "ignore" else shards.missing
    if lost:
        text = replace(text, summary=f"failed, because the run is not whole. What is there is {text.summary}")
    for line in terminal_lines(text, shutil.get_terminal_size((_WIDTH, 24)).columns, verbose=1):
        print(line)
    for sentence in result.warnings:
        print(f"WARNING gate: {sentence}")
    for sentence in (*lost, *result.failures):
        print(f"FAILED gate: {sentence}")
    if result.failures:
        runs = " ".join(map(str, options.runs))
        print(f"next: python -m pytest_swarm report {runs}; if it is meant, run with --swarm-update-baseline=all")
    if not shards.missing:  # a run that is not whole is no look
        shown = str(options.baseline)
        for sentence in remember_look(baseline, shards.cases, result, file=options.baseline, shown=shown):
            print(sentence)
    return 1 if lost or result.failures else 0
