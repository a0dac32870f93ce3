"""What the scores of a run mean: what they rest on where that is no known right answer, and what `oracle` bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_swarm.domain.expectation import Custom, Judge
from pytest_swarm.domain.record import SIMULATED_BACKEND, RunInfo
from pytest_swarm.domain.run_options import text_of
from pytest_swarm.domain.task import Task
from pytest_swarm.metrics.figures_origin import FiguresOrigin, figures_origin
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import joined, one_line, part_of
from pytest_swarm.routing.registry import ORACLE
from pytest_swarm.units import plural

ADVICE_UNSCORED: Final = "write it as `expected`, or let a model say it with `python -m pytest_swarm expect`"
ADVICE_JUDGE: Final = "name one with --swarm-judge=TAG"


def score_basis_sentences(report: Report) -> Iterator[str]:
    """Yield a sentence for scores that are agreement with a model, made-up ones, a judge that lacks, and for none."""
    graphs = {each.record.case.graph.digest: each.record.case.graph for each in report.jobs}.values()
    scored = [task for graph in graphs for task in graph.tasks if task.expected is not None]
    if graphs and not scored and all(job.metrics.score is None for job in report.jobs):
        yield f"No task says what is right, so no answer has a score: {ADVICE_UNSCORED}."
    models = Counter(task.reference_model for task in scored if task.reference_model is not None)
    for model, count in sorted(models.items()):
        yield (
            f"Scores are agreement with {one_line(model)}, not truth: its answers are expected of {count:,} of"
            f" {plural(len(scored), 'scored task')}."
        )
    is_simulated = figures_origin(report.info) is FiguresOrigin.SIMULATED
    if is_simulated:
        yield from _made_up(scored)
    judged = [task for task in scored if isinstance(task.expected, Judge)]
    if judged:
        yield from _judged(report, part_of(len(judged), len(scored), "scored task"), is_simulated=is_simulated)


def _made_up(scored: Sequence[Task]) -> Iterator[str]:
    """Yield which tasks have a scorer that is a function: the simulator cannot write an answer that it calls right."""
    names = [task.expected.name for task in scored if isinstance(task.expected, Custom)]
    if names:
        yield (
            f"A scorer of your own ({joined([one_line(each) for each in dict.fromkeys(names)])}) scores"
            f" {part_of(len(names), len(scored), 'scored task')}. The simulator cannot write what it asks for, so these"
            " scores say nothing about a model."
        )


def _judged(report: Report, part: str, *, is_simulated: bool) -> Iterator[str]:
    """Yield that no judge was named, or that the simulator's judge gives every answer the same grade."""
    if names_no_judge(report.info):
        yield f"A judge is to grade {part}, and none was named: these have no score; {ADVICE_JUDGE}."
    elif is_simulated:
        yield f"A judge grades {part}. A simulated judge reads nothing, so these scores say nothing about a model."


def names_no_judge(info: RunInfo) -> bool:
    """Return whether a run names no model that grades answers."""
    return text_of("swarm_judge", info.options) == "none"


def oracle_sentences(report: Report) -> Iterator[str]:
    """Yield why the oracle of a run is no upper bound of the score; nothing where it is one, or where none ran."""
    jobs = [job for job in report.jobs if job.key.mode == ORACLE and job.metrics.score is not None]
    depends = [job for job in jobs if job.record.case.graph.edges and job.key.horizon != "flat"]
    if depends and report.info.backend != SIMULATED_BACKEND:
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
