"""An experiment of the validity benchmark, and the gate as it is asked in all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from worlds import World, draw

from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.evaluate import GateResult, evaluate
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.rules import DEFAULTS, Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import SEED_POLICY, FleetIdentity, RunContext


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


def _run_context(seed: int) -> RunContext:
    """A run on the simulator with that seed."""
    return RunContext(
        run=f"seed-{seed}",
        started_ts_ms=0.0,
        backend="sim",
        simulated=True,
        profile="a40",
        fleet=FleetIdentity(name="heavy", digest="heavy"),
        seed=seed,
        seed_policy=SEED_POLICY,
        measure={},
        versions={},
        machine={},
    )


SIMULATED = (_run_context(0), _run_context(1))
SAME_SEED = (_run_context(0), _run_context(0))
REAL = tuple(
    replace(each, backend="ollama", simulated=False, seed_policy=policy)
    for each, policy in zip(SIMULATED, ("another/1", SEED_POLICY), strict=True)
)


def judged(
    before: tuple[BaselineCase, ...],
    now: tuple[BaselineCase, ...],
    *,
    policy: Policy | None = None,
    contexts: tuple[RunContext, ...] = SIMULATED,
    looks: tuple[int, ...] = (),
) -> GateResult:
    """The gate on two runs; `contexts` are theirs, `looks` those that the baseline remembers."""
    then, later = contexts
    baseline = Baseline(context=then, cases=before, where="baseline", looks=looks)
    return evaluate(RunCases(cases=now), baseline, later, policy=policy or default_policy(), covered=lambda _: True)


def default_policy(*texts: str) -> Policy:
    """The gate as it is without options, or with the given expressions."""
    return Policy(default=Rule(expressions=tuple(parse_expression(text, what="gate") for text in texts or DEFAULTS)))


def equal_runs(make: Callable[[np.random.Generator], World], *, real: bool = False):
    """An experiment's `play`: two runs of the same world, in which every REGRESSED is a false alarm."""

    def play(rng: np.random.Generator) -> Mapping[str, bool]:
        world = make(rng)
        result = judged(draw(world, rng), draw(world, rng, now=True), contexts=REAL if real else SIMULATED)
        return {REGRESSED: bool(result.failures)}

    return play
