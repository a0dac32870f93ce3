"""Jobs that ask a model the same: one draw of chance answers all of them, so they are no independent samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.joined_items import joined_items


def jobs_drawn_together(graphs: Iterable[tuple[str, TaskGraph]], *, simulated: bool) -> dict[str, str]:
    """Return, for each job that shares a prompt with another one, the job that stands for all of its group.

    Args:
        graphs: The name of each job with its graph.
        simulated: Whether the simulator answers: it draws by prompt, whatever the inputs say. A real server gets a seed
            of the whole request, so there only the prompts of tasks without inputs count.
    """
    first: dict[str, str] = {}
    stands_for = joined_items(
        (job, first.setdefault(task.whole_prompt, job))
        for job, graph in graphs
        for task in graph.tasks
        if simulated or not graph.inputs(task.id)
    )
    jobs = Counter(stands_for.values())
    return {job: name for job, name in stands_for.items() if jobs[name] > 1}
