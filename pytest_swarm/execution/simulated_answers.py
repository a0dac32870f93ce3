"""The answers of simulated models to the tasks of a job, given any answers before them: what mode `oracle` looks up."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.seeding import task_seeds
from pytest_swarm.execution.tasks import TaskCall, chat_request
from pytest_swarm.simulator.models.answer_texts import score_or_none
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.server.token_stream import GenerationRequest


class SimulatedAnswers:
    """What each simulated model answers, from the generator that answers the job's own calls.

    Args:
        generator: Makes the answers.
        fleet: The models on offer.
        graph: The graph as it is run.
        seed: The seed of the repeat.
    """

    def __init__(self, generator: ProfileGenerator, fleet: Fleet, graph: TaskGraph, seed: int) -> None:
        self._generator = generator
        self._fleet = fleet
        self._graph = graph
        self._seeds = task_seeds(graph, seed)
        self._known: dict[tuple[str, str, tuple[str, ...]], tuple[str, float]] = {}

    def inputs(self, task: str) -> tuple[str, ...]:
        """Return the tasks whose answers a task is given."""
        return self._graph.inputs(task)

    def answer(self, task: str, model: str, given: Mapping[str, str]) -> tuple[str, float]:
        """Return the text of an answer and its score; 0 where it has none.

        Code is scored as it is without running it, and what a judge would say is not known.
        """
        key = (task, model, tuple(given.values()))
        if key not in self._known:
            self._known[key] = self._answer(task, model, given)
        return self._known[key]

    def _answer(self, task_id: str, tag: str, given: Mapping[str, str]) -> tuple[str, float]:
        task = self._graph.task(task_id)
        call = TaskCall(
            task=task,
            model=self._fleet[tag],
            given=tuple((self._graph.task(each), text) for each, text in given.items()),
            step=0,
            seed=self._seeds[task_id],
        )
        asked = chat_request(call)
        request = GenerationRequest(model=tag, messages=asked.messages, seed=asked.seed, options=asked.options)
        text = self._generator.task_answer(self._graph, task, request, given)
        return text, score_or_none(task.expected, text) or 0.0
