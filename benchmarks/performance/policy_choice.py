"""Milliseconds of processor time of `load_policy(FILE).choose(...)`: first after import, new, and repeated.

    python benchmarks/performance/policy_choice.py FILE... [--horizon N]

Each file is measured in a process of its own, at the horizon of the policy or at another one. The exit
status is 1 where the first choice takes 5 ms or more, or the median of later ones 0.2 ms or more.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from pytest_swarm import SwarmError, Task, load_policy
from pytest_swarm.routing.policy_file import read_policy, write_policy

FIRST_MS: Final = 5.0
LATER_MS: Final = 0.2
TYPES: Final = ("code", "math", "reasoning", "extraction", "summarize", "creative")
NEW: Final = 300


def measured(path: Path, horizon: int | None) -> tuple[str, tuple[float, float, float]]:
    """Return what was measured, and its milliseconds: first, median of new ones, median of repeated ones."""
    with TemporaryDirectory() as folder:
        if horizon is not None:
            wanted = msgspec.structs.replace(read_policy(path), horizon_depth=horizon)
            path = Path(folder) / "policy.json"
            write_policy(wanted, path)
        policy = load_policy(path)
    tasks = [
        Task(id=f"t{n}", type=TYPES[n % len(TYPES)], prompt="Compute.", estimated_tokens=100 + n) for n in range(NEW)
    ]
    resident = list(policy.fleet.tags[:1])

    def choose_ms(task: Task) -> float:
        started = time.process_time()
        policy.choose(task, resident=resident, horizon=("code", "summarize", "math"))
        return (time.process_time() - started) * 1000

    first_ms = choose_ms(tasks[0])
    new_ms = median(map(choose_ms, tasks[1:]))
    what = f"{policy.file.mode}, horizon {policy.file.horizon_depth}, {len(policy.fleet)} models"
    return what, (first_ms, new_ms, median(map(choose_ms, tasks)))


def main() -> int:
    """Print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--horizon", type=int, metavar="N", help="horizon (default: that of each policy)")
    options = parser.parse_args()
    print("| policy | first after import | new, median | again, median |\n|---|---:|---:|---:|")
    slow = False
    for path in options.policies:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            try:
                what, (first_ms, new_ms, again_ms) = fresh.submit(measured, path, options.horizon).result()
            except SwarmError as error:
                print(f"{path}: {error}", file=sys.stderr)
                slow = True
                continue
        print(f"| {what} | {first_ms:.2f} | {new_ms:.3f} | {again_ms:.3f} |")
        slow = slow or first_ms >= FIRST_MS or max(new_ms, again_ms) >= LATER_MS
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
