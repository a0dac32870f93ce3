"""Jobs that ask a model the same: one draw of chance answers all of them, so they are no independent samples."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_swarm.domain.graph import TaskGraph


def jobs_drawn_together(graphs: Iterable[tuple[str, TaskGraph]], *, simulated: bool) -> dict[str, str]:
    """Return, for each job that shares a prompt with another one, the job that stands for all of its group.

    Args:
        graphs: The name of each job with its graph.
        simulated: Whether the simulator answers: it draws by prompt, whatever the inputs say. A real server gets a seed
            of the whole request, so there only the prompts of tasks without inputs count.
    """
    first: dict[str, str] = {}
    above: dict[str, str] = {}

    def top(job: str) -> str:
        while above.setdefault(job, job) != job:
            job = above[job]
        return job

    for job, graph in graphs:
        for task in graph.tasks:
            if simulated or not graph.inputs(task.id):
                above[top(job)] = top(first.setdefault(task.whole_prompt, job))
    groups: dict[str, list[str]] = {}
    for job in above:
        groups.setdefault(top(job), []).append(job)
    return {job: name for name, group in groups.items() if len(group) > 1 for job in group}
