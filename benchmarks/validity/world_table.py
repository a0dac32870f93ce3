"""An experiment of the validity benchmark, and the gate as it is asked in all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from simulated_runs import as_baseline, as_run, default_policy, run_context
from worlds import World, draw

from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.evaluate import GateResult, evaluate
from pytest_swarm.gate.rules import Policy


class Bound(TypedDict, total=False):
    """What a rate may be."""

    most: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A world, how often it is played, and what each outcome of it may cost. `play` says which outcomes happened."""

    world: str
    n: int
    play: Callable[[np.random.Generator], Mapping[str, bool]]
    bounds: Mapping[str, Bound]


REGRESSED = "REGRESSED"
FALSE_ALARM: Mapping[str, Bound] = {REGRESSED: {"most": 0.05}}


def judged(
    before: tuple[BaselineCase, ...],
    now: tuple[BaselineCase, ...],
    *,
    policy: Policy | None = None,
    real: bool = False,
    looks: tuple[int, ...] = (),
) -> GateResult:
    """The gate on two runs of different seeds.

    `real` runs are those of a real server with another seed policy; `looks` are those that the baseline remembers.
    """
    then, later = run_context(0), run_context(1)
    if real:
        then, later = (replace(each, backend="ollama", simulated=False) for each in (then, later))
        then = replace(then, seed_policy="another/1")
    baseline = replace(as_baseline(before), context=then, looks=looks)
    return evaluate(as_run(now), baseline, later, policy=policy or default_policy(), covered=lambda _: True)


def equal_runs(make: Callable[[np.random.Generator], World], *, real: bool = False):
    """An experiment's `play`: two runs of the same world, in which every REGRESSED is a false alarm."""

    def play(rng: np.random.Generator) -> Mapping[str, bool]:
        world = make(rng)
        result = judged(draw(world, rng), draw(world, rng, now=True), real=real)
        return {REGRESSED: bool(result.failures)}

    return play
