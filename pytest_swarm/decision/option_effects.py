"""Options that two runs set differently: whether a case of either could have felt it. An unmet limit did nothing.

Options that change what a score means are the gate's business, and are never here: they always keep runs apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.record import JobRecord, JobStatus, PlanStep, Run
from pytest_swarm.domain.run_options import text_of
from pytest_swarm.domain.switch import SwitchPurpose
from pytest_swarm.routing.registry import LLM, built_in
from pytest_swarm.units import parse_duration_s, parse_size_gb

_TIMEOUT: Final = "timeout"
_NO_LIMIT: Final = "none"
_MOST_BYTES: Final = 12
"""Bytes of a reply for each character of its longest text: an escape has six, and the other text is no longer."""
Jobs = tuple[JobRecord, ...]
Felt = Callable[[Jobs, Jobs, str, str], bool]
"""Whether a job of two runs could have felt that an option was one text in the first and another in the second."""


def unfelt_options(first: Run, other: Run) -> frozenset[str]:
    """Return the options of which no case of two runs could have felt another value.

    Args:
        first: A run.
        other: Another run.
    """
    found: set[str] = set()
    for name, felt in EFFECTS.items():
        texts = [text_of(name, run.info.options) for run in (first, other)]
        if not felt(first.jobs, other.jobs, *texts):
            found.add(name)
    return frozenset(found)


def _steps(jobs: Iterable[JobRecord]) -> Iterator[PlanStep]:
    return (step for job in jobs for step in job.steps)


def _shortest_s(texts: Iterable[str]) -> float:
    return min(math.inf if text == _NO_LIMIT else parse_duration_s(text, what="limit") for text in texts)


def _failed(jobs: Iterable[JobRecord]) -> bool:
    return any(job.status is JobStatus.ERROR for job in jobs)


def _timeout_felt(first: Jobs, other: Jobs, *texts: str) -> bool:
    """Whether a task, load or decision took as long as the shorter limit, or a call ran into its own."""
    jobs = (*first, *other)
    spans = [
        *((each.started_s, each.finished_s) for job in jobs for each in job.outcomes),
        *((each.started_s, each.finished_s) for job in jobs for each in job.switches),
    ]
    took_s = [end - begin for begin, end in spans if begin is not None and end is not None]
    decided_s = [step.decision_ms / 1000 for step in _steps(jobs)]
    ran_out = any(each.error_kind == _TIMEOUT for job in jobs for each in job.outcomes)
    ran_out = ran_out or any(_TIMEOUT in step.planner_failures for step in _steps(jobs))
    return ran_out or _failed(jobs) or max((*took_s, *decided_s), default=0.0) >= _shortest_s(texts)


def _reply_limit_felt(first: Jobs, other: Jobs, *texts: str) -> bool:
    """Whether a job failed, or a text could have made a reply as large as the smaller limit."""
    jobs = (*first, *other)
    limit_bytes = min(parse_size_gb(text, what="limit") for text in texts) * 1e9
    written = [each.answer or "" for job in jobs for each in job.outcomes]
    written += [each.thinking or "" for job in jobs for each in job.outcomes]
    written += [call.answer or "" for step in _steps(jobs) for call in step.planner_calls]
    return _failed(jobs) or max(map(len, written), default=0) * _MOST_BYTES >= limit_bytes


def _solve_limit_felt(first: Jobs, other: Jobs, *texts: str) -> bool:
    """Whether a solver took as long as the shorter limit."""
    longest_ms = max((step.solve_ms or 0.0 for step in _steps((*first, *other))), default=0.0)
    return longest_ms >= 1000 * _shortest_s(texts)


def _concurrency_felt(first: Jobs, other: Jobs, *texts: str) -> bool:
    """Whether more tasks were in view than the smaller number that runs at a time."""
    fewest = min(int(text) for text in texts)
    return any(len(step.horizon_tasks) > fewest or step.running for step in _steps((*first, *other)))


def _asks_planner(job: JobRecord) -> bool:
    """Whether a mode may take the planner of the options: an own one, or a policy, whose mode is not known here."""
    row = built_in(job.case.key.mode)
    return row is None or job.case.key.mode == LLM or row.name == "policy"


def _planner_felt(first: Jobs, other: Jobs, *_: str) -> bool:
    """Whether both runs have jobs that may ask the planner; those of one run are compared with none."""
    return any(map(_asks_planner, first)) and any(map(_asks_planner, other))


def _replan_felt(first: Jobs, other: Jobs, *_: str) -> bool:
    """Whether both runs have jobs of a planner whose tasks ran without a barrier."""
    return all(any(step.running is not None for step in _steps(filter(_may_plan, jobs))) for jobs in (first, other))


def _may_plan(job: JobRecord) -> bool:
    row = built_in(job.case.key.mode)
    return _asks_planner(job) or (row is not None and "planner" in row.needs)


def _floor_felt(first: Jobs, other: Jobs, *_: str) -> bool:
    """Whether both runs have jobs of `heft`, of an own mode, or of a policy."""

    def reads(job: JobRecord) -> bool:
        row = built_in(job.case.key.mode)
        return row is None or row.name in ("heft", "policy")

    return any(map(reads, first)) and any(map(reads, other))


def _context_felt(first: Jobs, other: Jobs, *_: str) -> bool:
    """Whether a workflow of both runs hands on its answers in another way; graphs hold what the option said."""
    contexts = {job.case.graph.name: job.case.graph.context for job in first}
    return any(contexts.get(job.case.graph.name, job.case.graph.context) != job.case.graph.context for job in other)


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


EFFECTS: Final[Mapping[str, Felt]] = MappingProxyType(
    {
        "swarm_timeout": _timeout_felt,
        "swarm_reply_limit": _reply_limit_felt,
        "swarm_solve_limit": _solve_limit_felt,
        "swarm_concurrency": _concurrency_felt,
        "swarm_planner": _planner_felt,
        "swarm_replan": _replan_felt,
        "swarm_quality_floor": _floor_felt,
        "swarm_context": _context_felt,
    }
)
"""Option -> whether its other value could be felt. Those that are not here keep two runs apart: weights, estimates,
learning and dispatch change the plans or times of nearly every job."""
