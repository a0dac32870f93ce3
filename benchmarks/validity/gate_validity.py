"""How often the gate is wrong: one row for each rate, with its binomial interval and what it may be.

    python benchmarks/validity/gate_validity.py --seed N [--json FILE] [--scale 0.1] [--only plain,operating]

Every figure of docs/statistics.md comes from here. Under fifteen minutes on two cores; --scale takes fewer simulations,
and the intervals say what they can claim. The exit status is 1 where a rate is beyond its bound; of false alarms
between equal runs, also where the upper end of the interval is above 6.5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypedDict

import numpy as np
from operating_worlds import OPERATING
from repeated_worlds import REPEATED
from report_worlds import COVERAGE
from single_worlds import SINGLE
from world_table import Bound, Experiment

from pytest_swarm.statistics.intervals import exact_interval

EXPERIMENTS: tuple[Experiment, ...] = (*SINGLE, *OPERATING, *REPEATED, *COVERAGE)
EQUAL_RUNS = ("plain", "identical", "violation", "missing", "unshared")
MOST_UPPER_END = 0.065
CHUNKS = 8  # parts that an experiment is run in, so that two cores end together


class Row(TypedDict):
    """One rate: `count` of `n` simulations, its 95 % interval, and the bound that it has to keep."""

    world: str
    what: str
    n: int
    count: int
    rate: float
    low: float
    high: float
    bound: Bound


def simulate(index: int, chunk: int, n: int, seed: int) -> tuple[int, Counter[str], int]:
    """Play an experiment n times; return its index, how often each outcome was seen, and n."""
    rng = np.random.default_rng([seed, index, chunk])
    seen: Counter[str] = Counter()
    for _ in range(n):
        seen.update(what for what, happened in EXPERIMENTS[index].play(rng).items() if happened)
    return index, seen, n


def rows_of(experiment: Experiment, seen: Counter[str], n: int) -> list[Row]:
    """The rows of one experiment."""
    rows: list[Row] = []
    for what, bound in experiment.bounds.items():
        low, high = exact_interval(seen[what], n, level=0.025)
        rows.append(
            Row(
                world=experiment.world,
                what=what,
                n=n,
                count=seen[what],
                rate=seen[what] / n,
                low=low,
                high=high,
                bound=bound,
            )
        )
    return rows


def broken(row: Row) -> bool:
    """Whether the rate is beyond its bound; of a false alarm between two equal runs, its upper end as well."""
    bound = row["bound"]
    if row["world"].startswith(EQUAL_RUNS) and row["high"] > MOST_UPPER_END:
        return True
    return row["rate"] > bound.get("most", 1.0) or row["rate"] < bound.get("least", 0.0)


def shown(row: Row) -> str:
    """One line of the table."""
    bound = ", ".join(f"at {name} {100 * value:g} %" for name, value in row["bound"].items())
    interval = f"{100 * row['low']:5.1f} .. {100 * row['high']:5.1f} %"
    mark = "  BROKEN" if broken(row) else ""
    return f"{row['world']:32} {row['what']:26} {row['n']:6,} {100 * row['rate']:6.2f} %  {interval}  {bound}{mark}"


def play_all(chosen: Iterable[int], *, scale: float, seed: int) -> list[Row]:
    """Run the chosen experiments on all cores, and print each row when it is complete."""
    seen: dict[int, Counter[str]] = {}
    played: Counter[int] = Counter()
    left: Counter[int] = Counter()
    rows: dict[int, list[Row]] = {}
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        jobs = []
        for index in chosen:
            total = max(8, round(scale * EXPERIMENTS[index].n))
            for chunk, part in enumerate(np.array_split(np.arange(total), CHUNKS)):
                jobs.append(pool.submit(simulate, index, chunk, len(part), seed))
                left[index] += 1
        for job in jobs:
            index, counts, n = job.result()
            seen.setdefault(index, Counter()).update(counts)
            played[index] += n
            left[index] -= 1
            if not left[index]:
                rows[index] = rows_of(EXPERIMENTS[index], seen[index], played[index])
                print("\n".join(map(shown, rows[index])), flush=True)
    return [row for index in sorted(rows) for row in rows[index]]


def parsed(description: str | None, worlds: Iterable[str]) -> argparse.Namespace:
    """The options of the command line; `only` as the beginnings of worlds' names, of each of which there is a world."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the simulations to run")
    parser.add_argument(
        "--only", type=lambda text: tuple(text.split(",")), default="", help="comma list of beginnings of worlds' names"
    )
    options = parser.parse_args()
    known = tuple(worlds)
    for beginning in options.only:
        if not beginning or not any(world.startswith(beginning) for world in known):
            parser.error(f"--only: no world begins with {beginning!r}; the worlds are {', '.join(known)}")
    return options


def main() -> int:
    """Print the rows, write them where that was asked for, and return the exit status."""
    options = parsed(__doc__, [each.world for each in EXPERIMENTS])
    chosen = [n for n, each in enumerate(EXPERIMENTS) if each.world.startswith(options.only)]
    started = time.perf_counter()
    rows = play_all(chosen, scale=options.scale, seed=options.seed)
    print(f"{len(rows)} rates in {time.perf_counter() - started:.0f} s, seed {options.seed}")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(map(broken, rows)))


if __name__ == "__main__":
    sys.exit(main())
