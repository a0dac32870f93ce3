"""Options that two runs set differently: whether a case of either could have felt it. An unmet limit did nothing.

Options that change what a score means are the gate's business, and are never here: they always keep runs apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_swarm.domain.record import JobRecord, JobStatus, PlanStep, Run
from pytest_swarm.domain.run_options import OptionRole, names_of, text_of
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.routing.registry import LLM, planning_options
from pytest_swarm.units import parse_duration_s

TIMEOUT: Final = "swarm_timeout"
CONCURRENCY: Final = "swarm_concurrency"
_RAN_OUT: Final = "timeout"
_NO_LIMIT: Final = "none"
Jobs = tuple[JobRecord, ...]


def unfelt_options(first: Run, other: Run) -> frozenset[str]:
    """Return the options of which no case of two runs could have felt another value.

    Args:
        first: A run.
        other: Another run.
    """
    modes = [{job.case.key.mode for job in run.jobs} for run in (first, other)]
    found = {
        name
        for name in names_of(OptionRole.PLANNING)
        if not all(any(name in planning_options(mode) for mode in each) for each in modes)
    }
    jobs = (*first.jobs, *other.jobs)
    for name, felt in ((TIMEOUT, _timeout_felt), (CONCURRENCY, _concurrency_felt)):
        if not felt(jobs, *(text_of(name, run.info.options) for run in (first, other))):
            found.add(name)
    return frozenset(found)


def _steps(jobs: Iterable[JobRecord]) -> Iterator[PlanStep]:
    return (step for job in jobs for step in job.steps)


def _shortest_s(texts: Iterable[str]) -> float:
    return min(math.inf if text == _NO_LIMIT else parse_duration_s(text, what="limit") for text in texts)


def _timeout_felt(jobs: Jobs, *texts: str) -> bool:
    """Whether a task, load or decision took as long as the shorter limit, or a call ran into its own."""
    spans = [
        *((each.started_s, each.finished_s) for job in jobs for each in job.outcomes),
        *((each.started_s, each.finished_s) for job in jobs for each in job.switches),
    ]
    took_s = [end - begin for begin, end in spans if begin is not None and end is not None]
    decided_s = [step.decision_ms / 1000 for step in _steps(jobs)]
    ran_out = any(each.error_kind == _RAN_OUT for job in jobs for each in job.outcomes)
    ran_out = ran_out or any(_RAN_OUT in step.planner_failures for step in _steps(jobs))
    failed = any(job.status is JobStatus.ERROR for job in jobs)
    return ran_out or failed or max((*took_s, *decided_s), default=0.0) >= _shortest_s(texts)


def _concurrency_felt(jobs: Jobs, *texts: str) -> bool:
    """Whether more tasks were in view than the smaller number that runs at a time."""
    fewest = min(int(text) for text in texts)
    return any(len(step.horizon_tasks) > fewest or step.running for step in _steps(jobs))


def planners(run: Run) -> frozenset[str]:
    """Return the models that were loaded to plan for mode `llm` where no option names one.

    Args:
        run: The run.
    """
    return frozenset(
        switch.model
        for job in run.jobs
        if job.case.key.mode == LLM
        for switch in job.switches
        if switch.action == "load" and switch.purpose is SwitchPurpose.AUXILIARY
    )
