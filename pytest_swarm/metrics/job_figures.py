"""The figures of one job that need no other job of its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.metrics.facts import JobFacts, shared_map
from pytest_swarm.metrics.job_metrics import JobMetrics, metrics_of, packed_metrics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobFigures:
    """The metrics of a job, without its regret, and what its comparison with others needs, in little memory.

    `task_score` is each task's part in the job's score (None = left out of it), `task_model` the model of each task
    that was dispatched. `sandboxes` are what confined the code that was run. `over_budget`: a step was planned so.
    """

    metrics: JobMetrics
    task_score: Mapping[str, float | None]
    task_model: Mapping[str, str]
    sandboxes: tuple[tuple[str, ...], ...]
    over_budget: bool


def figures_of(record: JobRecord) -> JobFigures:
    """Return the figures of a job."""
    facts = JobFacts(record=_held(record))
    return JobFigures(
        metrics=packed_metrics(metrics_of(facts)),
        task_score=shared_map(facts.task_scores),
        task_model=shared_map(facts.task_models),
        sandboxes=tuple({each.sandbox_layers: None for each in facts.record.outcomes if each.sandbox_layers}),
        over_budget=any(step.violation for step in facts.record.steps),
    )


def _held(job: JobRecord) -> JobRecord:
    """Return an equal record whose parts are tuples, because each metric reads them."""
    return replace(
        job,
        steps=tuple(job.steps),
        outcomes=tuple(job.outcomes),
        switches=tuple(job.switches),
        samples=tuple(job.samples),
        retries=tuple(job.retries),
    )
