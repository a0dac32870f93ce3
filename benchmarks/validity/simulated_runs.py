"""The context of simulated runs as the gate sees them, and what it judges."""

from __future__ import annotations

from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.rules import DEFAULTS, Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import SEED_POLICY, FleetIdentity, RunContext


def run_context(seed: int) -> RunContext:
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


def default_policy(*texts: str) -> Policy:
    """The gate as it is without options, or with the given expressions."""
    return Policy(default=Rule(expressions=tuple(parse_expression(text, what="gate") for text in texts or DEFAULTS)))


def as_baseline(cases: tuple[BaselineCase, ...], seed: int = 0) -> Baseline:
    """A run as a baseline."""
    return Baseline(context=run_context(seed), cases=cases, where="baseline")


def as_run(cases: tuple[BaselineCase, ...]) -> RunCases:
    """A run as it is judged."""
    return RunCases(cases=cases)
