"""Judging a run that exists: its cases from its events, as the gate of a session would have judged them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_swarm.domain.record import Run
from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.evaluate import GateResult, evaluate
from pytest_swarm.gate.pairing import RunCases, run_cases
from pytest_swarm.gate.rules import Policy
from pytest_swarm.gate.run_context import MEASURING, RunContext, differences, run_context_of
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.telemetry.reader import read_run


def read_shards(paths: Sequence[Path]) -> tuple[RunCases, RunContext]:
    """Return the cases and the context of a run that was run in parts.

    Args:
        paths: folders of runs, or their events.jsonl; parts of one run.

    Raises:
        EventsError: a file holds no events.
        BaselineError: the parts are not of one run: their contexts or seeds differ.
    """
    runs: list[Run] = [read_run(path) for path in paths]
    contexts = [run_context_of(run.info, measuring=MEASURING) for run in runs]
    for path, context in zip(paths[1:], contexts[1:], strict=True):
        found = list(differences(contexts[0], context))
        if context.seed != contexts[0].seed:
            found.append(f"other seed: {contexts[0].seed} and {context.seed}")
        if found:
            raise BaselineError(f"{path} is no part of the same run as {paths[0]} ({found[0]}); judge it by itself")
    jobs = [job for run in runs for job in run.jobs]
    return run_cases(measure(jobs)), contexts[0]


def judge_run(run: RunCases, context: RunContext, baseline: Baseline, policy: Policy) -> GateResult:
    """Return the verdicts on a run; a case counts as missing where the run has its mode and setting."""
    settings = {case.setup.key for case in run.cases}

    def covered(case: BaselineCase) -> bool:
        return case.setup.key in settings

    return evaluate(run, baseline, context, policy=policy, covered=covered)
