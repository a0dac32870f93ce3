"""`merge RUN... --out DIR`: one run of several that are parts of it, for reports and the gate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

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
    from pytest_swarm.metrics.measured_jobs import stands
    from pytest_swarm.telemetry.merging import write_merged
    from pytest_swarm.units import plural

    shards = read_shards(options.runs)
    parts = [*zip(shards.paths, shards.runs, strict=True)]
    target = write_merged(parts, options.out, missing=shards.missing, numbered=shards.numbered)
    counts = [sum(stands(part.jobs)) for _, part in parts]
    for (path, _), count in zip(parts, counts, strict=True):
        print(f"{path}: {plural(count, 'job')}")
    print(f"wrote {target}: {plural(sum(counts), 'job')} of {plural(len(parts), 'part')}")
    for sentence in shards.missing:
        print(f"MISSING: {sentence}")
    if shards.missing:
        print(f"next: run what is missing, then merge it with {options.out}, or all parts again where one was resumed")
        return 1
    print(f"next: python -m pytest_swarm gate {options.out} --baseline FILE, or report {options.out}, or decide")
    return 0
