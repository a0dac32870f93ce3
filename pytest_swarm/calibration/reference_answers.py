"""Reference answers: the answers of one model to all tasks of a job, from which expectations are guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import DEFAULT_NUM_CTX
from pytest_swarm.domain.prompt import task_messages
from pytest_swarm.domain.seeding import task_seeds
from pytest_swarm.execution.backends import Backend
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ChatRequest
from pytest_swarm.scoring.answer_text import handed_on
from pytest_swarm.scoring.guess_expectation import guess_expectation
from pytest_swarm.units import plural
from pytest_swarm.workloads.expected_files import ExpectedAnswer

REQUEST_SEED = 0


def reference_answers(
    graphs: Iterable[TaskGraph], model: str, backend: Backend, *, report_progress: Callable[[str], None]
) -> Iterator[dict[str, ExpectedAnswer]]:
    """Yield, for each graph once it is answered, what to expect of its tasks by their IDs, after one model's answers.

    Each task gets the model's own answers to the tasks before it. Tasks that have an expectation keep it, and are asked
    only where a task without one needs their answers.

    Args:
        graphs: The graphs.
        model: Tag of the model.
        backend: Where the model runs.
        report_progress: Is told each graph that begins.

    Raises:
        BackendError: Where a call fails.
    """
    loop = backend.new_loop()
    try:
        connection = backend.connect()
        try:
            for graph in graphs:
                asked = _asked(graph)
                report_progress(f"asking {model}: {graph.name}, {plural(len(asked), 'task')}")
                connection.register_graph(graph)
                yield loop.run_until_complete(_answer_graph(graph, asked, model, connection.client))
        finally:
            loop.run_until_complete(connection.client.aclose())
    finally:
        loop.close()


def _asked(graph: TaskGraph) -> tuple[str, ...]:
    """Return the tasks without an expectation, and those whose answers these need, in the graph's order."""
    needed: set[str] = set()
    for task_id in reversed(graph.order):
        if task_id in needed or graph.task(task_id).expected is None:
            needed.update((task_id, *graph.inputs(task_id)))
    return tuple(task_id for task_id in graph.order if task_id in needed)


async def _answer_graph(
    graph: TaskGraph, asked: tuple[str, ...], model: str, client: OllamaClient
) -> dict[str, ExpectedAnswer]:
    answers: dict[str, str] = {}
    found: dict[str, ExpectedAnswer] = {}
    seeds = task_seeds(graph, REQUEST_SEED)
    for task_id in asked:
        task = graph.task(task_id)
        messages = task_messages(task, {each: answers[each] for each in graph.inputs(task_id)})
        request = ChatRequest(model=model, messages=messages, num_ctx=DEFAULT_NUM_CTX, seed=seeds[task_id])
        reply = await client.chat(request)
        answers[task_id] = handed_on(reply.text, whole=graph.context == "full")
        expected = guess_expectation(reply.text) if task.expected is None else None
        if expected is not None:
            found[task_id] = ExpectedAnswer(expected=expected, reference_model=model)
    return found
