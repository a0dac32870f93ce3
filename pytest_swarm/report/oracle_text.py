"""What the score of mode `oracle` is in a run: an upper bound, or only what is known in hindsight."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import part_of
from pytest_swarm.routing.registry import ORACLE

_SIMULATED = "sim"


def oracle_sentences(report: Report) -> Iterator[str]:
    """Yield why the oracle of a run is no upper bound of the score; nothing where it is one, or where none ran."""
    jobs = [job for job in report.jobs if job.key.mode == ORACLE and job.metrics.score is not None]
    depends = [job for job in jobs if job.record.case.graph.edges and job.key.horizon != "flat"]
    if depends and report.info.backend != _SIMULATED:
        yield (
            f"oracle is no upper bound for {part_of(len(depends), len(jobs), 'job')}: it chose each model as if the "
            "answers before a task were right, because only those were asked of every model."
        )
        return
    cut = [job for job in jobs if any(step.bound is None for step in job.record.steps)]
    if cut:
        yield (
            f"oracle is not proven to be an upper bound for {part_of(len(cut), len(jobs), 'job')}: there were more "
            "choices than it searched, or a prompt outgrew the context of a chosen model."
        )
