"""`time TEST... --against REV`: wall times of two states of a project, over several interleaved processes."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HELP: Final = "compare wall times with another revision, over several processes"
DESCRIPTION: Final = """
Run the tests of this folder and of a git revision of it, each in several processes, one after the other in turn, and
print the ratio of each wall time with its 95 % interval. A single run's wall times say nothing: the machine moves them.
"""
_DEFAULT_PROCESSES: Final = 7
_TESTS_FAILED: Final = 1  # pytest's status; the times of the jobs that ran still count


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("tests", nargs="+", metavar="TEST", help="arguments for pytest, such as a file of benchmarks")
    parser.add_argument("--against", required=True, metavar="REV", help="git revision to compare with, such as main")
    parser.add_argument(
        "--processes",
        type=int,
        default=_DEFAULT_PROCESSES,
        metavar="N",
        help=f"processes of each state (default: {_DEFAULT_PROCESSES})",
    )


def run(options: argparse.Namespace) -> int:
    """Run all processes, and print one line for each mode and time."""
    from pytest_swarm.errors import OptionError
    from pytest_swarm.gate.process_times import FEWEST, time_ratios
    from pytest_swarm.report.text_table import aligned
    from pytest_swarm.routing.registry import mode_name
    from pytest_swarm.telemetry.reader import read_run

    if options.processes < FEWEST:
        raise OptionError(f"--processes: {options.processes} pairs exclude nothing at 95 %; give {FEWEST} or more")
    if Path(options.against).is_file():
        raise OptionError(
            f"--against: {options.against} is a file, and its wall times are of another hour; name a git revision"
        )
    here = Path.cwd()
    top = Path(_git("rev-parse", "--show-toplevel", what=options.against))
    with tempfile.TemporaryDirectory(prefix="pytest-swarm-time-") as folder:
        tree, out = Path(folder, "then"), Path(folder, "events")
        out.mkdir()
        _git("worktree", "add", "--detach", str(tree), options.against, what=options.against)
        try:
            sides = {"then": tree / here.relative_to(top), "now": here}
            for n in range(options.processes):
                for name in ("then", "now") if n % 2 == 0 else ("now", "then"):
                    _pytest(options.tests, sides[name], out / f"{name}-{n}.jsonl")
        finally:
            _git("worktree", "remove", "--force", str(tree), what=options.against)
        then, now = ([read_run(out / f"{name}-{n}.jsonl") for n in range(options.processes)] for name in sides)
        rows = time_ratios(then, now)
    table = [("mode", "time", "then", "now", "ratio", "95 % over processes of these jobs")]
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
        known = "-" if row.low is None or row.high is None else f"{row.low:.3f} .. {row.high:.3f}"
        table.append((mode_name(row.mode), row.metric, f"{row.then:.4g}", f"{row.now:.4g}", ratio, row.note or known))
    print("\n".join(aligned(table, left=2)))
    return 0


def _pytest(tests: Sequence[str], folder: Path, events: Path) -> None:
    """Run the tests in a process of their own, with their events in a file."""
    from pytest_swarm.errors import OptionError

    command = [sys.executable, "-m", "pytest", *tests, f"--swarm-report=jsonl:{events}"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode > _TESTS_FAILED or not events.exists():
        lines = (ended.stderr.strip() or ended.stdout.strip() or "no output").splitlines()
        raise OptionError(f"pytest in {folder} ended with status {ended.returncode}: {lines[-1]}")


def _git(*arguments: str, what: str) -> str:
    """Return what git prints."""
    from pytest_swarm.errors import OptionError

    try:
        ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise OptionError("time: git is not installed, and --against names a git revision") from error
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or ["no reason given"]
        raise OptionError(f"--against: git cannot give {what!r}: {lines[-1]}")
    return ended.stdout.strip()
