"""Milliseconds of processor time of `load_policy(FILE).choose(...)`: first after import, new, and repeated.

    python benchmarks/performance/policy_choice.py FILE

The exit status is 1 where the first choice takes 5 ms or more, or the median of later ones 0.2 ms or more.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import Final

from pytest_swarm import Task, load_policy

FIRST_MS: Final = 5.0
LATER_MS: Final = 0.2
TYPES: Final = ("code", "math", "reasoning", "extraction", "summarize", "creative")
NEW: Final = 300


def main() -> int:
    """Print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=Path, metavar="FILE")
    options = parser.parse_args()
    policy = load_policy(options.policy)
    tasks = [
        Task(id=f"t{n}", type=TYPES[n % len(TYPES)], prompt="Compute.", estimated_tokens=100 + n) for n in range(NEW)
    ]
    resident = list(policy.fleet.tags[:1])

    def choose_ms(task: Task) -> float:
        started = time.process_time()
        policy.choose(task, resident=resident, horizon=["code", "summarize"])
        return (time.process_time() - started) * 1000

    first_ms = choose_ms(tasks[0])
    new_ms = median(map(choose_ms, tasks[1:]))
    again_ms = median(map(choose_ms, tasks))
    print(f"{policy.file.mode}, horizon {policy.file.horizon_depth}, {len(policy.fleet)} models")
    for name, value in (("first after import", first_ms), ("new, median", new_ms), ("again, median", again_ms)):
        print(f"{name:20} {value:8.3f} ms")
    return int(first_ms >= FIRST_MS or max(new_ms, again_ms) >= LATER_MS)


if __name__ == "__main__":
    sys.exit(main())
