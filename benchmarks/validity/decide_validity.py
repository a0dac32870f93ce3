"""How often a decision is wrong: one row for each rate, with its binomial interval and what it may be.

    python benchmarks/validity/decide_validity.py --seed N [--json FILE] [--scale 0.1] [--only none,gain]

Every figure of docs/deciding.md about errors comes from here. Under ten minutes on two cores; --scale takes fewer
simulations. `naive` rows take the policy of the best mean and its plain interval. The exit status is 1 where a rate is
beyond its bound.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from decision_worlds import DECISIONS, MEANS
from family_worlds import FAMILY_WORLDS
from gate_validity import CHUNKS, Row, broken, parsed, rows_of, shown

WORLDS = (*DECISIONS, *FAMILY_WORLDS)
HEAD = f"{'world':32} {'rate of':26} {'n':>6} {'rate':>8}  {'95 % interval':>17}  bound"


def simulate(seed: int, index: int, chunk: int, n: int) -> Counter[str]:
    """Play a world n times; return how often each outcome was seen, and the sums of the mean gains."""
    rng = np.random.default_rng([seed, index, chunk])
    seen: Counter[str] = Counter()
    for _ in range(n):
        seen.update(WORLDS[index].play(rng))
    return seen


def play_world(pool: ProcessPoolExecutor, index: int, *, scale: float, seed: int) -> tuple[list[Row], dict[str, float]]:
    """Return the rates of one world, and the mean gains: the true one, the honest one and the naive one."""
    world = WORLDS[index]
    parts = [len(each) for each in np.array_split(np.arange(max(8, round(scale * world.n))), CHUNKS)]
    seen: Counter[str] = Counter()
    for each in pool.map(partial(simulate, seed, index), range(CHUNKS), parts):
        seen.update(each)
    total = sum(parts)
    return rows_of(world, seen, total), {name: float(seen[name]) / total for name in MEANS}


def main() -> int:
    """Print the rows, write them where that was asked for, and return the exit status."""
    options = parsed(__doc__, [each.world for each in WORLDS])
    started = time.perf_counter()
    rows: list[Row] = []
    means: dict[str, dict[str, float]] = {}
    print(HEAD)
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        for index, world in enumerate(WORLDS):
            if world.world.startswith(options.only):
                found, means[world.world] = play_world(pool, index, scale=options.scale, seed=options.seed)
                rows += found
                print("\n".join(map(shown, found)))
                print(
                    f"{world.world:32} " + ", ".join(f"{k} {v:+.3f}" for k, v in means[world.world].items()), flush=True
                )
    print(f"{len(rows)} rates in {time.perf_counter() - started:.0f} s, seed {options.seed}")
    if options.json is not None:
        text = json.dumps({"seed": options.seed, "rates": rows, "gains": means}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return int(any(map(broken, rows)))


if __name__ == "__main__":
    sys.exit(main())
