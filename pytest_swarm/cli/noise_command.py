"""`noise RUN RUN...`: how much runs of the same state differ, and which allowance of the gate that supports."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_swarm.gate.pairing import RunCases

HELP: Final = "estimate the noise of a gate from runs in which nothing changed"
DESCRIPTION: Final = """
Estimate, for each metric and mode, how much two runs of the same state differ by chance (the A/A floor), and which
allowance runs of that size support. Give two or more runs of the same code, models and options, with other seeds.
"""
_FEW: Final = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run, or its events.jsonl")
    parser.add_argument("--metric", action="append", metavar="NAME", help="only this metric; repeatable")


def run(options: argparse.Namespace) -> int:
    """Print one line for each mode and metric."""
    from pytest_swarm.errors import OptionError
    from pytest_swarm.gate.noise import default_metrics, noise_of
    from pytest_swarm.gate.run_context import differences
    from pytest_swarm.gate.shards import read_shards
    from pytest_swarm.report.text_table import aligned
    from pytest_swarm.routing.registry import mode_name
    from pytest_swarm.units import plural

    if len(options.runs) < 2:
        raise OptionError("noise: one run says nothing of noise; give two or more runs of the same state")
    known = default_metrics()
    for name in options.metric or ():
        if name not in known:
            raise OptionError(f"--metric: {name!r} is no metric of a gate; known are {', '.join(known)}")
    read = [read_shards([path]) for path in options.runs]
    for path, run in zip(options.runs[1:], read[1:], strict=True):
        found = differences(read[0].context, run.context)
        if found:
            raise OptionError(f"noise: {path} is another state than {options.runs[0]} ({found[0]})")
    cases = [run.cases for run in read]
    _refuse_twins(options.runs, cases)
    rows = noise_of(cases, metrics=options.metric or known)
    if not rows:
        raise OptionError("noise: no case of all these runs has such a figure; give runs of the same cases, no parts")
    shown = rows if options.metric else [row for row in rows if row.deviation]
    table: list[tuple[str, ...]] = [("mode", "metric", "mean", "deviation", "allow at least", "of the mean")]
    for row in shown:
        share = f"{100 * row.floor / abs(row.mean):.1f} %" if row.mean else ""
        figures = (f"{each:.4g}" for each in (row.mean, row.deviation, row.floor))
        table.append((mode_name(row.mode), row.metric, *figures, share))
    print("\n".join(aligned(table, left=2)))
    if len(shown) < len(rows):
        print(f"{plural(len(rows) - len(shown), 'row')} without any deviation left out; --metric shows them.")
    if len(options.runs) < _FEW:
        print(f"{len(options.runs)} runs estimate a deviation roughly; {_FEW} or more are better.")
    print("next: allow as much or more, as in pytest --swarm-fail=score:-0.05 or --swarm-fail=token_cost:+10%")
    return 0


def _refuse_twins(paths: Sequence[Path], cases: Sequence[RunCases]) -> None:
    """Raise OptionError for two runs that are equal in every figure: they would make chance look smaller than it is."""
    from pytest_swarm.errors import OptionError
    from pytest_swarm.gate.noise import default_metrics, noise_of

    for (first, one), (again, other) in combinations(zip(paths, cases, strict=True), 2):
        rows = noise_of([one, other], metrics=default_metrics())
        if rows and not any(row.deviation for row in rows):
            raise OptionError(
                f"noise: {again} is equal to {first} in every figure, so it tells nothing of chance; leave one of them "
                "out, and on a simulator give runs of other seeds"
            )
