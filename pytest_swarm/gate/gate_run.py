"""Judging a run that exists: its cases from its events, as the gate of a session would have judged them."""

from __future__ import annotations

from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.evaluate import GateResult, evaluate
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.rules import Policy
from pytest_swarm.gate.run_context import RunContext


def judge_run(run: RunCases, context: RunContext, baseline: Baseline, policy: Policy) -> GateResult:
    """Return the verdicts on a run; a case counts as missing where the run has its mode and setting."""
    settings = {case.setup.key for case in run.cases}

    def covered(case: BaselineCase) -> bool:
        return case.setup.key in settings

    return evaluate(run, baseline, context, policy=policy, covered=covered)
