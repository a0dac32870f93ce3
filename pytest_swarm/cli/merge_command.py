"""`merge RUN... --out DIR`: one run of several that are parts of it, for reports and the gate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord

HELP: Final = "make one run of the parts that several machines have run"
DESCRIPTION: Final = """
Make one run of its parts, such as the jobs of a CI matrix (--swarm-shard). The parts must have been run alike, and no
case may stand in two of them. What is missing is listed, and the exit status is then 1; the merged run is written all
the same. report and gate work on it as on any run.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run, or its events.jsonl")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory of the merged run")


def run(options: argparse.Namespace) -> int:
    """Write the merged run, print what it holds and what it lacks, and return 1 where something is missing."""
    from pytest_swarm.gate.shards import read_shards
    from pytest_swarm.telemetry.merging import write_merged
    from pytest_swarm.units import plural

    shards = read_shards(options.runs)
    parts = [*zip(shards.paths, shards.runs, strict=True)]
    target = write_merged(parts, options.out, missing=shards.missing, numbered=shards.numbered)
    for path, part in parts:
        print(f"{path}: {_jobs(part.jobs)}")
    print(f"wrote {target}: {_jobs(shards.jobs, of=' of ' + plural(len(parts), 'part'))}")
    for sentence in shards.missing:
        print(f"MISSING: {sentence}")
    if shards.missing:
        print(f"next: run what is missing, then merge it with {options.out}, or all parts again where one was resumed")
        return 1
    print(f"next: python -m pytest_swarm gate {options.out} --baseline FILE, or report {options.out}, or decide")
    return 0


def _jobs(records: Sequence[JobRecord], *, of: str = "") -> str:
    """Return `12 jobs, 2 of them an error`; attempts that ended in an error and ran again are no jobs."""
    from pytest_swarm.domain.record import JobStatus
    from pytest_swarm.metrics.measured_jobs import stands
    from pytest_swarm.units import plural

    kept = [*compress(records, stands(records))]
    errors = sum(each.status is JobStatus.ERROR for each in kept)
    remark = f", {errors:,} of them an error: run it again in its part, with --swarm-resume" if errors else ""
    return f"{plural(len(kept), 'job')}{of}{remark}"
