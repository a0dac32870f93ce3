"""Runs of many jobs with given scores and times, written without running anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from pytest_swarm.domain.record import CaseKey, JobRecord, JobStatus, Run
from tests.report.factories import GEMMA, LLAMA, PHI, QWEN, WB1, record, run

Chance = Callable[[str, Random], float]
MODELS = {"fixed": GEMMA, "milp": QWEN, "greedy": LLAMA, "lp": PHI}


def many(
    chances: Mapping[str, float],
    *,
    jobs: int = 30,
    repeats: int = 1,
    budgets_gb: tuple[float, ...] = (24.0,),
    seconds: Mapping[str, float] | None = None,
    seed: int = 5,
    family: Callable[[int], str | None] = lambda _: None,
) -> Run:
    """Each mode solves each of three tasks with its chance; modes share the random number of a task.

    The jobs of one `family` (by number) share theirs as well.
    """
    drawn: dict[tuple[str, int], list[float]] = {}
    rng = Random(seed)
    records: list[JobRecord] = []
    for n in range(jobs):
        graph = replace(WB1, name=f"job-{n:02d}", family=family(n))
        size = rng.uniform(5, 50)
        for repeat in range(1, repeats + 1):
            own = [rng.random() for _ in graph.order]
            shared = own if graph.family is None else drawn.setdefault((graph.family, repeat), own)
            numbers = dict(zip(graph.order, shared, strict=True))
            jitter = rng.uniform(0.97, 1.03)
            for mode, chance in chances.items():
                for budget_gb in budgets_gb:
                    key = CaseKey(mode=mode, horizon=0, vram_budget_gb=budget_gb, repeat=repeat)
                    scores = {task: float(number < chance) for task, number in numbers.items()}
                    model = MODELS.get(mode, GEMMA).tag
                    factor = (seconds or {}).get(mode, 1.0)
                    records.append(
                        record(scores, graph=graph, case=key, model=model, makespan_s=size * factor * jitter)
                    )
    return run(*records)


def without_plan(found: Run, mode: str, *, jobs: int) -> Run:
    """The same run in which a mode found no plan for some jobs."""
    left = jobs
    records: list[JobRecord] = []
    for each in found.jobs:
        if each.case.key.mode == mode and left:
            left -= 1
            records.append(replace(each, status=JobStatus.INFEASIBLE, outcomes=(), error="no model fits"))
        else:
            records.append(each)
    return replace(found, jobs=tuple(records))


def with_outcomes(found: Run, **changes: object) -> Run:
    """The same run with changed fields of every outcome."""
    jobs = (replace(job, outcomes=tuple(replace(each, **changes) for each in job.outcomes)) for job in found.jobs)
    return replace(found, jobs=tuple(jobs))
