"""What the scores of a run rest on, where it is not a known right answer: a model's answers, or made-up texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_swarm.domain.expectation import Custom, Judge
from pytest_swarm.domain.task import Task
from pytest_swarm.metrics.figures_origin import FiguresOrigin, figures_origin
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import joined, one_line, part_of


def score_basis_sentences(report: Report) -> Iterator[str]:
    """Yield a sentence for scores that are agreement with a model, for made-up ones, and for a judge that lacks."""
    graphs = {each.record.case.graph.digest: each.record.case.graph for each in report.jobs}.values()
    scored = [task for graph in graphs for task in graph.tasks if task.expected is not None]
    models = Counter(task.reference_model for task in scored if task.reference_model is not None)
    for model, count in sorted(models.items()):
        yield (
            f"Scores are agreement with {one_line(model)}, not truth: its answers are expected of {count:,} of"
            f" {len(scored):,} scored tasks."
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
    if report.info.options.get("swarm_judge", "none") == "none":
        yield f"A judge is to grade {part}, and none was named: these have no score; name one with --swarm-judge=TAG."
    elif is_simulated:
        yield f"A judge grades {part}. A simulated judge reads nothing, so these scores say nothing about a model."
