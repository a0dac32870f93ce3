"""Milliseconds of processor time of a new choice of `load_policy`, by mode, number of models, horizon and state.

    python -m benchmarks.performance.choice_table [--choices N] [--modes lp,staged] [--vram 12]

Each figure is the median of new choices: tasks and resident models differ from one to the next, and so do the horizons.
States: `usual` has no ties; in `short` one model takes only half of the tasks; in `alike` all models are equal in all
but VRAM, so that several solutions of `lp` are optimal; in `tied` two of these are resident.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random
from statistics import median
from typing import Final

from pytest_swarm import SwarmError, Task
from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.routing.policy_choice import DecidedPolicy
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel, PolicyProvenance, PolicyWeights

TYPES: Final = ("code", "math", "reasoning", "extraction", "summarize", "creative")
MODES: Final = "lp,milp,staged,heft,greedy,fixed,collate,best-single,random,single:m0"
STATES: Final = ("usual", "short", "alike", "tied")
MODELS: Final = (2, 4, 6, 8)
HORIZONS: Final[tuple[HorizonDepth, ...]] = (0, 1, 3)
PROVENANCE: Final = PolicyProvenance(
    runs=(),
    backend="sim",
    backend_detail="",
    simulated=True,
    profile=None,
    versions={},
    written="",
    tool_version="",
    ruling="use",
    decided_by="score",
    against="fixed",
    jobs=0,
    repeats=0,
)


def model(number: int, *, last: bool, state: str, draw: Random) -> PolicyModel:
    """Return a model of a fleet; figures are drawn where models of the state differ."""
    equal, context = state in ("alike", "tied"), 400 if state == "short" and last else 8192
    return PolicyModel(
        name=f"m{number}",
        vram_gb=2 + number * 1.7 % 9,
        load_time_ms=2000 if equal else draw.uniform(1500, 5500),
        cost_per_token=0.1 if equal else draw.uniform(0.05, 0.15),
        max_ctx=context,
        num_ctx=context,
        capabilities={each: 0.5 if equal else draw.uniform(0.2, 0.95) for each in TYPES},
        prefill_tokens_per_s=500.0,
        decode_tokens_per_s=20.0 + number,
    )


def policy(mode: str, *, horizon: HorizonDepth, models: int, state: str, vram_gb: float) -> DecidedPolicy:
    """Return a policy of a mode over a fleet that is drawn by its size."""
    draw = Random(models)
    rows = tuple(model(n, last=n == models - 1, state=state, draw=draw) for n in range(models))
    made = PolicyFile(
        schema="swarm-policy/1",
        mode=mode,
        horizon_depth=horizon,
        vram_budget_gb=vram_gb,
        weights=PolicyWeights(token=0.5, switch=0.2),
        fleet_name="drawn",
        models=rows,
        assign={"*": "m0"},
        estimates=(),
        table=(),
        provenance=PROVENANCE,
    )
    return DecidedPolicy(made, where="choice_table")


def new_choice_ms(decided: DecidedPolicy, *, state: str, choices: int) -> float:
    """Return the median of so many choices, each with a task and, but for `tied`, a resident set of its own."""
    draw, tags, taken = Random(7), decided.fleet.tags, []
    for n in range(choices):
        tokens = 100 + n + (300 if state == "short" and n % 2 else 0)
        task = Task(id=f"t{n}", type=TYPES[n % len(TYPES)], prompt="Compute.", estimated_tokens=tokens)
        resident = tags[:2] if state == "tied" else draw.sample(tags, min(len(tags), n % 3))
        horizon = draw.sample(TYPES, 3)
        started = time.process_time_ns()
        decided.choose(task, resident=resident, horizon=horizon)
        taken.append((time.process_time_ns() - started) / 1e6)
    return median(taken[1:])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choices", type=int, default=2000)
    parser.add_argument("--modes", default=MODES)
    parser.add_argument("--vram", type=float, default=12.0, metavar="GB")
    options = parser.parse_args()
    print(f"| mode, horizon, {options.vram:g} GB | {' | '.join(f'{state}: {MODELS} models' for state in STATES)} |")
    print("|---" * (1 + len(STATES)) + "|")
    for mode in options.modes.split(","):
        for horizon in HORIZONS:
            cells = []
            for state in STATES:
                made = [policy(mode, horizon=horizon, models=n, state=state, vram_gb=options.vram) for n in MODELS]
                try:
                    taken = [new_choice_ms(each, state=state, choices=options.choices) for each in made]
                    cells.append(", ".join(f"{each:.2f}" for each in taken))
                except SwarmError as error:
                    cells.append(f"{error}")
            print(f"| `{mode}`, {horizon} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
